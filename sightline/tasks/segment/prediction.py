"""What a segmenter says: a class for each pixel of the image, and how sure it is of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Size
from sightline.core.windows import Window
from sightline.data.masks import IGNORE, Labels

if TYPE_CHECKING:
    from PIL.Image import Image

STRIP = 2**22
"""Pixels that are counted at a time: the counters of a large mask would be many times its size."""
SHOWN_SHARE = 0.005
"""Classes that cover less of an image than this are not named in its one line of text."""


@dataclass(frozen=True)
class Region:
    """All pixels of one class: its number, how many, the mean confidence 0..1, and the box left, top, right, bottom."""

    number: int
    pixels: int
    confidence: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class MaskPrediction:
    """The class of each pixel of one image.

    classes: (height, width) uint8 numbers; sureness: (height, width) uint8, the probability of that class in 255ths;
    names: of the classes.
    """

    classes: Labels
    sureness: NDArray[np.uint8]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.classes.ndim != 2 or self.classes.shape != self.sureness.shape or not self.classes.size:
            raise ValueError(f"expected two equal maps, got {self.classes.shape} and {self.sureness.shape}")

    @staticmethod
    def merge(parts: Iterable[tuple[Window, MaskPrediction]], size: Size) -> MaskPrediction:
        """The mask of an image of `size` (width, height) from those of its windows, each for its core.

        The parts are asked for one by one, and none is kept: beside one part, memory holds the two maps of the result.
        """
        shape, names = (size[1], size[0]), ()
        classes, sureness = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        for window, part in parts:
            left, top, right, low = window.core
            x, y = left - window.box[0], top - window.box[1]
            inner = (slice(y, y + low - top), slice(x, x + right - left))
            classes[top:low, left:right], sureness[top:low, left:right] = part.classes[inner], part.sureness[inner]
            names = part.names
        return MaskPrediction(classes, sureness, names)

    @property
    def confidence(self) -> float:
        """The mean over all pixels of the probability of their class, 0..1."""
        return float(self.sureness.mean()) / 255

    def labels(self, min_confidence: float = 0.0) -> Labels:
        """(height, width) the class numbers, and 255 where the model is less sure than `min_confidence`."""
        if min_confidence <= 0:
            return self.classes
        return np.where(self.sureness < min_confidence * 255, np.uint8(IGNORE), self.classes)

    def regions(self, min_confidence: float = 0.0) -> list[Region]:
        """One for each class that is there, the largest first."""
        labels = self.labels(min_confidence)
        pixels, total = np.zeros(256, np.int64), np.zeros(256)
        boxes: dict[int, tuple[int, int, int, int]] = {}
        for rows in strips(labels.shape):
            part = labels[rows]
            counts = np.bincount(part.ravel(), minlength=256)
            pixels += counts
            total += np.bincount(part.ravel(), self.sureness[rows].ravel(), 256)
            for number in np.flatnonzero(counts[: len(self.names)]).tolist():
                box = _box_of(part == number, rows.start)
                old = boxes.get(number, box)
                boxes[number] = (min(old[0], box[0]), old[1], max(old[2], box[2]), box[3])
        order: list[int] = np.argsort(-pixels[: len(self.names)], kind="stable").tolist()
        return [
            Region(number, int(pixels[number]), float(total[number] / pixels[number] / 255), boxes[number])
            for number in order
            if number in boxes
        ]

    @cached_property
    def _all_regions(self) -> list[Region]:
        return self.regions()

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values. `label`: the classes by size, `a;b`; `classes`: of each its share of the pixels, mean
        confidence and box; `rle`: runs of equal class row by row, [class number, length, …], 255 for unsure pixels.
        """
        regions = self.regions(min_confidence) if min_confidence > 0 else self._all_regions
        return {
            "label": ";".join(self.names[one.number] for one in regions),
            "confidence": round(self.confidence, 6),
            "size": [self.classes.shape[1], self.classes.shape[0]],
            "classes": [
                {
                    "label": self.names[one.number],
                    "share": round(one.pixels / self.classes.size, 6),
                    "confidence": round(one.confidence, 6),
                    "box": list(one.box),
                }
                for one in regions
            ],
            "names": list(self.names),
            "rle": run_lengths(self.labels(min_confidence)),
        }

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people: the classes that cover most, and how much."""
        regions = self.regions(min_confidence) if min_confidence > 0 else self._all_regions
        return shares_text([(self.names[one.number], one.pixels / self.classes.size) for one in regions], top)

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the classes in colours over it, and below what they stand for."""
        from sightline.data.draw import legend, painted

        regions = self.regions(min_confidence) if min_confidence > 0 else self._all_regions
        return legend(
            painted(image, self.labels(min_confidence)), [(one.number, self.names[one.number]) for one in regions]
        )


def shares_text(shares: list[tuple[str, float]], top: int = 5) -> str:
    """`road 34 %  sky 21 % …` of the classes that cover the most."""
    large = [(name, share) for name, share in shares if share >= SHOWN_SHARE] or shares[:1]
    text = "  ".join(f"{name} {100 * share:.0f} %" for name, share in large[:top])
    return (text + (f"  and {len(large) - top} more" if len(large) > top else "")) or "unsure"


def run_lengths(labels: Labels) -> list[int]:
    """[class number, length, class number, length, …] of the runs of equal classes, row after row."""
    flat = labels.ravel()
    changes = [
        start
        + 1
        + np.flatnonzero(flat[start + 1 : start + STRIP + 1] != flat[start : start + STRIP][: len(flat) - start - 1])
        for start in range(0, len(flat), STRIP)
    ]
    ends = np.append(np.concatenate(changes), len(flat))
    lengths = np.diff(ends, prepend=0)
    return np.stack([flat[ends - 1].astype(np.int64), lengths], axis=1).ravel().tolist()


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of (height, width), some at a time."""
    rows = max(1, STRIP // shape[1])
    for top in range(0, shape[0], rows):
        yield slice(top, min(top + rows, shape[0]))


def _box_of(inside: NDArray[np.bool_], top: int) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what is true, the first row being `top`."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return int(columns[0]), top + int(rows[0]), int(columns[-1]) + 1, top + int(rows[-1]) + 1
