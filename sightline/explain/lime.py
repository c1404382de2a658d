"""LIME: a linear model of the network around one image (Ribeiro, Singh and Guestrin 2016), over superpixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.explain.subject import Heat, Subject, log_odds
from sightline.explain.superpixels import superpixels

REGIONS = 60
SAMPLES = 400
WIDTH = 0.25
"""Of the kernel: the distance, 0..1, at which a sample has lost most of its weight."""
RIDGE = 1.0


def explain(subject: Subject) -> Heat:
    """The weight of each superpixel in a linear model of the log-odds, fitted to images that lack some of them."""
    parts = superpixels(subject.image, regions(subject.sides))
    count = int(parts.max()) + 1
    random = np.random.Generator(np.random.Philox(0))
    keep = random.random((SAMPLES, count)) < 0.5
    keep[0] = True
    odds = log_odds(subject.evidence_without(keep, parts, subject.stand_in))
    weights, fit = weighted_ridge(keep.astype(np.float64), odds, closeness(keep))
    facts = {"superpixels": count, "samples": SAMPLES, "fit": round(fit, 4)}
    return Heat(weights[parts].astype(np.float32), facts)


def regions(sides: tuple[int, int]) -> int:
    """How many superpixels: none is smaller than four pixels."""
    return min(REGIONS, sides[0] * sides[1] // 4)


def closeness(keep: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) the kernel exp(-d^2 / width^2), d the cosine distance to the whole image (Ribeiro et al., section 3.3)."""
    distance = 1 - np.sqrt(keep.mean(axis=1))
    return np.exp(-(distance**2) / WIDTH**2)


def weighted_ridge(
    features: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64], ridge: float = RIDGE
) -> tuple[NDArray[np.float64], float]:
    """Minimises sum_i w_i (y_i - b - x_i·c)^2 + ridge |c|^2, b free: the coefficients c, and the weighted R^2.

    features: (n, m); targets, weights: (n,).
    """
    total = weights.sum()
    x = features - weights @ features / total
    y = targets - weights @ targets / total
    solve: Any = np.linalg.solve  # typed for more than we give it
    coefficients: NDArray[np.float64] = solve((x.T * weights) @ x + ridge * np.eye(x.shape[1]), (x.T * weights) @ y)
    spread = float(weights @ y**2)
    rest = float(weights @ (y - x @ coefficients) ** 2)
    return coefficients, 1 - rest / spread if spread > 0 else 0.0
