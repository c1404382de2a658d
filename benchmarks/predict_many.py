"""`sightline predict MODEL FOLDER --csv` on 10,000 small PNGs, against a hand-written loop over the same graph.

Both from process start to the finished table, with the same graph, taken from the bundle. The tables must agree.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from measure import HERE, SIGHTLINE, data, in_turns, ratios, row, spread, timed, title
from PIL import Image


def write_mnist(folder: Path, count: int) -> None:
    """The first `count` test digits, a folder a class, as grey PNGs of 28 x 28 px."""
    raw = [(data("mnist") / f"t10k-{name}-ubyte.gz").read_bytes() for name in ("images-idx3", "labels-idx1")]
    images = np.frombuffer(gzip.decompress(raw[0]), np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(gzip.decompress(raw[1]), np.uint8, offset=8)
    for number in range(count):
        place = folder / str(labels[number % len(labels)])
        place.mkdir(exist_ok=True)
        Image.fromarray(images[number % len(images)]).save(place / f"{number:05}.png")


def write_cifar(folder: Path, count: int) -> None:
    """`count` images, a folder a class, as colour PNGs of 32 x 32 px."""
    with zipfile.ZipFile(data("cifar10/train.zip")) as archive:
        names = [name for name in sorted(archive.namelist()) if name.endswith(".jpg")]
        for number, name in enumerate(names[:: max(1, len(names) // count)][:count]):
            place = folder / name.split("/")[0]
            place.mkdir(exist_ok=True)
            Image.open(io.BytesIO(archive.read(name))).save(place / f"{number:05}.png")


SETS = {"28 px grey": write_mnist, "32 px colour": write_cifar}


def main() -> None:
    """Prints seconds and ratios for both sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--network", default="cnn", help="a larger network hides what is compared")
    parser.add_argument("--batches", default="64,256", help="batch sizes of the hand-written loop")
    parser.add_argument("--keep", type=Path, help="keep images, models and tables here, and use what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = options.keep or Path(temporary)
        for number, name in enumerate(SETS):
            compare(name, place / f"set{number}", options)


def prepare(name: str, place: Path, options: argparse.Namespace) -> None:
    """Images, a bundle trained for one epoch, its graph and its classes."""
    if (place / "ready").exists():
        return
    (place / "images").mkdir(parents=True, exist_ok=True)
    SETS[name](place / "images", options.count)
    words = ["train", place / "images", "--network", options.network, "--epochs", "1", "--out", place / "run"]
    timed([*SIGHTLINE, *words])
    with zipfile.ZipFile(place / "run" / "run.sightline") as bundle:
        (place / "model.onnx").write_bytes(bundle.read("model.onnx"))
        (place / "classes.json").write_text(json.dumps(json.loads(bundle.read("spec.json"))["classes"]))
    (place / "ready").touch()


def compare(name: str, place: Path, options: argparse.Namespace) -> None:
    """One set: all contestants in turns."""
    prepare(name, place, options)
    ours = [*SIGHTLINE, "predict", place / "run" / "run.sightline", place / "images", "--csv", place / "ours.csv"]
    contestants = {"ours": lambda: timed(ours)[0]}
    batches = options.batches.split(",")
    for batch in batches:
        loop = [sys.executable, HERE / "peer_predict_loop.py", place / "model.onnx", place / "classes.json",
                place / "images", place / f"loop{batch}.csv", batch]  # fmt: skip
        contestants[f"loop, batches of {batch}"] = lambda loop=loop: timed(loop)[0]
    found = in_turns(contestants, options.repeat)
    title(f"predict, {options.count:,} PNGs of {name}, network {options.network}: process start to the table")
    for contestant, seconds in found.items():
        row(contestant, spread(seconds, "s"))
    for batch in batches:
        check(place / "ours.csv", place / f"loop{batch}.csv")
        sooner = ratios(found[f"loop, batches of {batch}"], found["ours"])
        row(f"times sooner than batches of {batch}", spread(sooner, "x"))


def check(ours: Path, theirs: Path) -> None:
    """Ends the program where the tables differ in an image or a confidence (1e-3)."""
    first, second = (list(csv.DictReader(path.open(newline="", encoding="utf-8"))) for path in (ours, theirs))
    same = len(first) == len(second) and all(
        a["image"] == b["image"] and abs(float(a["confidence"]) - float(b["confidence"])) < 1e-3
        for a, b in zip(first, second, strict=True)
    )
    if not same:
        sys.exit(f"the tables differ: {ours} and {theirs}")


if __name__ == "__main__":
    main()
