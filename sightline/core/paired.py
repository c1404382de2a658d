"""Whether one of two models is better on the same examples: paired tests and the interval of the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sightline.core.statistics import Floats, Z, bootstrap, percentiles, resamples
from sightline.core.task import Comparison

T = TypeVar("T")
FLIPS = 9999
"""Random exchanges of a permutation test; so p is never below 0.0001."""
FEW_FLIPS = 999
"""As many where each needs all scores anew."""


@dataclass(frozen=True)
class Paired:
    """The second model held against the first.

    difference: second - first; interval: [low, high] of it, with 95 % confidence; p: how probable a difference this
    large is if both are equally good, two-sided; test: its name.
    """

    difference: float
    interval: list[float]
    p: float
    test: str


def mcnemar(first: Floats, second: Floats) -> Paired:
    """From (n,) zeros and ones, right or wrong: McNemar's exact test, and Agresti and Min's interval (2005)."""
    count = len(first)
    lost, won = int(((first == 1) & (second == 0)).sum()), int(((first == 0) & (second == 1)).sum())
    discordant = lost + won
    tail = sum(math.comb(discordant, k) for k in range(min(lost, won) + 1))
    p = min(1.0, 2 * tail / 2**discordant)
    # Half an example more in each of the four cells keeps the interval honest where few answers differ.
    middle = (won - lost) / (count + 2)
    half = Z * math.sqrt(discordant + 1 - (won - lost) ** 2 / (count + 2)) / (count + 2)
    interval = [max(-1.0, middle - half), min(1.0, middle + half)]
    return Paired((won - lost) / count, interval, p, "mcnemar")


def of_scores(first: Floats, second: Floats, seed: int = 0) -> Paired:
    """From (n,) scores whose mean is the metric: signs flipped at random; the interval by the bootstrap."""
    gaps = second - first
    count = len(gaps)
    random = np.random.Generator(np.random.Philox(seed))
    observed, step = abs(float(gaps.mean())), max(1, 500_000 // count)
    as_large = 0
    for start in range(0, FLIPS, step):
        signs = random.integers(0, 2, (min(step, FLIPS - start), count)) * 2 - 1
        as_large += int((np.abs(signs @ gaps) / count >= observed - 1e-12).sum())
    samples = bootstrap(lambda rows: gaps[rows].mean(axis=1), count, resamples(count), seed)
    interval = percentiles(samples, float(gaps.mean()))
    return Paired(float(gaps.mean()), interval, (as_large + 1) / (FLIPS + 1), "sign flips")


def of_metric(metric: Callable[[Sequence[T]], float], first: Sequence[T], second: Sequence[T], seed: int = 0) -> Paired:
    """From examples of which only a function of all gives the metric: pairs exchanged at random, and resampled."""
    count = len(first)
    random = np.random.Generator(np.random.Philox(seed))
    observed = metric(second) - metric(first)
    as_large, drawn = 0, list[float]()
    for _ in range(FEW_FLIPS):
        swap: list[bool] = (random.random(count) < 0.5).tolist()
        one = [b if s else a for a, b, s in zip(first, second, swap, strict=True)]
        two = [a if s else b for a, b, s in zip(first, second, swap, strict=True)]
        as_large += abs(metric(two) - metric(one)) >= abs(observed) - 1e-12
        places: list[int] = random.integers(0, count, count).tolist()
        drawn.append(metric([second[i] for i in places]) - metric([first[i] for i in places]))
    return Paired(observed, percentiles(drawn, observed), (as_large + 1) / (FEW_FLIPS + 1), "permutation")


def of_comparisons(
    metric: Callable[[Sequence[Comparison]], float], first: Sequence[Comparison], second: Sequence[Comparison]
) -> Paired:
    """The test that fits the task: McNemar's for right and wrong, that of scores, else that of the metric itself."""
    if any(one.score is None for one in (*first, *second)):
        return of_metric(metric, first, second)
    ours, theirs = (np.array([one.score for one in side], np.float64) for side in (first, second))
    binary = bool(np.isin(np.concatenate([ours, theirs]), (0, 1)).all())
    return (mcnemar if binary else of_scores)(ours, theirs)
