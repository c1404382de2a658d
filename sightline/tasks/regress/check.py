"""What may be wrong with numbers as targets, as a whole; and how such images are shared out."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from sightline.core.predictions import number_text
from sightline.core.task import Finding, Tally
from sightline.data.dataset import Dataset

TOO_FEW, FEW = 10, 100
FAR = 5.0
"""Outliers lie so many times the distance of the quartiles beyond them; of normal values one in 10^10 does."""
RANGES, DISTINCT = 8, 12
STRATA, SMALLEST_STRATUM = 10, 10


def findings(dataset: Dataset, splits: NDArray[np.str_]) -> list[Finding]:
    """Targets that are no finite number, that are all equal, that lie far off; too few of them; a test part beyond."""
    values = dataset.targets.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        text = f"values that are not finite numbers: {(~finite).sum()}"
        return [_finding("not_finite", "error", text, dataset, np.flatnonzero(~finite))]
    if len(values) < TOO_FEW:
        text = f"only {len(values)} images: a number needs at least {TOO_FEW} to be learned"
        return [Finding("too_few", "error", text, count=len(values))]
    if values.min() == values.max():
        text = f"all values are {number_text(float(values[0]))}: there is nothing to learn"
        return [Finding("constant", "error", text, count=len(values))]
    found: list[Finding] = []
    if len(values) < FEW:
        text = f"only {len(values)} images: expect large errors"
        found.append(Finding("too_few", "warning", text, count=len(values)))
    low, high = np.quantile(values, (0.25, 0.75))
    far = np.flatnonzero((values < low - FAR * (high - low)) | (values > high + FAR * (high - low)))
    if len(far) and high > low:
        text = f"values that lie far from all others: {len(far)}; a slip of the pen, or another unit?"
        found.append(_finding("outlier", "warning", text, dataset, far))
    return found + _beyond(dataset, values, splits)


def _beyond(dataset: Dataset, values: NDArray[np.float64], splits: NDArray[np.str_]) -> list[Finding]:
    """Images to be tested whose values training never sees: networks do not extrapolate."""
    train = values[splits == "train"]
    if not len(train):
        return []
    outside = np.flatnonzero((splits != "train") & ((values < train.min()) | (values > train.max())))
    if len(outside) <= 0.01 * len(values):  # the ends of a range must lie somewhere
        return []
    text = f"values in val or test beyond those in train: {len(outside)}; networks do not extrapolate"
    return [_finding("beyond_train", "warning", text, dataset, outside)]


def _finding(code: str, level: str, text: str, dataset: Dataset, places: NDArray[np.int64]) -> Finding:
    items = tuple(f"{dataset.images.name(int(i))} ({dataset.targets[i]})" for i in places)
    return Finding(code, level, text, items, len(items))


def tally(dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
    """A row for each of a few different values, or 8 ranges of equal width, of which the last holds its upper end."""
    values = dataset.targets.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {}
    distinct = np.unique(finite)
    if len(distinct) <= DISTINCT:
        names = [number_text(float(value)) for value in distinct]
        places = np.searchsorted(distinct, values)
    else:
        low, high = float(finite.min()), float(finite.max())
        edges: list[float] = np.linspace(low, high, RANGES + 1).tolist()
        ends = [number_text(edge, edges[1] - edges[0]) for edge in edges]
        names = [f"{first} to {last}" for first, last in itertools.pairwise(ends)]
        places = np.clip(np.searchsorted(edges, values, "right") - 1, 0, RANGES - 1)
    places = np.where(np.isfinite(values), places, -1)
    counts: Tally = {}
    for place, name in enumerate(names):
        parts, numbers = np.unique(splits[places == place], return_counts=True)
        if len(parts):
            counts[name] = dict(zip(parts.tolist(), numbers.tolist(), strict=True))
    return counts


def strata(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) the tenth of the values in which each lies; tenths of fewer than 10 images are one stratum together."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros(len(values), np.int64)
    edges = np.quantile(finite, np.linspace(0, 1, STRATA + 1)[1:-1])
    found = np.searchsorted(edges, np.nan_to_num(values), "right")
    numbers, counts = np.unique(found, return_counts=True)
    found[np.isin(found, numbers[counts < SMALLEST_STRATUM])] = -1
    return np.unique(found, return_inverse=True)[1].astype(np.int64)
