"""What a segmenter says: a class for each pixel of the image, and how sure it is of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.masks import IGNORE, Labels

if TYPE_CHECKING:
    from PIL.Image import Image

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
        pixels = np.bincount(labels.ravel(), minlength=256)
        total = np.bincount(labels.ravel(), self.sureness.ravel(), 256)
        found: list[Region] = []
        for number in np.argsort(-pixels[: len(self.names)], kind="stable").tolist():
            if pixels[number]:
                inside = labels == number
                rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
                box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
                found.append(Region(number, int(pixels[number]), float(total[number] / pixels[number] / 255), box))
        return found

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

    def draw(self, image: Image | NDArray[np.uint8]) -> Image:
        """The image with the classes in colours over it, and below what they stand for."""
        from sightline.data.draw import legend, painted

        regions = self._all_regions
        return legend(painted(image, self.classes), [(one.number, self.names[one.number]) for one in regions])


def shares_text(shares: list[tuple[str, float]], top: int = 5) -> str:
    """`road 34 %  sky 21 % …` of the classes that cover the most."""
    large = [(name, share) for name, share in shares if share >= SHOWN_SHARE] or shares[:1]
    text = "  ".join(f"{name} {100 * share:.0f} %" for name, share in large[:top])
    return (text + (f"  and {len(large) - top} more" if len(large) > top else "")) or "unsure"


def run_lengths(labels: Labels) -> list[int]:
    """[class number, length, class number, length, …] of the runs of equal classes, row after row."""
    flat = labels.ravel()
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]) + 1, len(flat))
    lengths = np.diff(ends, prepend=0)
    return np.stack([flat[ends - 1].astype(np.int64), lengths], axis=1).ravel().tolist()
