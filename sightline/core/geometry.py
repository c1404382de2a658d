"""Boxes against boxes in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def overlaps(first: Floats, second: Floats) -> Floats:
    """(a, b) intersection over union of corners (a, 4) and (b, 4): left, top, right, bottom."""
    inside = intersections(first, second)
    area = areas(first)[:, None] + areas(second)[None] - inside
    return inside / np.maximum(area, 1e-12)


def intersections(first: Floats, second: Floats) -> Floats:
    """(a, b) common area of each two boxes."""
    sides: list[Floats] = []
    for axis in (0, 1):  # a plane a side: a last axis of two is slow
        low = np.maximum(first[:, None, axis], second[None, :, axis])
        sides.append(np.minimum(first[:, None, axis + 2], second[None, :, axis + 2]) - low)
    return np.maximum(sides[0], 0) * np.maximum(sides[1], 0)


def areas(corners: Floats) -> Floats:
    """(n,) of corners (n, 4)."""
    return np.maximum(corners[:, 2] - corners[:, 0], 0) * np.maximum(corners[:, 3] - corners[:, 1], 0)
