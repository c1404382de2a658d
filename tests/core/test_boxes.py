"""The boxes of one image."""

import numpy as np
import pytest

from sightline.core.boxes import Boxes, column


def test_equal_by_value_and_as_text():
    one = Boxes(np.array([[1, 2, 3, 4.5]]), ("cat",))
    same = Boxes(np.array([[1, 2, 3, 4.5]], np.float32), ("cat",), np.array([False]))
    assert one == same and str(one) == str(same) == "cat 1,2,3,4.5" and len(one) == 1
    assert one != Boxes(one.corners, ("dog",)) and one != Boxes(one.corners, ("cat",), np.array([True]))
    assert one != Boxes(one.corners + 1, ("cat",)) and one != "cat 1,2,3,4.5"
    assert str(Boxes(one.corners, ("cat",), np.array([True]))) == "cat 1,2,3,4.5 hard"
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_none_at_all():
    none = Boxes(np.zeros((0, 4)))
    assert len(none) == 0 and str(none) == "" and none.corners.shape == (0, 4) and none.hard.shape == (0,)


def test_zero_has_no_sign_in_the_text():
    assert str(Boxes(np.array([[-0.0, 0, 1, 1]]), ("a",))) == "a 0,0,1,1"


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="1 boxes, 2 labels"):
        Boxes(np.array([[1, 2, 3, 4]]), ("a", "b"))
    with pytest.raises(ValueError, match="2 hard"):
        Boxes(np.array([[1, 2, 3, 4]]), ("a",), np.array([True, False]))


def test_a_column_holds_an_object_an_image():
    two = column([Boxes(np.zeros((0, 4))), Boxes(np.array([[1, 2, 3, 4]]), ("a",))])
    assert two.dtype == object and two.shape == (2,) and two[[1]].tolist() == [two[1]]
    assert column([]).shape == (0,)
