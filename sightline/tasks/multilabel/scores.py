"""Scores of several labels an image, their temperature and their thresholds, in numpy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core import confidence as trust
from sightline.core import statistics
from sightline.core.calibration import Floats, best_temperature
from sightline.core.spec import Spec
from sightline.core.task import Scores
from sightline.tasks.whole.counts import class_table, counted, macro_f1

FEW = 5
"""Val images that hold a label, or that do not: with fewer, a threshold of its own would be chance."""
POINTS = 41
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """truth: (n, classes) bool; probabilities: (n, classes); unknown: (n,) labels that the model does not know."""

    truth: Bools
    probabilities: Floats
    unknown: NDArray[np.int64]


def summarize(answers: Answers, spec: Spec) -> Scores:
    """map: the mean of the classes' average precision, over those that occur. Unknown labels count as missed.

    exact: the share of images with all labels right. ece, reliability: over all pairs of an image and a class, of the
    confidence in the yes or no that was given. risk_coverage: of whole images, see `sureness`.
    """
    truth, probabilities, thresholds = answers.truth, answers.probabilities, thresholds_of(spec)
    guess = probabilities >= np.array(thresholds)
    support, guessed, hits = truth.sum(axis=0), guess.sum(axis=0), (truth & guess).sum(axis=0)
    precisions = [average_precision(truth[:, i], probabilities[:, i]) for i in range(len(spec.classes))]
    there = [value for value in precisions if value is not None]
    sure, right = _given(probabilities, guess), (truth == guess)
    metrics = {
        "map": float(np.mean(there)) if there else 0.0,
        "macro_f1": float(macro_f1(hits, support, guessed)),
        "micro_f1": float(_micro_f1(hits, support, guessed, answers.unknown.sum())),
        "exact": float(_exact(answers, guess).mean()),
        "ece": trust.expected_calibration_error(sure.ravel(), right.ravel()),
    }
    if spec.temperature != 1.0:
        before = _given(at_temperature(probabilities, 1 / spec.temperature), guess)
        metrics["ece_uncalibrated"] = trust.expected_calibration_error(before.ravel(), right.ravel())
    rows = class_table(spec.classes, hits, support, guessed)
    for row, precision, threshold in zip(rows, precisions, thresholds, strict=True):
        row["ap"] = None if precision is None else round(precision, 6)
        row["threshold"] = round(threshold, 6)
    curves = {
        "reliability": {**trust.reliability(sure.ravel(), right.ravel()), "unit": "labels"},
        "risk_coverage": trust.risk_coverage(sureness(probabilities, guess), ~_exact(answers, guess)),
        "pr": {name: _curve(truth[:, i], probabilities[:, i]) for i, name in enumerate(spec.classes) if support[i]},
    }
    return Scores(metrics, rows, curves=curves)


def sureness(probabilities: Floats, guess: Bools) -> NDArray[np.float64]:
    """(n,) the probability that all labels of an image are right, each for itself: the product over the classes."""
    return _given(probabilities, guess).prod(axis=1)


def _given(probabilities: Floats, guess: Bools) -> NDArray[np.float64]:
    """(n, classes) the probability of the answer that was given: of yes, or of no."""
    found = probabilities.astype(np.float64)
    return np.where(guess, found, 1 - found)


def intervals(answers: Answers, spec: Spec) -> dict[str, list[float]]:
    """The 95 % intervals of the metrics: Wilson's for `exact`, else the bootstrap over images."""
    truth, probabilities, count = answers.truth, answers.probabilities, len(answers.truth)
    guess = probabilities >= np.array(thresholds_of(spec))
    found = {"exact": statistics.proportion(int(_exact(answers, guess).sum()), count)}
    if count < 2:
        return found
    sure = {"ece": _given(probabilities, guess)}
    if spec.temperature != 1.0:
        sure["ece_uncalibrated"] = _given(at_temperature(probabilities, 1 / spec.temperature), guess)
    gaps = [_gaps(truth == guess, values) for values in sure.values()]
    columns = [truth, guess, truth & guess]
    orders = [_ordered(truth[:, i], probabilities[:, i]) for i in range(truth.shape[1]) if truth[:, i].any()]

    def resampled(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(draws, metrics) over examples drawn again; rows: (draws, n) their places."""
        weights = counted(rows, count)
        support, guessed, hits = (weights @ column.astype(np.float64) for column in columns)
        precisions = np.stack([_weighted_precision(weights, *one) for one in orders]) if orders else np.zeros((1, 1))
        there = np.isfinite(precisions)
        values = [
            np.where(there, precisions, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1) + np.zeros(len(rows)),
            macro_f1(hits, support, guessed),
            _micro_f1(hits, support, guessed, weights @ answers.unknown),
            *(np.abs(weights @ gap).sum(axis=1) / truth.size for gap in gaps),
        ]
        return np.stack(values, axis=1)

    samples = statistics.bootstrap(resampled, count, statistics.resamples(count))
    estimates = resampled(np.arange(count, dtype=np.int64)[None])[0]
    for place, name in enumerate(("map", "macro_f1", "micro_f1", *sure)):
        found[name] = statistics.percentiles(samples[:, place], float(estimates[place]), count)
    return found


def _exact(answers: Answers, guess: Bools) -> Bools:
    return (answers.truth == guess).all(axis=1) & (answers.unknown == 0)


def _micro_f1(hits: NDArray[Any], support: NDArray[Any], guessed: NDArray[Any], unknown: Any) -> NDArray[np.float64]:
    """Over all pairs of an image and a class, the last axis; 1 where there is neither a label nor an answer."""
    everything = support.sum(axis=-1) + guessed.sum(axis=-1) + unknown
    return np.asarray(np.where(everything > 0, 2 * hits.sum(axis=-1) / np.maximum(everything, 1), 1.0), np.float64)


def _gaps(right: Bools, sure: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, bins) the sum over an image's classes of right - confidence, by the bin of the confidence."""
    places = trust.bins_of(sure) + np.arange(len(right))[:, None] * trust.BINS
    sums = np.bincount(places.ravel(), (right - sure).ravel(), len(right) * trust.BINS).astype(np.float64)
    return sums.reshape(len(right), trust.BINS)


def _ordered(truth: Bools, scores: Floats) -> tuple[NDArray[np.int64], Bools, NDArray[np.int64]]:
    """The order of falling scores, the truth in it, and the last place of each distinct score."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    return order, truth[order], last


def _weighted_precision(
    weights: NDArray[np.float64], order: NDArray[np.int64], truth: Bools, last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(k,) average precision where each example counts as often as each of k rows of weights says; NaN without any."""
    ordered = weights[:, order]
    hits, taken = np.cumsum(ordered * truth, axis=1)[:, last], np.cumsum(ordered, axis=1)[:, last]
    total = hits[:, -1]
    area = (np.diff(hits, axis=1, prepend=0) * hits / np.maximum(taken, 1)).sum(axis=1)
    return np.where(total > 0, area / np.maximum(total, 1), np.nan)


def thresholds_of(spec: Spec) -> list[float]:
    """The probability from which on each class counts as present; 0.5 before any were fitted."""
    return spec.extra.get("thresholds") or [0.5] * len(spec.classes)


def _cuts(truth: Bools, scores: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """(hits, taken, score): what is taken, and how much of it is right, for each distinct score as the least taken."""
    order, ordered, last = _ordered(truth, scores)
    return np.cumsum(ordered, dtype=np.int64)[last], last + 1, scores[order][last]


def average_precision(truth: Bools, scores: Floats) -> float | None:
    """AP = sum of (R_n - R_n-1) P_n over the distinct scores, falling; None where no example is positive.

    The area under the precision-recall curve without interpolation, as scikit-learn defines it.
    """
    if not truth.any():
        return None
    hits, taken, _ = _cuts(truth, scores)
    return float((np.diff(hits, prepend=0) / truth.sum() * (hits / taken)).sum())


def _curve(truth: Bools, scores: Floats) -> dict[str, list[float]]:
    hits, taken, _ = _cuts(truth, scores)
    places = np.unique(np.linspace(0, len(hits) - 1, POINTS).astype(np.int64))
    precision, recall = hits / taken, hits / max(int(truth.sum()), 1)
    return {"recall": np.round(recall[places], 4).tolist(), "precision": np.round(precision[places], 4).tolist()}


def calibrate(truth: Bools, probabilities: Floats, spec: Spec) -> Spec:
    """The spec with the temperature of least binary cross-entropy on val, and a threshold for each class.

    truth, probabilities: (n, classes), at temperature 1.
    """

    def nll(temperature: float) -> float:
        found = np.clip(at_temperature(probabilities, temperature), 1e-12, 1 - 1e-12)
        return float(-np.where(truth, np.log(found), np.log(1 - found)).sum())

    temperature = best_temperature(nll)
    found = at_temperature(probabilities, temperature)
    common = best_threshold(truth.ravel(), found.ravel())
    common = 0.5 if common is None else common
    own = [best_threshold(truth[:, i], found[:, i]) for i in range(truth.shape[1])]
    thresholds = [round(common if value is None else value, 6) for value in own]
    return dataclasses.replace(spec, temperature=temperature, extra={**spec.extra, "thresholds": thresholds})


def at_temperature(probabilities: Floats, temperature: float) -> NDArray[np.float64]:
    """The sigmoid of the same logits divided by `temperature`."""
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return 1 / (1 + np.exp(-np.log(clipped / (1 - clipped)) / temperature))


def best_threshold(truth: Bools, scores: Floats) -> float | None:
    """The threshold of best F1, halfway between two scores; of equally good ones that nearest to one half.

    None where fewer than FEW examples are positive, or negative: the threshold best for all classes together serves.
    """
    if min(truth.sum(), (~truth).sum()) < FEW:
        return None
    hits, taken, least = _cuts(truth, scores)
    f1 = 2 * hits / (taken + truth.sum())
    halfway = (least + np.append(least[1:], 0.0)) / 2
    best = halfway[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])
