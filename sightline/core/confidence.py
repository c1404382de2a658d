"""Whether a model is as sure as it should be: calibration error, reliability curve, risk against coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
POINTS = 101
"""Most points of a curve of risk against coverage."""
Floats = NDArray[np.float32] | NDArray[np.float64]


def bins_of(confidence: Floats) -> NDArray[np.int64]:
    """The bin 0..14 of each confidence; bin m holds (m / 15, (m + 1) / 15]."""
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def expected_calibration_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """ECE with 15 bins of equal width (Guo et al. 2017, eq. 3): mean gap between confidence and accuracy."""
    gaps = np.bincount(bins_of(confidence), weights=right.astype(np.float64) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def reliability(confidence: Floats, right: NDArray[np.bool_]) -> dict[str, list[Any]]:
    """The mean confidence, the accuracy and the count of each of the 15 bins that is not empty."""
    bins = bins_of(confidence)
    counts = np.bincount(bins, minlength=BINS)
    some = counts > 0
    sure = np.bincount(bins, weights=confidence, minlength=BINS)[some] / counts[some]
    accuracy = np.bincount(bins, weights=right, minlength=BINS)[some] / counts[some]
    return {
        "confidence": np.round(sure, 6).tolist(),
        "accuracy": np.round(accuracy, 6).tolist(),
        "count": counts[some].tolist(),
    }


def risk_coverage(confidence: Floats, errors: Floats | NDArray[np.bool_]) -> dict[str, Any]:
    """The mean error (risk) among the most confident answers, by their share (coverage), and the area below.

    confidence, errors: (n,). Geifman and El-Yaniv 2017; `aurc` is the mean risk over all n coverages. Where answers
    are equally confident, their errors are shared among them, so that their order does not matter.
    """
    order = np.argsort(-confidence, kind="stable")
    _, level, sizes = np.unique(-confidence[order], return_inverse=True, return_counts=True)
    shared = np.bincount(level, weights=np.asarray(errors, np.float64)[order]) / sizes
    count = len(confidence)
    risk = np.cumsum(shared[level]) / np.arange(1, count + 1)
    places = np.unique(np.ceil(np.linspace(1 / count, 1, min(POINTS, count)) * count - 1e-9).astype(np.int64)) - 1
    return {
        "coverage": np.round((places + 1) / count, 6).tolist(),
        "risk": np.round(risk[places], 6).tolist(),
        "aurc": float(risk.mean()),
    }
