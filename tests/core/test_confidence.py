"""Reliability and risk against coverage, against what the definitions say and what is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from sightline.core.confidence import expected_calibration_error, reliability, risk_coverage


def some(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(count)
    confidence = random.uniform(0.2, 1, count)
    return confidence, random.uniform(size=count) < confidence**2


def test_the_reliability_curve_is_that_of_scikit_learn() -> None:
    confidence, right = some()
    ours = reliability(confidence, right)
    accuracy, sure = calibration_curve(right, confidence, n_bins=15)
    assert ours["accuracy"] == pytest.approx(accuracy.tolist(), abs=1e-6)
    assert ours["confidence"] == pytest.approx(sure.tolist(), abs=1e-6)
    assert sum(ours["count"]) == 400 and len(ours["count"]) == 12  # nothing is less than 20 % sure
    gaps = np.abs(np.array(ours["accuracy"]) - ours["confidence"]) * ours["count"]
    assert gaps.sum() / 400 == pytest.approx(expected_calibration_error(confidence, right), abs=1e-5)


def test_risk_is_the_mean_error_of_the_most_confident() -> None:
    found = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert found["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert found["risk"] == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2], abs=1e-6)
    assert found["aurc"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 4)


@pytest.mark.parametrize("count", [1, 2, 57, 101, 102, 999, 5000])
def test_the_curve_has_at_most_101_points_and_ends_at_the_error_of_all(count: int) -> None:
    confidence, right = some(count)
    found = risk_coverage(confidence, ~right)
    order = np.argsort(-confidence)
    risks = np.cumsum(~right[order]) / np.arange(1, count + 1)
    assert found["aurc"] == pytest.approx(risks.mean())
    assert len(found["coverage"]) == min(count, 101) == len(found["risk"])
    assert np.all(np.diff(found["coverage"]) > 0) and found["coverage"][-1] == 1
    assert found["risk"][-1] == pytest.approx((~right).mean(), abs=1e-6)
    places = np.rint(np.array(found["coverage"]) * count).astype(int) - 1
    assert found["risk"] == pytest.approx(risks[places].tolist(), abs=1e-6)


def test_the_order_of_equally_confident_answers_does_not_matter() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.5])
    found = [risk_coverage(confidence, np.array(errors)) for errors in ([1, 0, 0, 1], [0, 0, 1, 1])]
    assert found[0] == found[1] and found[0]["risk"][0] == pytest.approx(1 / 3, abs=1e-6)
