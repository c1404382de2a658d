"""What `predict` does with answers: lines, JSON, a table, pictures, and a last word."""

from __future__ import annotations

import csv
import io
import itertools
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.errors import SightlineError
from sightline.core.predictions import Prediction
from sightline.data.image import read
from sightline.run.files import can_write, write_text, write_whole
from sightline.verbs.common import print_json, say

if TYPE_CHECKING:
    from sightline.verbs.chain import Chain
    from sightline.verbs.predict import Answer, PredictOptions, Predictor


def draw(answer: Answer, prediction: Prediction, options: PredictOptions, folder: Path) -> None:
    """Writes `NAME.png`, or `NAME-2.png` … where there is one: neither an earlier answer nor a source is lost."""
    stem = Path(answer.source).stem
    names = (f"{stem}.png" if n == 1 else f"{stem}-{n}.png" for n in itertools.count(1))
    path = next(folder / name for name in names if not (folder / name).exists())
    pixels = read(answer.source, None, options.max_pixels) if answer.pixels is None else answer.pixels
    drawn = prediction.draw(pixels, options.min_confidence)
    write_whole(path, lambda file: drawn.save(file, "PNG"))


class Telling:
    """Answers as they come: a line each, JSON or a table, pictures; and what could not be read."""

    def __init__(
        self, predictor: Predictor | Chain, options: PredictOptions, as_json: bool, columns: Sequence[str]
    ) -> None:
        """columns: of the table, between `image` and `error`.

        Raises SightlineError, before there are answers, where the table cannot be written.
        """
        if options.csv and not can_write(options.csv):
            raise SightlineError(
                "the table cannot be written: it is a folder, or its folder may not be written to", str(options.csv),
                "name another: --csv FILE",
            )  # fmt: skip
        self.predictor, self.options, self.as_json = predictor, options, as_json
        self.bad: list[str] = []
        self._table, self._begun = Table(columns), time.monotonic()

    def image(self, answer: Answer) -> None:
        """One image: its line, its row, its picture."""
        options = self.options
        row = row_of(str(answer.source), answer, options.top, options.min_confidence)
        if answer.prediction is None:
            self.bad.append(f"{answer.source}: {answer.error}")
        elif options.out:
            draw(answer, answer.prediction, options, options.out)
        found = answer.prediction
        shown = found and not (self.as_json or options.csv)
        text = f"{row['image']}  {found.to_text(options.top, options.min_confidence)}" if found and shown else None
        rows = self.predictor.rows(row) if options.csv and answer.prediction else [row]
        self.row(row, text, [{"image": row["image"], **one} for one in rows])

    def row(self, row: dict[str, Any], text: str | None, rows: list[dict[str, Any]]) -> None:
        """An answer as a JSON object, as a line for people, and as rows of the table."""
        if self.options.csv:
            self._table.add(rows)
        if self.as_json:
            print_json(row)
        elif text and not self.options.csv:
            print(text)

    def fail(self, source: Path, why: str) -> None:
        """A source that could not be read."""
        self.bad.append(f"{source}: {why}")
        row = {"image": str(source), "error": why}
        self.row(row, None, [row])

    def write(self) -> None:
        """The table, as far as there are answers."""
        if self.options.csv:
            self._table.write(self.options.csv)

    def close(self, images: Sequence[Path], sources: int | None = None) -> int:
        """The table, what could not be read, and how long the images took; the exit code.

        sources: how many there were, where they were not only images.
        """
        seconds = time.monotonic() - self._begun
        self.write()
        return close(images, self.bad, seconds, self.options, self.as_json, sources)


class Table:
    """`--csv`: image, the columns, error; held as text, and written when all is said."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._text = io.StringIO()
        names = ["image", *columns, "error"]
        self._writer = csv.DictWriter(self._text, names, extrasaction="ignore", lineterminator="\n")
        self._writer.writeheader()

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Rows below; what is no column is left out."""
        self._writer.writerows(rows)

    def write(self, path: Path) -> None:
        """The whole file, or none."""
        write_text(path, self._text.getvalue())


def close(
    paths: Sequence[Path], bad: list[str], seconds: float, options: PredictOptions, as_json: bool, of: int | None = None
) -> int:
    """What could not be read, and how long it took; the exit code. of: how many sources there were, if not so many."""
    for line in bad[:20]:
        say(f"! {line}")
    if len(bad) > 20:
        say(f"! … and {len(bad) - 20} more")
    if paths and not as_json:
        read = len(paths) - len(bad)
        say(
            f"{read:,} image{'' if read == 1 else 's'}, {1000 * seconds / max(1, len(paths)):.1f} ms each"
            + (f", {len(bad)} unreadable" if bad else "")
        )
    return 2 if len(bad) > options.max_bad * (len(paths) if of is None else of) else 0


def row_of(name: str, answer: Answer, top: int, min_confidence: float) -> dict[str, Any]:
    """One image's answer as a JSON object; `error` where there is none."""
    if answer.prediction is None:
        return {"image": name, "error": answer.error}
    return {"image": name, **answer.prediction.to_dict(top, min_confidence)}
