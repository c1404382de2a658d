"""The boxes of one image: the truth that a detector is trained on and judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Boxes:
    """The boxes of one image, none for an image with nothing in it.

    corners: (k, 4) float64 left, top, right, bottom in the image's own pixels, 0 being the outer edge of the first;
    labels: their names; hard: (k,) bool, objects that count neither as found nor as missed (`difficult` in VOC,
    `iscrowd` in COCO), none if left out. Raises ValueError where the three are not of one length.
    """

    corners: NDArray[np.float64]
    labels: tuple[str, ...] = ()
    hard: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        corners = np.asarray(self.corners, np.float64).reshape(-1, 4)
        hard = np.asarray(self.hard, np.bool_).reshape(-1)
        if not len(hard):
            hard = np.zeros(len(corners), np.bool_)
        if not len(corners) == len(self.labels) == len(hard):
            raise ValueError(f"{len(corners)} boxes, {len(self.labels)} labels, {len(hard)} hard flags")
        object.__setattr__(self, "corners", corners)
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "hard", hard)

    def __len__(self) -> int:
        return len(self.labels)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Boxes):
            return NotImplemented
        return (
            self.labels == other.labels
            and np.array_equal(self.corners, other.corners)
            and np.array_equal(self.hard, other.hard)
        )

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # arrays inside: equal by value, not to be hashed

    def __str__(self) -> str:
        """`RBC 10,20,30,40; WBC 1,2.5,3,4 hard`: the same text for the same boxes, and only for them."""
        return "; ".join(
            f"{label} {','.join(_number(value) for value in corners)}{' hard' if hard else ''}"
            for label, corners, hard in zip(self.labels, self.corners, self.hard, strict=True)
        )


def column(boxes: Sequence[Boxes]) -> NDArray[Any]:
    """(n,) object: the targets of a Dataset, one `Boxes` an image."""
    targets = np.empty(len(boxes), object)
    for place, one in enumerate(boxes):  # numpy would look into anything that has a length
        targets[place] = one
    return targets


def _number(value: float) -> str:
    value = float(value) + 0.0  # -0 and 0 are equal
    return f"{value:.0f}" if value.is_integer() else repr(value)
