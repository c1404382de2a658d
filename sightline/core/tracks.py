"""The boxes of one frame of a video, each with the number of the thing that it shows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class TracksPrediction:
    """The things that are followed and seen in this frame.

    corners: (k, 4) float64 left, top, right, bottom in the frame's pixels; labels: (k,) int64, places among `names`;
    scores: (k,) float64, 0..1, of what was seen in this frame; ids: (k,) int64 from 1, rising, one a thing: no id ever
    stands for another thing of the same video.
    """

    corners: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    ids: NDArray[np.int64]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        count = len(self.corners)
        if self.corners.shape != (count, 4) or not len(self.labels) == len(self.scores) == len(self.ids) == count:
            raise ValueError(f"expected {count} labels, scores and ids for {self.corners.shape} corners")
        if count and (self.ids[0] < 1 or (np.diff(self.ids) <= 0).any()):
            raise ValueError(f"expected rising ids from 1 on, got {self.ids[:10]}")
        if count and not (self.scores.min() >= 0 and self.scores.max() <= 1):
            raise ValueError("expected scores from 0 to 1")

    @property
    def confidence(self) -> float:
        """The score of the surest box, 0..1; 0 where there is none."""
        return float(self.scores.max()) if len(self.scores) else 0.0

    @property
    def label(self) -> str:
        """What is there, as one text: `person 2, car 1`; `nothing` for none."""
        names, counts = np.unique(self.labels, return_counts=True)
        pairs = [f"{self.names[i]} {n}" for i, n in zip(names.tolist(), counts.tolist(), strict=True)]
        return ", ".join(pairs) or "nothing"

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values; boxes in pixels: left, top, right, bottom. The options have done their work before."""
        boxes = [
            {"id": int(self.ids[i]), "label": self.names[int(self.labels[i])],
             "confidence": round(float(self.scores[i]), 6), "box": [round(float(v), 2) for v in self.corners[i]]}
            for i in range(len(self.ids))
        ]  # fmt: skip
        return {"label": self.label, "confidence": round(self.confidence, 6), "count": len(boxes), "boxes": boxes}

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people: each thing with its number."""
        return "  ".join(self._texts()) or "nothing found"

    def to_mot(self, frame: int) -> str:
        """Lines of a MOTChallenge file, `frame,id,left,top,width,height,confidence,-1,-1,-1`; frames and pixels count
        from 1 there, so that what begins at the image's edge begins at 1."""
        lines = zip(self.ids.tolist(), self.corners.tolist(), self.scores.tolist(), strict=True)
        return "".join(
            f"{frame},{number},{left + 1:.2f},{top + 1:.2f},{right - left:.2f},{low - top:.2f},{score:.4f},-1,-1,-1\n"
            for number, (left, top, right, low), score in lines
        )

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the boxes, a colour a thing, and their labels and numbers."""
        from sightline.data.draw import boxed

        return boxed(image, self.corners, self.ids.tolist(), self._texts())

    def shift(self, left: float, top: float) -> TracksPrediction:
        """The same in the pixels of a larger image, in which this one lies at (left, top)."""
        return dataclasses.replace(self, corners=self.corners + np.array([left, top, left, top], np.float64))

    def _texts(self) -> list[str]:
        pairs = zip(self.labels.tolist(), self.ids.tolist(), strict=True)
        return [f"{self.names[label]} #{number}" for label, number in pairs]
