"""Scores of a classifier and its temperature, in numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from sightline.core import confidence as trust
from sightline.core import statistics
from sightline.core.calibration import Floats, best_temperature
from sightline.core.spec import Spec
from sightline.core.task import Scores
from sightline.tasks.whole.counts import class_table, counted, macro_f1

Truth = NDArray[np.int64]
"""(n,) class numbers, -1 for a class unknown to the model."""


def summarize(truth: Truth, probabilities: Floats, classes: tuple[str, ...], temperature: float = 1.0) -> Scores:
    """Scores from (n, classes) probabilities, which were calibrated with `temperature`."""
    count = len(classes)
    guess, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = guess == truth
    known = truth >= 0
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (truth[known], guess[known]), 1)
    support, guessed, hits = confusion.sum(axis=1), np.bincount(guess, minlength=count), confusion.diagonal()
    metrics = {
        "accuracy": float(right.mean()),
        "macro_f1": float(macro_f1(hits, support, guessed)),
        "nll": float(_surprise(truth, probabilities).mean()),
        "ece": trust.expected_calibration_error(sure, right),
    }
    if temperature != 1.0:
        before = uncalibrated(probabilities, temperature)
        metrics["ece_uncalibrated"] = trust.expected_calibration_error(before.max(axis=1), right)
    if count > 5:
        metrics["top5"] = float(_in_top5(truth, probabilities).mean())
    curves = {"reliability": trust.reliability(sure, right), "risk_coverage": trust.risk_coverage(sure, ~right)}
    return Scores(metrics, class_table(classes, hits, support, guessed), confusion.tolist(), curves)


def intervals(truth: Truth, probabilities: Floats, temperature: float = 1.0) -> dict[str, list[float]]:
    """The 95 % intervals of the metrics that `summarize` gives: Wilson's for proportions, Student's for nll, else
    the bootstrap."""
    n, classes = probabilities.shape
    guess = probabilities.argmax(axis=1)
    right = guess == truth
    found = {"accuracy": statistics.proportion(right.sum(), n)}
    if classes > 5:
        found["top5"] = statistics.proportion(_in_top5(truth, probabilities).sum(), n)
    nll = statistics.mean_interval(_surprise(truth, probabilities))
    if nll is None:
        return found
    found["nll"] = [max(0.0, nll[0]), nll[1]]
    sure = {"ece": probabilities.max(axis=1)}
    if temperature != 1.0:
        sure["ece_uncalibrated"] = uncalibrated(probabilities, temperature).max(axis=1)
    gaps = [(trust.bins_of(values), right - values.astype(np.float64)) for values in sure.values()]
    classed = truth + 1  # so that an unknown class has a place of its own

    def resampled(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(draws, metrics) over examples drawn again; rows: (draws, n) their places."""
        support = counted(classed[rows], classes + 1)[:, 1:]
        hits = counted(np.where(right, classed, 0)[rows], classes + 1)[:, 1:]
        columns = [macro_f1(hits, support, counted(guess[rows], classes))]
        columns += [np.abs(counted(bins[rows], trust.BINS, gap[rows])).sum(axis=1) / n for bins, gap in gaps]
        return np.stack(columns, axis=1)

    samples = statistics.bootstrap(resampled, n, statistics.resamples(n))
    estimates = resampled(np.arange(n, dtype=np.int64)[None])[0]
    for place, name in enumerate(("macro_f1", *sure)):
        found[name] = statistics.percentiles(samples[:, place], float(estimates[place]), n)
    return found


def uncalibrated(probabilities: Floats, temperature: float) -> NDArray[np.float64]:
    """(n, classes): the same answers at temperature 1; softmax(z) is proportional to softmax(z / T) ** T."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-30)) * temperature
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def _surprise(truth: Truth, probabilities: Floats) -> NDArray[np.float64]:
    of_truth = np.where(truth >= 0, probabilities[np.arange(len(truth)), np.maximum(truth, 0)], 0.0)
    return -np.log(np.maximum(of_truth.astype(np.float64), 1e-12))


def _in_top5(truth: Truth, probabilities: Floats) -> NDArray[np.bool_]:
    return (np.argpartition(-probabilities, 4, axis=1)[:, :5] == truth[:, None]).any(axis=1)


def with_temperature(probabilities: Floats, truth: NDArray[np.int64], spec: Spec) -> Spec:
    """The spec with the temperature of least nll on val.

    probabilities: (n, classes) at temperature 1; their logarithms are the logits up to a constant.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))

    def nll(temperature: float) -> float:
        scaled = logits / temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        logs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-logs[np.arange(len(truth)), truth].sum())

    return dataclasses.replace(spec, temperature=best_temperature(nll))
