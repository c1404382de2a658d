"""How far a number can be trusted: 95 % intervals, and paired tests, in numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
T = TypeVar("T")

NORMAL = NormalDist()
Z = NORMAL.inv_cdf(0.975)
"""A normal value lies within this many standard deviations of its mean in 95 of 100 cases."""
AT_ONCE = 500_000
"""Indices drawn at a time by the bootstrap: 4 MB."""


def wilson(hits: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    """Ends of the 95 % interval of a proportion (Wilson 1927), for arrays of equal shape; 0 and 1 where total is 0."""
    k, n = np.asarray(hits, np.float64), np.asarray(total, np.float64)
    some = np.maximum(n, 1)
    p = k / some
    middle = (p + Z**2 / (2 * some)) / (1 + Z**2 / some)
    half = Z / (1 + Z**2 / some) * np.sqrt(p * (1 - p) / some + Z**2 / (4 * some**2))
    low = np.where((n == 0) | (k == 0), 0.0, middle - half)
    return low, np.where((n == 0) | (k == n), 1.0, middle + half)


def proportion(hits: float, total: float) -> list[float]:
    """[low, high] of one proportion."""
    low, high = wilson(hits, total)
    return [float(low), float(high)]


def f1_interval(hits: ArrayLike, support: ArrayLike, guessed: ArrayLike) -> tuple[Floats, Floats]:
    """Ends of the 95 % interval of F1 = 2 hits / (support + guessed).

    Of the support + guessed - hits examples that are of the class or taken for it, `hits` are both: a proportion J
    with Wilson's interval, and F1 = 2 J / (1 + J) rises with it.
    """
    k = np.asarray(hits, np.float64)
    low, high = wilson(k, np.asarray(support, np.float64) + np.asarray(guessed, np.float64) - k)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mean_interval(values: ArrayLike) -> list[float] | None:
    """[low, high] of the mean of (n,) values by Student's t; None for fewer than two values."""
    array = np.asarray(values, np.float64)
    if len(array) < 2:
        return None
    half = _student(len(array) - 1) * float(array.std(ddof=1)) / math.sqrt(len(array))
    return [float(array.mean()) - half, float(array.mean()) + half]


def _student(freedom: int) -> float:
    """The 97.5 % point of Student's t: exact for 1 and 2 degrees, else by Cornish and Fisher's series (< 1 % off)."""
    if freedom <= 2:
        return (12.706204736, 4.302652730)[freedom - 1]
    z, v = Z, float(freedom)
    series = (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    return z + series + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)


def bootstrap(statistic: Callable[[Indices], ArrayLike], count: int, times: int = 1000, seed: int = 0) -> Floats:
    """(times, m) values of m statistics over resamples of `count` examples, drawn with replacement (Efron 1979).

    statistic: takes (k, count) indices, a resample a row, and gives (k, m) or (k,).
    """
    random = np.random.Generator(np.random.Philox(seed))
    step = max(1, AT_ONCE // max(count, 1))
    found: list[Floats] = []
    for start in range(0, times, step):
        rows = min(step, times - start)
        values = np.asarray(statistic(random.integers(0, count, (rows, count))), np.float64)
        found.append(values.reshape(rows, -1))
    return np.concatenate(found)


def resamples(count: int) -> int:
    """How many resamples of `count` examples are worth their time: 1,000 up to 2,000 examples, at least 200."""
    return int(np.clip(2_000_000 // max(count, 1), 200, 1000))


def percentiles(samples: ArrayLike, estimate: float, of_share: int = 0) -> list[float]:
    """[low, high]: the bias-corrected percentile interval of bootstrap samples (Efron 1987).

    Measures such as the calibration error are larger on resamples than on the data itself; plain percentiles would
    then leave the estimate out.

    of_share: the number of examples where the measure goes from 0 to 1. At either end all resamples are alike, which
    proves nothing about the examples that were not drawn: there it is Wilson's interval of so many hits, or misses.
    """
    values = np.asarray(samples, np.float64)
    if of_share and estimate in (0, 1) and np.ptp(values) == 0:
        return proportion(of_share * estimate, of_share)
    below = ((values < estimate).sum() + 0.5 * (values == estimate).sum()) / len(values)
    shift = float(np.clip(NORMAL.inv_cdf(float(np.clip(below, 1e-4, 1 - 1e-4))), -1.9, 1.9))
    ends = [NORMAL.cdf(2 * shift - Z), NORMAL.cdf(2 * shift + Z)]
    low, high = np.quantile(values, ends)
    return [float(min(low, estimate)), float(max(high, estimate))]


def by_resampling(
    metrics: Callable[[Sequence[T]], Mapping[str, float]], examples: Sequence[T], times: int = 200, seed: int = 0
) -> dict[str, list[float]]:
    """Metric to [low, high] by the bootstrap, for metrics that only a function of all examples can give.

    The metrics are shares, of which 0 and 1 are the ends.
    """
    if len(examples) < 2:
        return {}
    estimates = metrics(examples)
    random = np.random.Generator(np.random.Philox(seed))
    drawn: list[Mapping[str, float]] = []
    for _ in range(times):
        places: list[int] = random.integers(0, len(examples), len(examples)).tolist()
        drawn.append(metrics([examples[i] for i in places]))
    return {
        name: percentiles([one[name] for one in drawn], value, len(examples))
        for name, value in estimates.items()
        if all(name in one for one in drawn)
    }
