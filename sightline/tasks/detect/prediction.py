"""What a detector says of an image: boxes with labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Size
from sightline.core.windows import Window
from sightline.tasks.detect.seams import joined

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class BoxesPrediction:
    """All candidates that suppression left, the surest first; those of at least `threshold` are the answer.

    corners: (k, 4) float64 left, top, right, bottom in the image's pixels; labels: (k,) int64, places among `names`;
    scores: (k,) float64, 0..1; rows: (k,) int64, their places among the graph's outputs. windows: how many windows of
    the image were looked at.
    """

    corners: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    rows: NDArray[np.int64]
    names: tuple[str, ...]
    threshold: float
    windows: int = 1

    def __post_init__(self) -> None:
        count = len(self.corners)
        if self.corners.shape != (count, 4) or not len(self.labels) == len(self.scores) == len(self.rows) == count:
            raise ValueError(f"expected {count} labels, scores and rows for {self.corners.shape} corners")
        if count and not (self.scores.min() >= 0 and self.scores.max() <= 1 and (np.diff(self.scores) <= 0).all()):
            raise ValueError("expected scores from 1 down to 0")

    @staticmethod
    def merge(parts: Iterable[tuple[Window, BoxesPrediction]], size: Size, most: float) -> BoxesPrediction:
        """The answer for an image of `size` from those of its windows, each in its window's pixels: see `joined`.

        most: boxes of one class that overlap by more are one.
        """
        pairs = list(parts)
        shifted = [part.shift(*window.box[:2]) for window, part in pairs]
        first = shifted[0]
        owner = np.repeat(np.arange(len(pairs)), [len(part.scores) for part in shifted])
        scores = np.concatenate([part.scores for part in shifted])
        order = np.argsort(-scores, kind="stable")
        corners = np.concatenate([part.corners for part in shifted])[order]
        labels = np.concatenate([part.labels for part in shifted])[order]
        rows = np.concatenate([part.rows for part in shifted])[order]
        frames = [window.box for window, _ in pairs]
        kept, corners = joined(corners, labels, scores[order], owner[order], frames, size, most)
        found = scores[order][kept], rows[kept], first.names, first.threshold
        return BoxesPrediction(corners, labels[kept], *found, len(pairs))

    def shown(self, min_confidence: float = 0.0) -> int:
        """How many boxes are the answer: of at least `min_confidence`, or the threshold where it is 0."""
        return int((self.scores >= (min_confidence or self.threshold)).sum())

    @property
    def confidence(self) -> float:
        """The score of the surest box, 0..1; 0 where there is none."""
        return float(self.scores[0]) if self.shown() else 0.0

    @property
    def label(self) -> str:
        """What is there, as one text: `Platelets 1, RBC 12`; `nothing` for none."""
        return self._label(self.shown())

    def _label(self, count: int) -> str:
        names, counts = np.unique(self.labels[:count], return_counts=True)
        pairs = [f"{self.names[i]} {n}" for i, n in zip(names.tolist(), counts.tolist(), strict=True)]
        return ", ".join(pairs) or "nothing"

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values; boxes in pixels: left, top, right, bottom."""
        count = self.shown(min_confidence)
        boxes = [
            {"label": self.names[int(self.labels[i])], "confidence": round(float(self.scores[i]), 6),
             "box": [round(float(v), 2) for v in self.corners[i]]}
            for i in range(count)
        ]  # fmt: skip
        surest = round(float(self.scores[0]), 6) if count else 0.0
        return {"label": self._label(count), "confidence": surest, "count": count, "boxes": boxes}

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people: how many of each."""
        names, counts = np.unique(self.labels[: self.shown(min_confidence)], return_counts=True)
        pairs = [f"{n} {self.names[i]}" for i, n in zip(names.tolist(), counts.tolist(), strict=True)]
        return "  ".join(pairs) or "nothing found"

    def marks(self, min_confidence: float = 0.0) -> list[tuple[NDArray[np.float64], int, str]]:
        """Of each box that is shown its corners, class number, and text for a picture."""
        count = self.shown(min_confidence)
        numbers: list[int] = self.labels[:count].tolist()
        texts = [f"{self.names[n]} {score:.0%}" for n, score in zip(numbers, self.scores[:count], strict=True)]
        return list(zip(self.corners[:count], numbers, texts, strict=True))

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the boxes, a colour a class, and their labels."""
        from sightline.data.draw import boxed

        marks = self.marks(min_confidence)
        return boxed(image, [m[0] for m in marks], [m[1] for m in marks], [m[2] for m in marks])

    def shift(self, left: float, top: float) -> BoxesPrediction:
        """The same in the pixels of a larger image, in which this one lies at (left, top)."""
        return dataclasses.replace(self, corners=self.corners + np.array([left, top, left, top], np.float64))
