"""Masks that are written as outlines: polygons and run lengths, drawn only when somebody asks for their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

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

    def draw(self, canvas: Image.Image) -> None:
        """Sets its pixels of a canvas of mode L to its number."""
        if self.runs:
            values = np.arange(len(self.runs)) % 2 == 1
            inside = np.repeat(values, self.runs).reshape(canvas.size).T
            canvas.paste(self.number, (0, 0), Image.fromarray(inside))
        pen = ImageDraw.Draw(canvas)
        for polygon in self.polygons:
            # Corners are counted from the image's edge, and pixels by their middles.
            points = [(x - 0.5, y - 0.5) for x, y in zip(polygon[::2], polygon[1::2], strict=True)]
            pen.polygon(points, fill=self.number)


@dataclass(frozen=True, eq=False)
class ShapeMask(Mask):
    """The regions of one image of (width, height); smaller ones lie on larger ones."""

    size: tuple[int, int]
    shapes: tuple[Shape, ...]
    key: MaskKey
    name: str

    def values(self) -> NDArray[np.uint8]:
        """(height, width): 0 where nothing lies, else the number of the smallest region there."""
        canvas = Image.new("L", self.size)
        for shape in sorted(self.shapes, key=lambda shape: -shape.area):
            shape.draw(canvas)
        return np.asarray(canvas)

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
