"""What several trainings say together: mean, spread and intervals; a power law through a learning curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLAT = 0.002
"""A gain of less than 0.2 points is called none."""


def t_quantile(freedom: int, confidence: float = 0.95) -> float:
    """Student's t: |t| stays below it with that probability, at `freedom` (>= 1) degrees of freedom.

    With t = sqrt(freedom) tan(a), the density is cos(a) ** (freedom - 1): integrated over a grid of 0..pi/2.
    """
    angles = np.linspace(0, np.pi / 2, 200_001, dtype=np.float64)
    heights = np.asarray(np.cos(angles) ** (freedom - 1), np.float64)
    areas: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(heights[1:] + heights[:-1])])
    angle = float(np.interp(confidence * areas[-1], areas, angles))  # pyright: ignore[reportUnknownArgumentType]
    return math.sqrt(freedom) * math.tan(angle)


def spread(rows: Sequence[Mapping[str, float]], overlap: float = 0.0) -> dict[str, Any]:
    """{"mean", "std", "intervals"} by metric over two or more runs; std is the sample's (n - 1).

    intervals: the mean's 95 % t-interval, mean ± t std sqrt(1 / n + overlap). overlap: the ratio of test to training
    images where the runs learn from the same images in turn, as folds do: their scores vary together, and the plain
    interval would be too narrow (Nadeau & Bengio 2003, "Inference for the generalization error", section 3). 0 for
    other seeds.
    """
    found: dict[str, dict[str, Any]] = {"mean": {}, "std": {}, "intervals": {}}
    for name in rows[0]:
        values = np.array([row[name] for row in rows if name in row], np.float64)
        found["mean"][name] = mean = float(values.mean())
        if len(values) < 2:
            continue
        found["std"][name] = std = float(values.std(ddof=1))
        half = t_quantile(len(values) - 1) * std * float(np.sqrt(1 / len(values) + overlap))
        found["intervals"][name] = [mean - half, mean + half]
    return found


def power_law(counts: Sequence[int], errors: Sequence[float]) -> tuple[float, float]:
    """(b, c) of error = b * count ** -c through two or more points, c >= 0 (Hestness et al. 2017, section 2).

    Least squares on the logarithms, each point weighted by its count: the last ones say most about what comes next,
    and the law need not hold yet where there are few images.
    """
    x, y = np.log(np.asarray(counts, np.float64)), np.log(np.maximum(np.asarray(errors, np.float64), 1e-6))
    weight = np.asarray(counts, np.float64) / np.sum(counts)
    middle, level = float(weight @ x), float(weight @ y)
    slope = float(weight @ ((x - middle) * (y - level)) / (weight @ (x - middle) ** 2))
    falling = max(0.0, -slope)
    return float(np.exp(level + falling * middle)), falling


def would_more_help(counts: Sequence[int], values: Sequence[float], metric: str, judged: int) -> tuple[str, float]:
    """The answer in words, and what twice the images would add to the metric by the power law.

    counts: training images of each run, rising; values: the metric (higher is better, 1 is perfect); judged: number
    of images that it was measured on.
    """
    errors = [1 - value for value in values]
    scale, power = power_law(counts, errors)
    now, doubled = scale * counts[-1] ** -power, scale * (2 * counts[-1]) ** -power
    gain = now - doubled
    # Half of a test that small may be luck: the standard error of a share measured on `judged` images.
    noise = float(np.sqrt(max(errors[-1], 1 / judged) * max(1 - errors[-1], 0.0) / judged))
    if max(errors) - errors[-1] <= noise:
        if errors[-1] <= 0.5 / judged:
            return f"{metric} is perfect from few images on: more images of this kind would show nothing new", gain
        return (
            f"from {counts[0]:,} to {counts[-1]:,} images {metric} did not grow by more than chance "
            f"(± {100 * noise:.1f} points on {judged:,} images): more images of this kind would hardly help; "
            "look at the worst mistakes and at the labels"
        ), gain
    if gain < FLAT:
        return f"twice the images would give less than {100 * FLAT:.1f} points more {metric}: hardly worth it", gain
    return f"twice the images would give about {100 * gain:.1f} points more {metric}", gain
