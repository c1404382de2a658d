"""Means, spreads, intervals and the learning curve, against scipy and planted laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.repeats import power_law, spread, t_quantile, would_more_help

scipy_stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 29, 200])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_students_t_as_scipy_has_it(freedom, confidence):
    wanted = scipy_stats.t.ppf(0.5 + confidence / 2, freedom)
    assert t_quantile(freedom, confidence) == pytest.approx(wanted, rel=1e-4)


def test_the_interval_over_seeds_is_the_plain_t_interval():
    values = [0.91, 0.93, 0.90, 0.95, 0.92]
    found = spread([{"accuracy": v, "nll": 3 * v} for v in values])
    wanted = scipy_stats.t.interval(0.95, 4, np.mean(values), scipy_stats.sem(values))
    assert found["intervals"]["accuracy"] == pytest.approx(list(wanted))
    assert found["mean"] == pytest.approx({"accuracy": 0.922, "nll": 2.766})
    assert found["std"]["accuracy"] == pytest.approx(np.std(values, ddof=1))


def test_the_interval_over_folds_is_that_of_nadeau_and_bengio():
    values = [0.91, 0.93, 0.90, 0.95, 0.92]
    low, high = spread([{"accuracy": v} for v in values], overlap=1 / 4)["intervals"]["accuracy"]
    assert (high - low) / 2 == pytest.approx(2.776445 * np.std(values, ddof=1) * np.sqrt(1 / 5 + 1 / 4))


def test_one_run_alone_has_a_mean_and_nothing_else():
    assert spread([{"accuracy": 0.5}]) == {"mean": {"accuracy": 0.5}, "std": {}, "intervals": {}}


def test_the_corrected_interval_covers_where_the_plain_one_does_not():
    """Fold scores that share 0.2 of their variance, as Nadeau and Bengio assume."""
    random, k = np.random.default_rng(0), 5
    held = {0.0: 0, 1 / (k - 1): 0}
    for _ in range(400):
        values = 0.8 + 0.02 * (np.sqrt(0.2) * random.normal() + np.sqrt(0.8) * random.normal(size=k))
        for overlap in held:
            low, high = spread([{"a": v} for v in values], overlap)["intervals"]["a"]
            held[overlap] += low <= 0.8 <= high
    assert held[0.0] / 400 < 0.90 < held[1 / (k - 1)] / 400


@given(st.floats(0.05, 2), st.floats(0.1, 5))
def test_a_planted_power_law_is_found(power, scale):
    counts = [100, 250, 500, 1000]
    found = power_law(counts, [scale * n**-power for n in counts])
    assert found == pytest.approx((scale, power), rel=1e-3, abs=1e-3) or scale * 1000**-power < 1e-5


def test_the_last_points_say_most():
    counts = [100, 250, 500, 1000]
    bent = [0.9, 0.3, 0.3 * (500 / 250) ** -0.5, 0.3 * (1000 / 250) ** -0.5]
    assert power_law(counts, bent)[1] < 0.7 < np.polyfit(np.log(counts), -np.log(bent), 1)[0]


def test_would_more_images_help():
    counts = [100, 250, 500, 1000]
    falling = [1 - 3 * n**-0.5 for n in counts]
    answer, gain = would_more_help(counts, falling, "accuracy", 5000)
    assert gain == pytest.approx(3 * 1000**-0.5 - 3 * 2000**-0.5)
    assert answer == f"twice the images would give about {100 * gain:.1f} points more accuracy"
    flat, gain = would_more_help(counts, [0.90, 0.905, 0.897, 0.90], "accuracy", 200)
    assert "would hardly help" in flat and gain < 0.01
    slow, _ = would_more_help(counts, [0.980, 0.981, 0.982, 0.983], "macro_f1", 100_000)
    assert slow == "twice the images would give less than 0.2 points more macro_f1: hardly worth it"
    assert "perfect" in would_more_help(counts, [1.0, 1.0, 1.0, 1.0], "accuracy", 100)[0]
    worse, gain = would_more_help(counts, [0.9, 0.88, 0.86, 0.8], "accuracy", 1000)
    assert "would hardly help" in worse and gain == 0
