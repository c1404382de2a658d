"""Does `--augment auto` pay, and does it ever harm? auto against none on four data sets of different kinds and sizes.

Data sets: digits (embedded), MNIST, CIFAR-10 (a tenth of its train files held out), and single blood cells cut from
BCCD (3 classes). For each: 50, 500 and all images a class for training, several seeds; the test images never change.
The written rule must never lose more than 0.5 points on average. Long: choose parts with --data and --sizes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from measure import data, row, spread, title

import sightline as sl
from sightline.data.formats import open_data
from sightline.data.image import read, resize, to_channels

Arrays = tuple[np.ndarray, np.ndarray]
CELL_SIDE = 48


def of_dataset(path: str, tenth_is_test: bool = False) -> tuple[Arrays, Arrays]:
    """(images, labels) of the train and of the test part of anything that Sightline opens."""
    found = open_data(path)
    channels = found.probe().channels
    images = np.stack([to_channels(read(found.images.load(i)), channels) for i in range(len(found))])
    test = np.arange(len(found)) % 10 == 0 if tenth_is_test else found.splits == "test"
    return (images[~test], found.targets[~test]), (images[test], found.targets[test])


def cells() -> tuple[Arrays, Arrays]:
    """Single cells, cut out of BCCD along their boxes, 48 px; its val images are the test part."""
    return tuple(_cells_of(data("bccd") / part) for part in ("train", "val"))  # type: ignore[return-value]


def _cells_of(folder: Path) -> Arrays:
    images, labels = [], []
    for file in sorted((folder / "Annotations").glob("*.xml")):
        pixels = read(folder / "JPEGImages" / f"{file.stem}.jpg")
        for item in ElementTree.parse(file).iter("object"):
            left, top, right, low = (int(item.findtext(f"bndbox/{k}", "0")) for k in ("xmin", "ymin", "xmax", "ymax"))
            if min(right - left, low - top) >= 16:
                images.append(to_channels(resize(pixels[top:low, left:right], (CELL_SIDE, CELL_SIDE)), 3))
                labels.append(item.findtext("name", ""))
    return np.stack(images), np.array(labels)


def some(train: Arrays, size: int | None, seed: int) -> Arrays:
    """At most `size` images a class, by chance."""
    images, labels = train
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(labels == name))[:size] for name in np.unique(labels)]
    places = np.concatenate(chosen)
    return images[places], labels[places]


def accuracy(train: Arrays, test: Arrays, augment: str, seed: int, epochs: int | None) -> float:
    """Test accuracy of `auto` with that augmentation."""
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        model = sl.train(*train, augment=augment, seed=seed, epochs=epochs, out=Path(place) / "run")
        return model.evaluate(*test)["metrics"]["accuracy"]


def main() -> None:
    """Prints, for each data set and size, accuracy without, with, and the difference in points."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits,mnist,cifar10,cells")
    parser.add_argument("--sizes", default="50,500,all", help="images a class for training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="of each training (default: Sightline's own)")
    options = parser.parse_args()
    sources = {
        "digits": lambda: of_dataset("digits"),
        "mnist": lambda: of_dataset(str(data("mnist"))),
        "cifar10": lambda: of_dataset(str(data("cifar10") / "train.zip"), tenth_is_test=True),
        "cells": cells,
    }
    title(f"--augment auto against none: test accuracy in %, {options.seeds} seeds", ("numpy", "torch"))
    for name in options.data.split(","):
        train, test = sources[name]()
        for size in options.sizes.split(","):
            limit = None if size == "all" else int(size)
            pairs = []
            for seed in range(options.seeds):
                part = some(train, limit, seed)
                pairs.append([100 * accuracy(part, test, kind, seed, options.epochs) for kind in ("none", "auto")])
                print(f"  {name} {size} seed {seed}: {pairs[-1]}", file=sys.stderr, flush=True)
            none, auto = zip(*pairs, strict=True)
            gain = [b - a for a, b in pairs]
            row(f"{name}, {size} a class", f"none {spread(none)}", f"auto {spread(auto)}", f"gain {spread(gain)}")


if __name__ == "__main__":
    main()
