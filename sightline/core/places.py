"""Predictions of places, and what a second model said of what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from sightline.core.predictions import Prediction

if TYPE_CHECKING:
    from PIL.Image import Image

Mark = tuple[NDArray[np.float64], int, str]
"""What is drawn of a place: its corners, the number of its class, its text."""


class Places(Prediction, Protocol):
    """The prediction of a task that has the power `places`: boxes, the surest first.

    `to_dict` lists those that are shown as `boxes`, each with `label`, `confidence` and `box`, and their `count`.
    """

    @property
    def corners(self) -> NDArray[np.float64]:
        """(k, 4) left, top, right, bottom in the image's pixels, also of boxes too unsure to be shown."""
        ...

    @property
    def labels(self) -> NDArray[np.int64]:
        """(k,) places among `names`."""
        ...

    @property
    def scores(self) -> NDArray[np.float64]:
        """(k,) 0..1, falling."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The class names."""
        ...

    @property
    def threshold(self) -> float:
        """The score from which on a box is shown."""
        ...

    def shown(self, min_confidence: float = 0.0) -> int:
        """How many boxes are the answer: of at least `min_confidence`, or the threshold where it is 0."""
        ...

    def marks(self, min_confidence: float = 0.0) -> list[Mark]:
        """What `draw` draws of each box that is shown."""
        ...

    def shift(self, left: float, top: float) -> Self:
        """The same in the pixels of a larger image, in which this one lies at (left, top)."""
        ...


@dataclass(frozen=True, eq=False)
class ChainedPrediction:
    """Places, and what a second model said of each: its prediction, or why there is none.

    parts: one for each box that was shown, in order. What they hold of places is in the whole image's pixels; a mask
    covers its box.
    """

    first: Places
    parts: tuple[Prediction | str, ...]
    min_confidence: float = 0.0
    """The boxes of at least this were looked at; 0 stands for the threshold."""

    def __post_init__(self) -> None:
        if len(self.parts) != self.first.shown(self.min_confidence):
            raise ValueError(f"{self.first.shown(self.min_confidence)} boxes, but {len(self.parts)} parts")

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values: those of the places, each of the `boxes` with what was seen in it as `then`."""
        found = self.first.to_dict(top, max(min_confidence, self.min_confidence))
        boxes: list[dict[str, Any]] = found["boxes"][: len(self.parts)]
        for box, part in zip(boxes, self.parts, strict=False):  # a higher min_confidence shows fewer
            box["then"] = {"error": part} if isinstance(part, str) else part.to_dict(top, min_confidence)
        return {**found, "count": len(boxes), "boxes": boxes}

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people: the label of each box with what was seen in it."""
        found: list[str] = []
        for label, part in zip(self._labels(min_confidence), self.parts, strict=False):
            text = part if isinstance(part, str) else part.to_text(top, min_confidence)
            found.append(f"{label}: [{text}]" if isinstance(part, ChainedPrediction) else f"{label}: {text}")
        return "  ".join(found) or "nothing found"

    def _labels(self, min_confidence: float) -> list[str]:
        count = self.first.shown(max(min_confidence, self.min_confidence))
        return [self.first.names[number] for number in self.first.labels[:count].tolist()]

    def marks(self) -> Iterator[Mark]:
        """What `draw` draws: boxes within boxes first, as the first are drawn on top."""
        for part in self.parts:
            if isinstance(part, ChainedPrediction):
                yield from part.marks()
        for (corners, number, text), part in zip(self.first.marks(self.min_confidence), self.parts, strict=True):
            if not isinstance(part, str | ChainedPrediction):
                text = f"{text}  {part.to_text(1)}"
            yield corners, number, text

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the boxes of all levels, each with its label and what was seen in it."""
        from sightline.data.draw import boxed

        marks = list(self.marks())
        return boxed(image, [m[0] for m in marks], [m[1] for m in marks], [m[2] for m in marks])

    def shift(self, left: float, top: float) -> ChainedPrediction:
        """The same in the pixels of a larger image, in which this one lies at (left, top)."""
        parts = tuple(part if isinstance(part, str) else shifted(part, left, top) for part in self.parts)
        return ChainedPrediction(self.first.shift(left, top), parts, self.min_confidence)


def shifted(prediction: Prediction, left: float, top: float) -> Prediction:
    """The prediction for a crop in the pixels of the whole image; as it is where it says nothing of places."""
    shift = getattr(prediction, "shift", None)
    return prediction if shift is None else shift(left, top)
