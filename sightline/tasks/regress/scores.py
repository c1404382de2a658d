"""Scores of predicted numbers, and how far off they may be, in numpy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sightline.core import statistics

Floats = NDArray[np.float64]
SURE = 0.9
"""Share of the truths that lie within the margin."""
LEAST = 20
"""Fewer val images say too little about the largest tenth of the errors."""


def metrics(truth: Floats, value: Floats, margin: float | None) -> dict[str, float]:
    """r2, mae, rmse of (n,) numbers; coverage, the share of truths within the margin, where there is one.

    r2: 1 - (sum of squared errors) / (sum of squared distances of the truths from their mean); 0 is what always saying
    the mean would get, and 0 is given where all truths are equal and were not met.
    """
    error = value - truth
    found = {
        "r2": float(_r2((error**2).sum(), ((truth - truth.mean()) ** 2).sum())),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
    }
    return found if margin is None else {**found, "coverage": float((np.abs(error) <= margin).mean())}


def intervals(truth: Floats, value: Floats, margin: float | None) -> dict[str, list[float]]:
    """The 95 % intervals of the same metrics: Student's for mae, Wilson's for coverage, else the bootstrap."""
    count, error = len(truth), value - truth
    mae = statistics.mean_interval(np.abs(error))
    if mae is None:
        return {}
    found = {"mae": [max(0.0, mae[0]), mae[1]]}
    if margin is not None:
        found["coverage"] = statistics.proportion(int((np.abs(error) <= margin).sum()), count)

    def resampled(rows: NDArray[np.int64]) -> Floats:
        squared = (error**2)[rows].sum(axis=1)
        spread = truth[rows].var(axis=1) * count
        return np.stack([_r2(squared, spread), np.sqrt(squared / count)], axis=1)

    samples = statistics.bootstrap(resampled, count, statistics.resamples(count))
    estimates = resampled(np.arange(count, dtype=np.int64)[None])[0]
    for place, name in enumerate(("r2", "rmse")):
        found[name] = statistics.percentiles(samples[:, place], float(estimates[place]))
    return found


def _r2(squared: Floats | np.float64, spread: Floats | np.float64) -> Floats:
    good = np.asarray(spread) > 0
    ratio = np.asarray(squared) / np.where(good, spread, 1)
    return np.where(good, 1 - ratio, np.where(np.asarray(squared) == 0, 1.0, 0.0))


def margin_of(truth: Floats, value: Floats) -> float | None:
    """How far from the value 90 % of the truths lie at most: split conformal prediction (Vovk et al. 2005) on val.

    The k-th smallest error of n, k = ceil(0.9 (n + 1)): a new image of the same kind lies within it with a probability
    of at least 0.9, whatever the network. The same for all images. None where val is too small to say.
    """
    count = len(truth)
    if count < LEAST:
        return None
    return float(np.sort(np.abs(value - truth))[math.ceil(SURE * (count + 1)) - 1])
