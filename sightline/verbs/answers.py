"""What `predict` does with answers: lines, JSON, a table, pictures, and a last word."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.predictions import Prediction
from sightline.data.image import read
from sightline.run.files import write_whole
from sightline.verbs.common import print_json, say

if TYPE_CHECKING:
    from sightline.verbs.predict import Answer, PredictOptions


def tell(answer: Answer, plain: dict[str, Any], options: PredictOptions, as_json: bool) -> None:
    """A line on stdout; none for people who get a table."""
    if as_json:
        print_json(plain)
    elif answer.prediction and not options.csv:
        print(f"{answer.source}  {answer.prediction.to_text(options.top, options.min_confidence)}")


def draw(answer: Answer, prediction: Prediction, folder: Path, max_pixels: int) -> None:
    """Writes `NAME.png`, or `NAME-2.png` … where there is one: neither an earlier answer nor a source is lost."""
    stem = Path(answer.source).stem
    names = (f"{stem}.png" if n == 1 else f"{stem}-{n}.png" for n in itertools.count(1))
    path = next(folder / name for name in names if not (folder / name).exists())
    drawn = prediction.draw(read(answer.source, None, max_pixels) if answer.pixels is None else answer.pixels)
    write_whole(path, lambda file: drawn.save(file, "PNG"))


def table(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    """CSV: image, the columns, error."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["image", *columns, "error"], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def close(paths: Sequence[Path], bad: list[str], seconds: float, options: PredictOptions, as_json: bool) -> int:
    """What could not be read, and how long it took; the exit code."""
    for line in bad[:20]:
        say(f"! {line}")
    if len(bad) > 20:
        say(f"! … and {len(bad) - 20} more")
    if not as_json:
        read = len(paths) - len(bad)
        say(
            f"{read:,} image{'' if read == 1 else 's'}, {1000 * seconds / max(1, len(paths)):.1f} ms each"
            + (f", {len(bad)} unreadable" if bad else "")
        )
    return 2 if len(bad) > options.max_bad * len(paths) else 0
