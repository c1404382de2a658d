"""Intervals and the bootstrap, with scipy as the judge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sightline.core import statistics


@pytest.mark.parametrize(("hits", "total"), [(0, 5), (5, 5), (1, 1), (0, 1), (7, 20), (359, 360), (50, 5000)])
def test_the_interval_of_a_proportion_is_that_of_scipy(hits: int, total: int) -> None:
    expected = stats.binomtest(hits, total).proportion_ci(method="wilson")
    assert statistics.proportion(hits, total) == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_of_nothing_nothing_is_known() -> None:
    low, high = statistics.wilson([0, 1], [0, 2])
    assert (low[0], high[0]) == (0, 1) and 0 < low[1] < 0.5 < high[1] < 1


@pytest.mark.parametrize(("hits", "support", "guessed"), [(8, 10, 12), (0, 4, 0), (5, 5, 5), (90, 120, 100)])
def test_the_interval_of_f1_follows_from_that_of_a_proportion(hits: int, support: int, guessed: int) -> None:
    low, high = statistics.f1_interval(hits, support, guessed)
    expected = stats.binomtest(hits, support + guessed - hits).proportion_ci(method="wilson")
    assert [low, high] == pytest.approx([2 * end / (1 + end) for end in (expected.low, expected.high)], abs=1e-12)
    assert low <= 2 * hits / (support + guessed) <= high


def test_the_interval_of_f1_holds_the_truth_in_about_95_of_100_cases() -> None:
    random = np.random.default_rng(0)
    cells = random.multinomial(150, [0.28, 0.07, 0.10, 0.55], 2000)  # hits, missed, wrongly guessed, neither
    low, high = statistics.f1_interval(cells[:, 0], cells[:, 0] + cells[:, 1], cells[:, 0] + cells[:, 2])
    true = 2 * 0.28 / (2 * 0.28 + 0.07 + 0.10)
    assert 0.93 <= ((low <= true) & (true <= high)).mean() <= 0.97


@pytest.mark.parametrize("count", [2, 3, 5, 12, 300])
def test_the_interval_of_a_mean_is_students(count: int) -> None:
    values = np.random.default_rng(count).gamma(2, size=count)
    expected = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    width = expected[1] - expected[0]
    assert statistics.mean_interval(values) == pytest.approx(list(expected), abs=0.01 * width)
    assert statistics.mean_interval(values[:1]) is None


@pytest.mark.parametrize("seed", range(3))
def test_the_bootstrap_agrees_with_that_of_scipy(seed: int) -> None:
    values = np.random.default_rng(seed).gamma(2, size=150)
    samples = statistics.bootstrap(lambda rows: np.median(values[rows], axis=1), 150, 4000)
    assert samples.shape == (4000, 1)
    expected = stats.bootstrap((values,), np.median, n_resamples=4000, method="BCa", rng=1).confidence_interval
    found = statistics.percentiles(samples[:, 0], float(np.median(values)))
    assert found == pytest.approx(list(expected), abs=0.1 * (expected.high - expected.low))


def test_the_bootstrap_repeats_and_draws_in_parts_what_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(100.0)

    def mean(rows: np.ndarray) -> np.ndarray:
        return values[rows].mean(axis=1)

    first = statistics.bootstrap(mean, 100, 60)
    assert np.array_equal(first, statistics.bootstrap(mean, 100, 60))
    assert not np.array_equal(first, statistics.bootstrap(mean, 100, 60, seed=1))
    sizes: list[int] = []
    monkeypatch.setattr(statistics, "AT_ONCE", 700)
    statistics.bootstrap(lambda rows: (sizes.append(len(rows)), mean(rows))[1], 100, 60)
    assert sum(sizes) == 60 and max(sizes) == 7


def test_a_biased_statistic_keeps_its_own_estimate_within_the_interval() -> None:
    samples = np.random.default_rng(0).normal(0.05, 0.01, 1000)
    low, high = statistics.percentiles(samples, 0.02)
    assert low <= 0.02 <= high < 0.05
    assert statistics.percentiles(np.full(100, 3.0), 3.0) == [3.0, 3.0]


def test_a_share_without_a_miss_is_not_surely_one():
    assert statistics.percentiles(np.ones(100), 1.0, of_share=30) == statistics.proportion(30, 30)
    assert statistics.percentiles(np.zeros(100), 0.0, of_share=30) == statistics.proportion(0, 30)
    low, high = statistics.by_resampling(lambda some: {"right": float(np.mean(some))}, [1.0] * 30)["right"]
    assert (low, high) == (pytest.approx(0.886, abs=1e-3), 1.0)


def test_metrics_of_all_examples_at_once_get_intervals_too() -> None:
    values = np.random.default_rng(3).normal(5, 2, 120).tolist()
    found = statistics.by_resampling(lambda some: {"mean": float(np.mean(some))}, values, times=800)
    expected = statistics.mean_interval(values)
    assert found["mean"] == pytest.approx(expected, abs=0.12)
    assert statistics.by_resampling(lambda some: {"mean": 1.0}, [1.0]) == {}
