"""Masks given as Python or numpy values: whole numbers, (n, height, width), or a list of (height, width)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.data.formats._mask_classes import key_of_values
from sightline.data.masks import IGNORE, Mask, MaskArray, column_of


def masks_of(values: Any) -> tuple[NDArray[np.object_], tuple[str, ...]] | None:
    """The targets, (n,) references, and the names of the classes: the numbers; None for what are no masks.

    255, and everything below 0, is ignored. Raises SightlineError for numbers above 255.
    """
    if isinstance(values, np.ndarray):
        array = cast("NDArray[Any]", values)
        if array.dtype == np.object_ and array.ndim == 1 and len(array) and all(isinstance(one, Mask) for one in array):
            return array, cast("Mask", array[0]).key.names
        rows = list(array) if array.ndim == 3 and array.dtype.kind in "bui" else None
    else:
        rows = _rows(values)
    if not rows:
        return None
    held = np.zeros(256, bool)
    masks: list[NDArray[np.uint8]] = []
    for place, row in enumerate(rows):
        if row.size and row.max() > 255:
            raise SightlineError(f"a mask holds the class number {row.max()}, above 255", f"labels[{place}]")
        masks.append(np.where(row < 0, IGNORE, row).astype(np.uint8))
        held |= np.bincount(masks[-1].ravel(), minlength=256) > 0
    key = key_of_values(np.flatnonzero(held).tolist())
    return column_of([MaskArray(mask, key, f"labels[{place}]") for place, mask in enumerate(masks)]), key.names


def _rows(values: Any) -> list[NDArray[Any]] | None:
    """The arrays of a list of (height, width) arrays of whole numbers."""
    if not isinstance(values, list | tuple) or not values:
        return None
    items = cast("Sequence[Any]", values)
    if not all(isinstance(one, np.ndarray) and one.ndim == 2 and one.dtype.kind in "bui" for one in items):
        return None
    return list(items)
