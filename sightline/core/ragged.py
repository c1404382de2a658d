"""Arrays of the same kind that differ in one length: lines of different widths, texts of different lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Ragged:
    """n arrays that differ along one axis at most, by index like an array of n rows.

    Taken together, the shorter ones are padded by repeating their last entry along that axis: whoever makes them ends
    them with what may be repeated (paper, the blank).
    """

    def __init__(self, items: Iterable[NDArray[Any]], axis: int) -> None:
        """axis: the one that is free, of each array."""
        self.items, self.axis = list(items), axis

    def __len__(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) the length of each array along the free axis."""
        return np.array([item.shape[self.axis] for item in self.items], np.int64)

    def __getitem__(self, places: NDArray[Any] | slice | Sequence[int]) -> NDArray[Any]:
        """(k, …) the arrays at `places`, padded to the longest of them."""
        chosen = self.items[places] if isinstance(places, slice) else [self.items[int(place)] for place in places]
        longest = max(item.shape[self.axis] for item in chosen)
        return np.stack([padded(item, longest, self.axis) for item in chosen])


def padded(item: NDArray[Any], length: int, axis: int) -> NDArray[Any]:
    """The array with its last entry along `axis` repeated up to `length`."""
    missing = length - item.shape[axis]
    if not missing:
        return item
    last = np.take(item, [-1], axis)
    return np.concatenate([item, np.repeat(last, missing, axis)], axis)


def together(items: Sequence[NDArray[Any]]) -> NDArray[Any] | Ragged:
    """The arrays stacked along a new first axis, or, where their shapes differ, by index; they differ in one axis."""
    shapes = {item.shape for item in items}
    if len(shapes) == 1:
        return np.stack(items)
    lengths = np.array(sorted(shapes))
    return Ragged(items, int(np.flatnonzero((lengths != lengths[0]).any(axis=0))[0]))
