"""One epoch of the tutorials' CNN on MNIST, the same batch size: Keras, a plain PyTorch loop, ours.

Seconds a batch from the end of the first one (which pays for compiling) to the end of the epoch, times the batches.
Ours is `sightline train --network cnn --augment none`, so that all three do the same work.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import HERE, data, in_turns, last_json, ratios, row, spread, timed, title
from peers import environment, versions


def write_npz(path: Path, count: int) -> None:
    """MNIST's training images so that `count` train where one in ten is val; a few of the test images."""

    def load(part: str, kind: str, offset: int) -> np.ndarray:
        raw = gzip.decompress((data("mnist") / f"{part}-{kind}-ubyte.gz").read_bytes())
        values = np.frombuffer(raw, np.uint8, offset=offset)
        return values.reshape(-1, 28, 28) if kind.startswith("images") else values

    whole = count * 10 // 9
    kinds = (("images-idx3", 16), ("labels-idx1", 8))
    x_train, y_train = (load("train", kind, offset)[:whole] for kind, offset in kinds)
    x_test, y_test = (load("t10k", kind, offset)[:1000] for kind, offset in kinds)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def ours(count: int, batch: int) -> float:
    """Seconds of an epoch, ours."""
    with tempfile.TemporaryDirectory() as place:
        write_npz(Path(place) / "mnist.npz", count)
        words = ["train", Path(place) / "mnist.npz", "--network", "cnn", "--augment", "none", "--epochs", "1"]
        words += ["--batch", str(batch), "--out", Path(place) / "run"]
        found = last_json(timed([sys.executable, HERE / "stopwatch.py", *words])[1])
    begun = found["begun"]
    if found["size"] != batch or not 0.9 < len(begun) * batch / count < 1.1:
        sys.exit(f"expected {count // batch} batches of {batch}, saw {len(begun)} of {found['size']}")
    return (begun[-1] - begun[1]) / (len(begun) - 2) * count / batch


def keras(python: Path, count: int, batch: int) -> float:
    """Seconds of an epoch, Keras."""
    with tempfile.TemporaryDirectory() as place:
        words = [data("mnist"), Path(place) / "model.keras", "--epochs", "1", "--batch", str(batch)]
        found = last_json(timed([python, HERE / "peer_keras_cnn.py", *words, "--count", str(count)])[1])
    steps = count / batch
    return (found["epochs_done"][0] - found["first_batch_done"]) / (steps - 1) * steps


def torch_loop(count: int, batch: int) -> float:
    """Seconds of an epoch, the plain loop, in the environment that Sightline runs in."""
    found = last_json(timed([sys.executable, HERE / "peer_torch_cnn.py", data("mnist"), str(count), str(batch)])[1])
    return found["per_batch"] * count / batch


def main() -> None:
    """Prints seconds and ratios for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--count", type=int, default=54_000, help="training images; fewer for a quick look")
    parser.add_argument("--batches", default="32,128")
    options = parser.parse_args()
    python, count = environment("keras", ["tensorflow-cpu"], 3), options.count
    for batch in map(int, options.batches.split(",")):
        contestants: dict[str, Callable[[], float]] = {
            "ours": lambda batch=batch: ours(count, batch),
            "Keras": lambda batch=batch: keras(python, count, batch),
            "PyTorch loop, channels last": lambda batch=batch: torch_loop(count, batch),
        }
        found = in_turns(contestants, options.repeat)
        title(f"One epoch of `cnn`, {count:,} images, batch {batch}", ("numpy", "torch"))
        print(f"  peer: {versions(python, ['tensorflow-cpu', 'keras', 'numpy'])}")
        for name, seconds in found.items():
            row(name, spread(seconds, "s"), f"{count / statistics.median(seconds):,.0f} images/s")
        for name in list(contestants)[1:]:
            row(f"times sooner than {name}", spread(ratios(found[name], found["ours"]), "x"))


if __name__ == "__main__":
    main()
