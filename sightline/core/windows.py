"""Windows that cover a large image: each is answered for by itself, and the answers are put together again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sightline.core.spec import Spec

Size = tuple[int, int]
Box = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels of the image; right and bottom are the first beyond it."""
OVERLAP = 4
"""Neighbours share at least a side's part in so many."""


@dataclass(frozen=True)
class Window:
    """box: what is looked at; core: what it answers for where windows overlap, up to the middle of what they share.

    The cores cover the image, each pixel once.
    """

    box: Box
    core: Box


def windows(size: Size, frame: Size) -> list[Window]:
    """Windows as large as the frame over an image of `size`, all (width, height), row by row and evenly spread.

    Where the image is smaller than the frame, so is its one window.
    """
    columns, rows = (_along(length, side) for length, side in zip(size, frame, strict=True))
    return [
        Window((left, top, right, low), (x, y, x_end, y_end))
        for top, low, y, y_end in rows
        for left, right, x, x_end in columns
    ]


def frame_of(spec: Spec, side: int) -> Size:
    """(width, height) of the windows of a model: `side` pixels of the image along the longer one, in the shape of its
    input; 0: as large as the images that it learned from, or as its input where the spec does not say."""
    height, width = (length or 1 for length in spec.inputs["image"].shape[:2])
    if not side:
        usual: list[int] = spec.extra.get("usual") or [width, height]
        return usual[0], usual[1]
    scale = side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _along(length: int, side: int) -> list[tuple[int, int, int, int]]:
    """Start and end of each window along one axis, and of its core."""
    side = min(side, length)
    step = max(1, side - -(-side // OVERLAP))
    gaps = -(-(length - side) // step)
    starts = [place * (length - side) // max(1, gaps) for place in range(gaps + 1)]
    middles = [(before + side + after) // 2 for before, after in pairwise(starts)]
    return [
        (start, start + side, low, high)
        for start, low, high in zip(starts, [0, *middles], [*middles, length], strict=True)
    ]
