"""predict --page: whole pages, whose lines are found first; several pages a file where it holds several."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageSequence

from sightline.core.errors import MissingExtra, SightlineError
from sightline.core.predictions import Prediction
from sightline.data.alto import Word, to_alto
from sightline.data.image import MAX_PIXELS, Pixels, read, to_image
from sightline.data.lines import Points
from sightline.run.files import write_text, write_whole

if TYPE_CHECKING:
    from sightline.verbs.predict import Predictor

PDF_DPI = 300
MOST_PAGES = 2000
SEVERAL = (".tif", ".tiff")
"""Suffixes of image files in which each frame is a page."""


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
        """NAME.txt, NAME.xml (ALTO) and NAME.png, the page with its lines drawn on it."""
        stem = Path(self.name.replace("#", "-")).name
        stem = stem[: -len(Path(stem).suffix)] if Path(stem).suffix.lower() not in ("", stem.lower()) else stem
        write_text(folder / f"{stem}.txt", self.text() + "\n")
        height, width = self.pixels.shape[:2]
        lines = [
            (region.box, region.baseline, words_of(prediction, region.box))
            for region, prediction in zip(self.regions, self.predictions, strict=True)
        ]
        write_text(folder / f"{stem}.xml", to_alto(self.name, (width, height), lines))
        drawn = self.draw()
        write_whole(folder / f"{stem}.png", lambda file: drawn.save(file, "PNG"))

    def draw(self) -> Image.Image:
        """The page with the polygon of each line."""
        picture = to_image(self.pixels).copy()
        pen = ImageDraw.Draw(picture)
        width = max(1, picture.width // 600)
        for region in self.regions:
            pen.polygon([(float(x), float(y)) for x, y in region.polygon], outline=(220, 40, 40), width=width)
        return picture


def words_of(prediction: Any, box: tuple[int, int, int, int]) -> list[Word]:
    """The words of a line with their places on the page and the least confidence of their characters."""
    found: list[Word] = []
    word: list[Any] = []
    for letter in [*prediction.letters, None]:
        if letter is not None and not letter.text.isspace():
            word.append(letter)
            continue
        if word:
            left, right = min(one.left for one in word), max(one.right for one in word)
            text = "".join(one.text for one in word)
            found.append(Word(text, box[0] + left, box[0] + right, min(one.confidence for one in word)))
        word = []
    return found


def read_pages(predictor: Predictor, paths: Sequence[Path], max_pixels: int = MAX_PIXELS) -> Iterator[Page | str]:
    """Each page of each file, or why a file could not be read. Raises SightlineError for a task that reads no pages."""
    find = getattr(predictor.task, "find", None)
    if find is None:
        raise SightlineError(
            f"--page is for bundles that read lines; this one is for {predictor.task.name}", fix="leave --page out"
        )
    for path in paths:
        try:
            for name, pixels in pages_in(path, max_pixels):
                regions: list[Region] = find(pixels)
                answers = list(predictor.answers([region.cut_from(pixels) for region in regions], workers=0))
                pairs = [(r, a.prediction) for r, a in zip(regions, answers, strict=True) if a.prediction is not None]
                yield Page(name, pixels, [r for r, _ in pairs], [p for _, p in pairs])
        except SightlineError as error:
            yield f"{path}: {error.what}"


def pages_in(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[str, Pixels]]:
    """Name and pixels of each page: the file's own name, with `#2` … where it holds several."""
    if path.suffix.lower() == ".pdf":
        yield from _of_pdf(path, max_pixels)
        return
    if path.suffix.lower() not in SEVERAL:
        yield str(path), read(path, max_pixels=max_pixels)
        return
    read(path, max_pixels=max_pixels)  # everything that may be wrong with the file, and with its first frame
    with Image.open(path) as image:
        frames = min(getattr(image, "n_frames", 1), MOST_PAGES)
        for number, frame in enumerate(ImageSequence.Iterator(image), 1):
            if number > frames:
                return
            yield (str(path) if frames == 1 else f"{path}#{number}"), read(frame.copy(), max_pixels=max_pixels)


def _of_pdf(path: Path, max_pixels: int) -> Iterator[tuple[str, Pixels]]:
    try:
        pypdfium2: Any = importlib.import_module("pypdfium2")
    except ImportError:
        raise MissingExtra("pypdfium2", "pdf", "reading PDF") from None
    try:
        document: Any = pypdfium2.PdfDocument(path)
    except Exception as error:
        raise SightlineError(f"this is no PDF, or a damaged one ({str(error)[:100]})", str(path)) from None
    with document:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            scale = PDF_DPI / 72
            if page.get_width() * page.get_height() * scale**2 > max_pixels:
                raise SightlineError(
                    f"page {number + 1} has more than {max_pixels:,} pixels at {PDF_DPI} dpi", str(path),
                    "if it is genuine, allow it: --max-pixels N",
                )  # fmt: skip
            pixels = read(page.render(scale=scale).to_pil(), max_pixels=max_pixels)
            yield (str(path) if len(document) == 1 else f"{path}#{number + 1}"), pixels
