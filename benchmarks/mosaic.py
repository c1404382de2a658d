"""Does mosaic pay? The detector on `bccd`, from scratch, with mosaics for none and for a half of the images.

After equal epochs, as the machine may be shared; map50_95 and map50 on val, which chose the epoch. Mosaics end at 85 %
of the steps.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

from measure import data, row, title

import sightline as sl
from sightline.learn.augment import Changes, choose
from sightline.verbs import training


def main() -> None:
    """One training a seed and share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.5])
    given = parser.parse_args()
    title(f"bccd val, {given.side} px, {given.epochs} epochs", ("torch",))
    for seed in range(given.seeds):
        for share in given.shares:

            def chosen(name: str, channels: int, content: str, share: float = share) -> Changes:
                return dataclasses.replace(choose(name, channels, content), mosaic=share)  # pyright: ignore

            training.choose = chosen  # what `train` asks for what is done to images
            with tempfile.TemporaryDirectory() as folder:
                begun = time.monotonic()
                out = Path(folder) / "run"
                model = sl.train(data("bccd"), imgsz=given.side, epochs=given.epochs, seed=seed, out=out)
                seconds = time.monotonic() - begun
                metrics = model.card["scores"]["val"]["metrics"]
            scores = [f"{key} {100 * metrics[key]:.1f}" for key in ("map50_95", "map50")]
            row(f"mosaic {share:g}, seed {seed}", *scores, f"{seconds:.0f} s")


if __name__ == "__main__":
    main()
