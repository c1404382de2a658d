"""predict --page: whole pages, whose lines are found first; several pages a file where it holds several."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sightline.core.errors import SightlineError
from sightline.core.predictions import Prediction
from sightline.data.alto import Word, to_alto
from sightline.data.draw import outlined
from sightline.data.image import MAX_PIXELS, Pixels, to_image
from sightline.data.lines import Points
from sightline.data.sheets import pages_in
from sightline.run.files import write_text, write_whole

if TYPE_CHECKING:
    from sightline.verbs.predict import Predictor


DRAWN = "-lines.png"
"""Ending of the picture of a page with its lines."""


class Region(Protocol):
    """A part of a page that is answered for by itself: what `Task.find` gives."""

    polygon: Points
    baseline: Points

    @property
    def box(self) -> tuple[int, int, int, int]:
        """left, top, right, bottom in the page's pixels."""
        ...

    def cut_from(self, page: Pixels) -> Pixels:
        """Its pixels."""
        ...


@dataclass(frozen=True)
class Page:
    """A page that was read: its regions in reading order, and what was read in each."""

    name: str
    pixels: Pixels
    regions: Sequence[Region]
    predictions: Sequence[Prediction]

    def to_dict(self, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values."""
        lines: list[dict[str, Any]] = []
        for region, prediction in zip(self.regions, self.predictions, strict=True):
            line = prediction.to_dict(min_confidence=min_confidence)
            places = {"box": list(region.box), "baseline": np.round(region.baseline, 1).tolist()}
            lines.append({**{key: line[key] for key in ("text", "confidence")}, **places})
        height, width = self.pixels.shape[:2]
        return {"image": self.name, "size": [width, height], "text": self.text(min_confidence), "lines": lines}

    def text(self, min_confidence: float = 0.0) -> str:
        """The lines that are sure enough, one below the other."""
        sure = [p for p in self.predictions if p.to_dict()["confidence"] >= min_confidence]
        return "\n".join(prediction.to_text() for prediction in sure)

    def write(self, folder: Path) -> None:
        """NAME.txt, NAME.xml (ALTO) and NAME-lines.png, the page with its lines drawn on it; for a page of several in a
        file, NAME.png too: the page itself, since the XML could not name it otherwise.

        NAME-2 … where any of them is there: neither an earlier answer nor a scan is lost.
        """
        stem, is_one_of_several = self._stem()
        stem = _free_name(folder, stem, (".txt", ".xml", DRAWN, *((".png",) if is_one_of_several else ())))
        image = f"{stem}.png" if is_one_of_several else self.name
        if is_one_of_several:
            page = to_image(self.pixels)
            write_whole(folder / image, lambda file: page.save(file, "PNG"))
        write_text(folder / f"{stem}.txt", self.text() + "\n")
        height, width = self.pixels.shape[:2]
        lines = [
            (region.box, region.baseline, words_of(prediction, region.box))
            for region, prediction in zip(self.regions, self.predictions, strict=True)
        ]
        write_text(folder / f"{stem}.xml", to_alto(image, (width, height), lines))
        # Not NAME.png: whoever trains on the XML would take the drawing for the page.
        drawn = self.draw()
        write_whole(folder / f"{stem}{DRAWN}", lambda file: drawn.save(file, "PNG"))

    def _stem(self) -> tuple[str, bool]:
        """`scan` for `scan.png`; `book-2`, and that it is one of several, for `book.tif#2`."""
        file, mark, number = self.name.rpartition("#")
        if mark and number.isdigit() and Path(file).suffix:
            return f"{Path(file).stem}-{number}", True
        return Path(self.name).stem, False

    def draw(self) -> Any:
        """The page, a Pillow image in RGB, with the polygon of each line."""
        return outlined(self.pixels, [region.polygon for region in self.regions])


def _free_name(folder: Path, stem: str, ends: Sequence[str]) -> str:
    """The stem, with a number behind it where a file of one of these endings has it already."""
    names = (stem if count == 1 else f"{stem}-{count}" for count in itertools.count(1))
    return next(name for name in names if not any((folder / f"{name}{end}").exists() for end in ends))


def words_of(prediction: Any, box: tuple[int, int, int, int]) -> list[Word]:
    """The words of a line with their places on the page and the least confidence of their characters.

    A letter is seen where the network is surest of it, which may be narrower than its ink: half the usual distance
    between letters belongs to each on both sides.
    """
    letters = list(prediction.letters)
    middles = np.sort([(one.left + one.right) / 2 for one in letters])
    half = float(np.median(np.diff(middles))) / 2 if len(letters) > 1 else 0.0
    found: list[Word] = []
    for is_space, group in itertools.groupby(letters, key=lambda letter: letter.text.isspace()):
        if is_space:
            continue
        word = list(group)
        left = max(0.0, min(min(one.left, (one.left + one.right) / 2 - half) for one in word))
        right = min(box[2] - box[0], max(max(one.right, (one.left + one.right) / 2 + half) for one in word))
        text = "".join(one.text for one in word)
        found.append(Word(text, box[0] + left, box[0] + right, min(one.confidence for one in word)))
    return found


def read_pages(predictor: Predictor, paths: Sequence[Path], max_pixels: int = MAX_PIXELS) -> Iterator[Page | str]:
    """Each page of each file, or why a page or file could not be read.

    Raises SightlineError for a task that reads no pages.
    """
    find = getattr(predictor.task, "find", None)
    if find is None:
        raise SightlineError(
            f"--page is for bundles that read lines; this one is for {predictor.task.name}", fix="leave --page out"
        )
    for path in paths:
        try:
            for name, pixels in pages_in(path, max_pixels):
                if isinstance(pixels, SightlineError):
                    yield f"{name}: {pixels.what}"
                    continue
                regions: list[Region] = find(pixels)
                answers = list(predictor.answers([region.cut_from(pixels) for region in regions], workers=0))
                pairs = [(r, a.prediction) for r, a in zip(regions, answers, strict=True) if a.prediction is not None]
                yield Page(name, pixels, [r for r, _ in pairs], [p for _, p in pairs])
        except SightlineError as error:
            yield f"{path}: {error.what}"
