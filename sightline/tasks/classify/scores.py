"""Scores of a classifier and its temperature, in numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from sightline.core.spec import Spec
from sightline.core.task import Scores

BINS = 15
Floats = NDArray[np.float32] | NDArray[np.float64]


def summarize(truth: NDArray[np.int64], probabilities: Floats, classes: tuple[str, ...]) -> Scores:
    """truth: (n,) class numbers, -1 for a class unknown to the model; probabilities: (n, classes)."""
    count = len(classes)
    guess = probabilities.argmax(axis=1)
    right = guess == truth
    known = truth >= 0
    of_truth = np.where(known, probabilities[np.arange(len(truth)), np.maximum(truth, 0)], 0.0)
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (truth[known], guess[known]), 1)
    support, guessed, hits = confusion.sum(axis=1), np.bincount(guess, minlength=count), confusion.diagonal()
    precision = hits / np.maximum(guessed, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + guessed, 1)
    present = (support + guessed) > 0
    metrics = {
        "accuracy": float(right.mean()),
        "macro_f1": float(f1[present].mean()),
        "nll": float(-np.log(np.maximum(of_truth, 1e-12)).mean()),
        "ece": expected_calibration_error(probabilities.max(axis=1), right),
    }
    if count > 5:
        best = np.argpartition(-probabilities, 4, axis=1)[:, :5]
        metrics["top5"] = float((best == truth[:, None]).any(axis=1).mean())
    table = [
        {
            "class": classes[i],
            "precision": round(float(precision[i]), 6),
            "recall": round(float(recall[i]), 6),
            "f1": round(float(f1[i]), 6),
            "support": int(support[i]),
        }
        for i in range(count)
    ]
    return Scores(metrics, table, confusion.tolist())


def expected_calibration_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """ECE with 15 bins of equal width (Guo et al. 2017, eq. 3): mean gap between confidence and accuracy."""
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=right.astype(np.float64) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def with_temperature(probabilities: Floats, truth: NDArray[np.int64], spec: Spec) -> Spec:
    """The spec with the temperature of least nll on val (Guo et al. 2017, section 4.2).

    probabilities: (n, classes) at temperature 1; their logarithms are the logits up to a constant. A weak pull
    towards 1, worth about two examples, keeps a tiny or faultless val part from driving it to an extreme.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))

    def cost(log_temperature: float) -> float:
        scaled = logits * np.exp(-log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        logs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-logs[np.arange(len(truth)), truth].sum() + 2 * log_temperature**2)

    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(40):  # golden-section search: the cost is convex in 1/T, so unimodal here
        left, right = high - golden * (high - low), low + golden * (high - low)
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return dataclasses.replace(spec, temperature=float(np.exp((low + high) / 2)))
