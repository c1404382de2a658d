"""Paired tests, with scipy as the judge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sightline.core import paired


def answers(both: int, lost: int, won: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Right (1) or wrong (0) of two models on the same examples."""
    first = np.repeat([1.0, 1.0, 0.0, 0.0], [both, lost, won, neither])
    return first, np.repeat([1.0, 0.0, 1.0, 0.0], [both, lost, won, neither])


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (3, 12), (20, 20), (150, 190), (0, 9), (2000, 2300)])
def test_mcnemar_is_the_binomial_test_of_the_answers_that_differ(lost: int, won: int) -> None:
    found = paired.mcnemar(*answers(100, lost, won, 5))
    expected = stats.binomtest(won, lost + won).pvalue if lost + won else 1.0
    assert found.p == pytest.approx(expected, rel=1e-9)
    assert found.difference == pytest.approx((won - lost) / (105 + lost + won))
    low, high = found.interval
    assert low < found.difference < high
    if 0.2 < found.p < 1:
        assert low < 0 < high
    if found.p < 0.01:
        assert not low <= 0 <= high


def test_the_interval_of_the_difference_holds_the_truth_in_about_95_of_100_cases() -> None:
    random = np.random.default_rng(1)
    inside = 0
    for both, lost, won, neither in random.multinomial(120, [0.85, 0.03, 0.08, 0.04], 1500):
        low, high = paired.mcnemar(*answers(both, lost, won, neither)).interval
        inside += low <= 0.05 <= high
    assert 0.93 <= inside / 1500 <= 0.985


def test_scores_are_compared_like_scipy_does() -> None:
    random = np.random.default_rng(2)
    first = random.normal(0, 1, 60)
    second = first + random.normal(0.15, 0.6, 60)
    found = paired.of_scores(first, second)
    expected = stats.permutation_test(
        (second - first,), np.mean, permutation_type="samples", n_resamples=9999, rng=1, vectorized=True
    )
    assert found.p == pytest.approx(expected.pvalue, abs=0.015)
    around = stats.t.interval(0.95, 59, found.difference, stats.sem(second - first))
    assert found.interval == pytest.approx(list(around), abs=0.04)


def test_sign_flips_of_zeros_and_ones_are_mcnemars_test() -> None:
    first, second = answers(70, 6, 17, 7)
    assert paired.of_scores(first, second).p == pytest.approx(paired.mcnemar(first, second).p, abs=0.01)


def test_a_metric_of_all_examples_at_once_is_compared_by_exchanging_pairs() -> None:
    random = np.random.default_rng(3)
    first = random.normal(0, 1, 60)
    second = first + random.normal(0.15, 0.6, 60)

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    found, expected = paired.of_metric(mean, first.tolist(), second.tolist()), paired.of_scores(first, second)
    assert found.difference == pytest.approx(expected.difference)
    assert found.p == pytest.approx(expected.p, abs=0.04)
    assert found.interval == pytest.approx(expected.interval, abs=0.05)
    same = paired.of_metric(mean, [1.0, 2.0], [1.0, 2.0])
    assert (same.difference, same.p) == (0, 1)
