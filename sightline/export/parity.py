"""Whole answers of two hosts held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

TOLERANCE = 1e-3
"""Largest difference of a number in an answer, relative to it where it is above 1."""
PLACES = 20.0
"""Lists of fractions are places in pixels, rounded to hundredths: a step of the rounding, whatever the place, is no
difference. Those of whole numbers have no such slack."""
MASK, TIES = "rle", 1e-4
"""The key of run lengths [class, length, …], and the share of pixels that may differ there: where two classes are
equally probable, the last bit of another runtime decides."""


def compared(ours: Sequence[Any], theirs: Sequence[Any]) -> dict[str, Any]:
    """How many of the answers (plain JSON) agree, and the largest difference of a number in those of like shape.

    Keys: images, same, largest_difference, tolerance, passed, and differing: the places of up to ten that differ.
    """
    worst, bad = 0.0, list[int]()
    for place, (first, second) in enumerate(zip(ours, theirs, strict=True)):
        differences = list(_differences(first, second))
        numbers = [value for value in differences if value is not None]
        worst = max([worst, *numbers])
        if None in differences or any(value > TOLERANCE for value in numbers):
            bad.append(place)
    return {
        "images": len(ours),
        "same": len(ours) - len(bad),
        "largest_difference": worst,
        "tolerance": TOLERANCE,
        "passed": bool(ours) and not bad,
        "differing": bad[:10],
    }


def _differences(first: Any, second: Any) -> Iterator[float | None]:
    """The differences of all numbers; None for what else differs."""
    if isinstance(first, dict) and isinstance(second, dict):
        one, other = cast("dict[str, Any]", first), cast("dict[str, Any]", second)
        if one.keys() != other.keys():
            yield None
            return
        for key, value in one.items():
            if key == MASK and isinstance(value, list):
                yield _share_apart(cast("list[int]", value), cast("list[int]", other[key])) * TOLERANCE / TIES
            else:
                yield from _differences(value, other[key])
    elif isinstance(first, list) and isinstance(second, list):
        one, other = cast("list[Any]", first), cast("list[Any]", second)
        if len(one) != len(other):
            yield None
            return
        fractions = any(isinstance(value, float) for value in [*one, *other])
        for left, right in zip(one, other, strict=True):
            if fractions and isinstance(left, int | float) and isinstance(right, int | float):
                yield abs(left - right) / max(PLACES, abs(left))
            else:
                yield from _differences(left, right)
    elif isinstance(first, int | float) and isinstance(second, int | float) and not isinstance(first, bool):
        yield abs(first - second) / max(1.0, abs(first))
    elif first != second:
        yield None


def _share_apart(ours: list[int], theirs: list[int]) -> float:
    """The share of pixels whose class differs; 1 for masks of another size."""
    one, other = (np.repeat(runs[::2], runs[1::2]) for runs in (ours, theirs))
    return float((one != other).mean()) if one.shape == other.shape else 1.0
