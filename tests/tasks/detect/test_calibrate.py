"""Scores of boxes become shares of right ones: temperature and offset, against scikit-learn's logistic regression."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sightline.tasks.detect import scores


def modest(count: int) -> list[dict[str, Any]]:
    """Boxes that are right more often than their scores say: the true log-odds are (x + 0.9) / 0.6."""
    random = np.random.default_rng(0)
    odds = random.normal(-1, 1.5, count)
    right = random.random(count) < 1 / (1 + np.exp(-(odds + 0.9) / 0.6))
    match = np.where(right, scores.FOUND, scores.WRONG).astype(np.int8)
    return [{"classes": {0: (1 / (1 + np.exp(-odds)), match[None], int(right.sum()))}}]


def test_the_line_is_that_of_a_logistic_regression():
    images = modest(4000)
    temperature, offset = scores.log_odds_line(images, None)
    found, right = scores._certain(images)
    judge = LogisticRegression(C=1e6).fit(np.log(found / (1 - found))[:, None], right)
    assert 1 / temperature == pytest.approx(float(judge.coef_[0, 0]), abs=0.03)
    assert offset / temperature == pytest.approx(float(judge.intercept_[0]), abs=0.03)
    assert (temperature, offset) == (pytest.approx(0.6, abs=0.05), pytest.approx(0.9, abs=0.1))


def test_an_offset_that_is_in_the_graph_stays():
    images = modest(4000)
    assert scores.log_odds_line(images, 0.9)[1] == 0.9
    assert scores.log_odds_line([], None) == (1.0, 0.0)


def test_few_or_faultless_boxes_drive_nothing_to_an_extreme():
    temperature, offset = scores.log_odds_line(modest(3), None)
    assert 0.2 < temperature < 5 and abs(offset) < 3
