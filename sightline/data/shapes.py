"""Masks that are written as outlines: polygons and run lengths, drawn only when somebody asks for their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.data.masks import Mask, MaskKey

BACKGROUND = "background"
"""The class of pixels that no outline covers."""


@dataclass(frozen=True)
class Shape:
    """One region. number: its value in the mask; polygons: (x, y, x, y, …) in px, of its parts; runs: lengths of not
    and of it by turns, down the columns of the whole image, where it has no polygons."""

    number: int
    polygons: tuple[tuple[float, ...], ...] = ()
    runs: tuple[int, ...] = ()

    @property
    def area(self) -> float:
        """About how many pixels it covers."""
        if self.runs:
            return float(sum(self.runs[1::2]))
        parts = (np.array(polygon).reshape(-1, 2).T for polygon in self.polygons)
        return sum(abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2 for x, y in parts)

    def draw(self, canvas: NDArray[np.uint8]) -> None:
        """Sets its pixels of a canvas (height, width) to its number."""
        if self.runs:
            values = np.arange(len(self.runs)) % 2 == 1
            canvas[np.repeat(values, self.runs).reshape(canvas.shape[::-1]).T] = self.number
        for polygon in self.polygons:
            _fill(canvas, np.array(polygon, np.float64).reshape(-1, 2), self.number)


def _fill(canvas: NDArray[np.uint8], corners: NDArray[np.float64], number: int) -> None:
    """Sets the pixels whose middles lie in the polygon, by the even-odd rule: along each row, an edge's crossing is
    where inside and outside change places. corners: (n, 2), counted from the image's edge."""
    height, width = canvas.shape
    (x, y), (next_x, next_y) = corners.T, np.roll(corners, -1, axis=0).T
    begin, end = (
        np.clip(np.ceil(side - 0.5), 0, height).astype(np.int64)
        for side in (np.minimum(y, next_y), np.maximum(y, next_y))
    )
    count = end - begin  # rows that each edge crosses
    if not count.any():
        return
    edge = np.repeat(np.arange(len(x)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + begin[edge]
    share = (row + 0.5 - y[edge]) / (next_y - y)[edge]
    crossing = np.nan_to_num((1 - share) * x[edge] + share * next_x[edge], posinf=width, neginf=0)
    column = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)
    top, low = int(row.min()), int(row.max()) + 1
    changes = np.zeros((low - top, width + 1), np.uint8)
    np.add.at(changes, (row - top, column), 1)
    inside = np.bitwise_xor.accumulate(changes & 1, axis=1)[:, :-1] == 1
    canvas[top:low][inside] = number


@dataclass(frozen=True, eq=False)
class ShapeMask(Mask):
    """The regions of one image of (width, height); smaller ones lie on larger ones."""

    size: tuple[int, int]
    shapes: tuple[Shape, ...]
    key: MaskKey
    name: str

    def values(self) -> NDArray[np.uint8]:
        """(height, width): 0 where nothing lies, else the number of the smallest region there."""
        canvas = np.zeros(self.size[::-1], np.uint8)
        for shape in sorted(self.shapes, key=lambda shape: -shape.area):
            shape.draw(canvas)
        return canvas

    def content(self) -> bytes:
        """All that is drawn."""
        return repr((self.size, self.shapes)).encode()


def runs_of(counts: Any, size: tuple[int, int]) -> tuple[int, ...]:
    """The run lengths of COCO's RLE, written as a list or packed into a text. Raises SightlineError where they do not
    add up to the image."""
    try:
        runs = tuple(int(count) for count in counts) if isinstance(counts, list) else _unpacked(str(counts))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    except (TypeError, ValueError, OverflowError):
        runs = ()
    if sum(runs) != size[0] * size[1] or any(run < 0 for run in runs):
        raise SightlineError(f"the run lengths do not add up to {size[0]} x {size[1]} px")
    return runs


def _unpacked(text: str) -> tuple[int, ...]:
    """Numbers of five bits a character, from 48 on, the lowest first; from the third on differences to the last but
    one."""
    runs: list[int] = []
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value, shift = 0, 0
    return tuple(runs)


def key_of_names(names: Sequence[str]) -> MaskKey:
    """Number 0 for the background, then the names in their order; one of them may be called background itself."""
    others = [name for name in names if name.casefold() != BACKGROUND]
    values = {0: 0, **{place: place for place in range(1, len(others) + 1)}}
    return MaskKey.of((BACKGROUND, *others), values)
