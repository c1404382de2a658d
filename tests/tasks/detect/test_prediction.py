"""The answer of a detector: what is told and drawn follows one threshold, its own or the caller's."""

import numpy as np
import pytest

from sightline.tasks.detect.prediction import BoxesPrediction

CORNERS = np.array([[2.0, 2, 12, 12], [20, 4, 38, 18], [5, 20, 30, 30]])
ONE = BoxesPrediction(CORNERS, np.array([0, 1, 0]), np.array([0.9, 0.6, 0.3]), np.arange(3), ("cat", "dog"), 0.5)


@pytest.mark.parametrize(
    ("least", "label", "confidence"),
    [(0.0, "cat 1, dog 1", 0.9), (0.1, "cat 2, dog 1", 0.9), (0.7, "cat 1", 0.9), (0.95, "nothing", 0.0)],
)
def test_label_count_and_boxes_agree(least, label, confidence):
    found = ONE.to_dict(min_confidence=least)
    assert (found["label"], found["confidence"], found["count"]) == (label, confidence, len(found["boxes"]))
    assert found["count"] == ONE.shown(least) == len(ONE.marks(least))


def test_drawn_is_what_is_told():
    image = np.full((40, 40, 3), 128, np.uint8)
    touched = [(np.asarray(ONE.draw(image, least)) != 128).any(axis=2).sum() for least in (0.1, 0.0, 0.7, 0.95)]
    assert touched[0] > touched[1] > touched[2] > touched[3] == 0
