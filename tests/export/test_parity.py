"""When two answers count as the same."""

from __future__ import annotations

import pytest

from sightline.export.parity import compared

BOXES = [{"box": [1.0, 200.0], "label": "x"}]
ANSWER = {"label": "a", "confidence": 0.9, "boxes": BOXES, "low": None, "runs": [0, 500, 1, 500]}


def test_equal_answers_pass() -> None:
    found = compared([ANSWER, ANSWER], [ANSWER, ANSWER])
    assert (found["images"], found["same"], found["largest_difference"], found["passed"]) == (2, 2, 0, True)


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        ({"confidence": 0.9005}, True),
        ({"confidence": 0.905}, False),
        ({"boxes": [{"box": [1.01, 200.0], "label": "x"}]}, True),  # a step of the rounding
        ({"boxes": [{"box": [1.1, 200.0], "label": "x"}]}, False),
        ({"runs": [0, 501, 1, 499]}, False),  # a pixel of a mask has no slack
        ({"boxes": [{"box": [1.0, 200.1], "label": "x"}]}, True),
        ({"boxes": [{"box": [1.0, 201.0], "label": "x"}]}, False),
        ({"boxes": []}, False),
        ({"label": "b"}, False),
        ({"low": 0.0}, False),
        ({"more": 1}, False),
    ],
)
def test_a_change_is_seen(change: dict, passed: bool) -> None:
    found = compared([ANSWER, ANSWER], [ANSWER, {**ANSWER, **change}])
    assert found["passed"] is passed and found["differing"] == ([] if passed else [1])


def test_no_image_proves_nothing() -> None:
    assert compared([], [])["passed"] is False
