"""Licence plates end to end: a detector finds them, a reader reads what it has found (`predict --then`).

Every fourth car is held out, and neither bundle has seen it. The reader starts on rendered plates, as some 80 real ones
are too few to learn letters from. Beside the whole: the reader alone, on the true boxes.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from measure import SIGHTLINE, data, row, timed, title
from PIL import Image
from rapidfuzz.distance import Levenshtein

import sightline
from sightline.tasks.detect.geometry import overlaps

PATTERNS = ("AA0000", "AAA000", "AA000AA", "0000AAA", "AAA0000", "AA00AAA", "A00AAA", "000AA00", "AAAA000", "AA00000")
MARGIN = 0.1
"""Share of a plate's height that crops for the reader take in around it, since found boxes are not exact either."""

Row = dict[str, Any]


def cars() -> tuple[list[Row], list[Row]]:
    """The rows of the table, to learn from and held out."""
    with (data("plates") / "plates.csv").open(encoding="utf-8", newline="") as file:
        rows: list[Row] = sorted(csv.DictReader(file), key=lambda one: one["image"])
    for one in rows:
        left, top, width, height = (float(one[key]) for key in ("x", "y", "width", "height"))
        one |= {"path": data("plates") / "images" / one["image"], "box": (left, top, left + width, top + height)}
    held = set(sorted({one["image"] for one in rows})[::4])
    return [one for one in rows if one["image"] not in held], [one for one in rows if one["image"] in held]


def cut(one: Row, around: float = MARGIN) -> Image.Image:
    """The pixels of a plate."""
    left, top, right, bottom = one["box"]
    more = around * (bottom - top)
    return (
        Image.open(one["path"])
        .convert("RGB")
        .crop((int(left - more), int(top - more), int(right + more), int(bottom + more)))
    )


def detector(rows: list[Row], place: Path, minutes: float, side: int) -> Path:
    """A run on whole photos."""
    with (place / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "x", "y", "width", "height", "label"])
        table.writerows([one["path"], one["x"], one["y"], one["width"], one["height"], "plate"] for one in rows)
    out = place / "detector"
    options = ["--time", f"{60 * minutes:.0f}s", "--imgsz", side, "--out", out, "--progress", "none"]
    timed([*SIGHTLINE, "train", place / "boxes.csv", *options])
    return out


def reader(rows: list[Row], place: Path, minutes: float, count: int, fonts: list[str]) -> Path:
    """A run on rendered plates, then on real ones."""
    lots = random.Random(0)
    kinds = {"A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0": "0123456789"}
    texts = ["".join(lots.choice(kinds[c]) for c in lots.choice(PATTERNS)) for _ in range(count)]
    (place / "plates.txt").write_text("\n".join(texts), encoding="utf-8")
    timed([*SIGHTLINE, "render", place / "plates.txt", *fonts, "--out", place / "drawn"])
    (place / "lines").mkdir()
    for number, one in enumerate(rows):
        cut(one).save(place / "lines" / f"{number}.png")
        (place / "lines" / f"{number}.gt.txt").write_text(one["text"], encoding="utf-8")
    first, out = place / "drawn-reader", place / "reader"
    common = ["--lm", "none", "--progress", "none", "--time", f"{30 * minutes:.0f}s"]
    timed([*SIGHTLINE, "train", place / "drawn", *common, "--out", first])
    timed([*SIGHTLINE, "train", place / "lines", *common, "--init", first / "drawn-reader.sightline", "--out", out])
    return out


def judge(name: str, rows: list[Row], texts: list[str]) -> None:
    """One row of the result: plates that are right in full, and characters."""
    right = sum(text == one["text"] for text, one in zip(texts, rows, strict=True))
    wrong = sum(Levenshtein.distance(text, one["text"]) for text, one in zip(texts, rows, strict=True))
    row(
        name, f"{right} of {len(rows)} plates right", f"CER {100 * wrong / sum(len(one['text']) for one in rows):.1f} %"
    )


def main() -> None:
    """Prints what is found, what is read, and both together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector-minutes", type=float, default=6)
    parser.add_argument("--reader-minutes", type=float, default=12)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--drawn", type=int, default=4000)
    parser.add_argument("--fonts", help="a folder with fonts (default: the one that Pillow carries)")
    parser.add_argument("--keep", type=Path, help="an empty folder that keeps both runs")
    options = parser.parse_args()
    train, test = cars()
    fonts = ["--fonts", options.fonts] if options.fonts else []
    with tempfile.TemporaryDirectory() as temporary:
        place = options.keep or Path(temporary)
        place.mkdir(exist_ok=True, parents=True)
        found = sightline.load(detector(train, place, options.detector_minutes, options.side))
        read = sightline.load(reader(train, place, options.reader_minutes, options.drawn, fonts))
        whole = [answer.to_dict() for answer in found.predict([one["path"] for one in test], then=read)]
        alone = [answer.to_dict() for answer in read.predict([np.asarray(cut(one)) for one in test])]
    title(f"licence plates end to end: {len(train)} to learn from, {len(test)} held out", ("torch",))
    best = [nearest(one, answer["boxes"]) for one, answer in zip(test, whole, strict=True)]
    row("found (overlap of at least a half)", f"{sum(box is not None for box in best)} of {len(test)}")
    row("boxes where no plate is", str(sum(len(a["boxes"]) for a in whole) - sum(box is not None for box in best)))
    judge("found and read", test, [box["then"]["text"] if box else "" for box in best])
    judge("read alone, true boxes", test, [answer["text"] for answer in alone])


def nearest(one: Row, boxes: list[Row]) -> Row | None:
    """The box that overlaps a plate most, by at least a half."""
    if not boxes:
        return None
    shares = overlaps(np.array([one["box"]]), np.array([box["box"] for box in boxes]))[0]
    return boxes[int(shares.argmax())] if shares.max() >= 0.5 else None


if __name__ == "__main__":
    main()
