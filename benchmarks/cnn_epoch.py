"""One epoch of the tutorials' CNN on MNIST (54,000 images), the same batch size: Keras, a plain PyTorch loop, ours.

Seconds a batch from the end of the first one (which pays for compiling) to the end of the epoch, times the batches.
Ours is `sightline train --network cnn --augment none`, so that all three do the same work.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from measure import HERE, data, in_turns, last_json, ratios, row, spread, timed, title
from peers import environment, versions

COUNT = 54_000


def ours(batch: int) -> float:
    """Seconds of an epoch, ours. The first 54,000 of 60,000 images train, the rest is val."""
    with tempfile.TemporaryDirectory() as place:
        words = ["train", data("mnist"), "--network", "cnn", "--augment", "none", "--epochs", "1", "--batch", str(batch)]
        found = last_json(timed([sys.executable, HERE / "stopwatch.py", *words, "--out", Path(place) / "run"])[1])
    begun = found["begun"]
    if found["size"] != batch or len(begun) < COUNT // batch * 0.9:
        sys.exit(f"expected {COUNT // batch} batches of {batch}, saw {len(begun)} of {found['size']}")
    return (begun[-1] - begun[1]) / (len(begun) - 2) * COUNT / batch


def keras(python: Path, batch: int) -> float:
    """Seconds of an epoch, Keras."""
    with tempfile.TemporaryDirectory() as place:
        words = [data("mnist"), Path(place) / "model.keras", "--epochs", "1", "--batch", str(batch), "--count", str(COUNT)]
        found = last_json(timed([python, HERE / "peer_keras_cnn.py", *words])[1])
    steps = COUNT / batch
    return (found["epochs_done"][0] - found["first_batch_done"]) / (steps - 1) * steps


def torch_loop(batch: int) -> float:
    """Seconds of an epoch, the plain loop, in the environment that Sightline runs in."""
    found = last_json(timed([sys.executable, HERE / "peer_torch_cnn.py", data("mnist"), str(COUNT), str(batch)])[1])
    return found["per_batch"] * COUNT / batch


def main() -> None:
    """Prints seconds and ratios for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--batches", default="32,128")
    options = parser.parse_args()
    python = environment("keras", ["tensorflow-cpu"], 3)
    for batch in map(int, options.batches.split(",")):
        contestants = {
            "ours": lambda batch=batch: ours(batch),
            "Keras": lambda batch=batch: keras(python, batch),
            "PyTorch loop, channels last": lambda batch=batch: torch_loop(batch),
        }
        found = in_turns(contestants, options.repeat)
        title(f"One epoch of `cnn`, {COUNT:,} images, batch {batch}", ("numpy", "torch"))
        print(f"  peer: {versions(python, ['tensorflow-cpu', 'keras', 'numpy'])}")
        for name, seconds in found.items():
            row(name, spread(seconds, "s"), f"{COUNT / statistics.median(seconds):,.0f} images/s")
        for name in list(contestants)[1:]:
            row(f"times sooner than {name}", spread(ratios(found[name], found["ours"]), "x"))


if __name__ == "__main__":
    main()
