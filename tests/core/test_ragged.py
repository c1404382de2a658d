"""Ragged: arrays of different lengths by index, padded only when they are taken together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.ragged import Ragged, padded, together


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 1))
def test_taken_together_the_last_entry_is_repeated(lengths: list[int], axis: int) -> None:
    shape = [3, 3]
    items = []
    for number, length in enumerate(lengths):
        shape[axis] = length
        items.append(np.arange(np.prod(shape)).reshape(shape) + 100 * number)
    ragged = Ragged(items, axis)
    assert ragged.lengths.tolist() == lengths and len(ragged) == len(lengths)
    whole = ragged[:]
    assert whole.shape[1 + axis] == max(lengths)
    for one, item in zip(whole, items, strict=True):
        beyond = np.take(one, range(item.shape[axis], max(lengths)), axis)
        assert np.array_equal(np.take(one, range(item.shape[axis]), axis), item)
        assert (beyond == np.take(item, [-1], axis)).all()
    assert np.array_equal(ragged[np.array([0])][0], items[0]), "alone, nothing is padded"


def test_equal_shapes_are_stacked_and_others_are_not() -> None:
    same = together([np.zeros((2, 3)), np.ones((2, 3))])
    assert isinstance(same, np.ndarray) and same.shape == (2, 2, 3)
    different = together([np.zeros((2, 3)), np.ones((2, 5))])
    assert isinstance(different, Ragged) and different.axis == 1
    scalars = together([np.array(1), np.array(2)])
    assert isinstance(scalars, np.ndarray) and scalars.tolist() == [1, 2]
    assert padded(np.array([4, 0]), 4, 0).tolist() == [4, 0, 0, 0]
