"""Do rendered lines help where few real ones are at hand? 200 real lines alone against the same with rendered ones.

Real lines: 160 for training and 40 for choosing, drawn by chance from the train part of fraktur-lines; `sightline
render` draws the texts of the others in the fonts of a folder. Trained with the same time: `real` from scratch,
`mixed` from both together, `tuned` from the rendered ones first and then, with --init, from the real ones alone.
Read: the val part. Fonts with a long s, from Debian: apt-get install fonts-blankenburg fonts-gamaliel.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import SIGHTLINE, data, last_json, row, spread, timed, title

REAL, CHOOSING = 200, 40
ARMS = {"real": "alone", "mixed": "and rendered ones", "tuned": "after rendered ones"}


def pairs(folder: Path) -> list[tuple[Path, str]]:
    """Image and text of each line of a folder."""
    found = []
    for file in sorted(folder.rglob("*.gt.txt")):
        image = next(file.parent.glob(file.name.removesuffix(".gt.txt") + ".[jp][pn]g"))
        found.append((image, file.read_text(encoding="utf-8").strip()))
    return found


def table(place: Path, train: list[tuple[Path, str]], choosing: list[tuple[Path, str]]) -> Path:
    """A CSV file of both parts, with the images in the same folder."""
    place.mkdir()
    with (place / "lines.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "text", "split"])
        for split, lines in (("train", train), ("val", choosing)):
            for number, (image, text) in enumerate(lines):
                name = f"{split}{number}{image.suffix}"
                shutil.copy(image, place / name)
                writer.writerow([name, text, split])
    return place / "lines.csv"


def rendered(place: Path, texts: list[str], fonts: Path, seed: int) -> list[tuple[Path, str]]:
    """A line of each text."""
    place.mkdir()
    (place / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    timed([*SIGHTLINE, "render", place / "texts.txt", "--fonts", fonts, "--out", place / "lines", "--seed", str(seed)])
    return pairs(place / "lines")


def train(lines: Path, minutes: float, seed: int, out: Path, *more: str | Path) -> Path:
    """The bundle."""
    words = ["train", lines, "--time", f"{60 * minutes:.0f}s", "--seed", str(seed), "--out", out, "--json", *more]
    return Path(last_json(timed([*SIGHTLINE, *words])[1])["bundle"])


def error(bundle: Path, lines: Path) -> float:
    """CER in %."""
    return 100 * last_json(timed([*SIGHTLINE, "evaluate", bundle, lines, "--json"])[1])["metrics"]["cer"]


def main() -> None:
    """Prints the CER of each arm over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts/truetype/blankenburg"))
    parser.add_argument("--minutes", type=float, default=10, help="of each training")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    folder = data("fraktur-lines")
    known = pairs(folder / "train")
    found: dict[str, list[float]] = {arm: [] for arm in ARMS}
    title(f"CER in % on fraktur-lines/val after {options.minutes:g} minutes", ("torch",))
    for seed in range(options.seeds):
        order = np.random.default_rng(seed).permutation(len(known))
        real, others = ([known[i] for i in part] for part in (order[:REAL], order[REAL:]))
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            drawn = rendered(place / "render", [text for _, text in others], options.fonts, seed)
            few, many = real[CHOOSING:], real[:CHOOSING]
            alone, made = table(place / "alone", few, many), table(place / "made", drawn, many)
            both = table(place / "both", few + drawn, many)
            first = train(made, options.minutes / 2, seed, place / "first")
            bundles = {
                "real": train(alone, options.minutes, seed, place / "real"),
                "mixed": train(both, options.minutes, seed, place / "mixed"),
                "tuned": train(alone, options.minutes / 2, seed, place / "tuned", "--init", first),
            }
            for arm, bundle in bundles.items():
                found[arm].append(error(bundle, folder / "val"))
        print(f"  seed {seed}: {[round(values[-1], 2) for values in found.values()]}", file=sys.stderr, flush=True)
    for arm, words in ARMS.items():
        row(f"{REAL} real lines {words}", spread(found[arm], " %", 1))


if __name__ == "__main__":
    main()
