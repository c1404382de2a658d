"""Average precision by the rules of COCO, in numpy; counts at the model's own threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.boxes import Boxes
from sightline.core.calibration import best_temperature
from sightline.core.confidence import expected_calibration_error, reliability
from sightline.core.geometry import areas, intersections, overlaps
from sightline.tasks.detect import mistakes
from sightline.tasks.detect.prediction import BoxesPrediction

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
MOST = 100
"""Boxes of a class and an image that count."""
SPARE = 10
"""Boxes a truth beyond those: any more could be nothing but wrong."""
Floats = NDArray[np.float64]
FOUND, WRONG, IGNORED = 1, 0, -1


def matched(found: Floats, truth: Floats, hard: NDArray[np.bool_]) -> NDArray[np.int8]:
    """(10, k): for each overlap, whether each box, of one class and the surest first, finds a truth (1), none (0), or
    one that does not count (-1).

    As COCO does: each takes the truth that it overlaps most among those not yet taken; truths that count come first,
    and one that does not may be taken by many, its overlap being the share of the box that it covers.
    """
    result = np.zeros((len(OVERLAPS), len(found)), np.int8)
    if not len(truth) or not len(found):
        return result
    order = np.argsort(hard, kind="stable")
    truth, hard = truth[order], hard[order]
    iou = overlaps(found, truth)
    iou[:, hard] = intersections(found, truth[hard]) / np.maximum(areas(found)[:, None], 1e-12)
    near = [np.flatnonzero(row >= OVERLAPS[0] - 1e-9).tolist() for row in iou]
    for row, least in enumerate(OVERLAPS):
        taken = np.zeros(len(truth), np.bool_)
        for place in range(len(found)):
            best, match = min(float(least), 1 - 1e-10), -1
            for number in near[place]:
                if taken[number] and not hard[number]:
                    continue
                if match >= 0 and not hard[match] and hard[number]:
                    break
                if iou[place, number] >= best:
                    best, match = float(iou[place, number]), number
            if match >= 0:
                taken[match] = True
                result[row, place] = IGNORED if hard[match] else FOUND
    return result


def counts(prediction: BoxesPrediction, truth: Boxes, names: Sequence[str]) -> dict[str, Any]:
    """Of one image: per class the scores of its boxes, how they match, and the number of truths;
    what is confused with what, and what is found by size: see `mistakes`.

    A class counts up to 100 boxes an image, as for COCO; of an image seen through windows, so many a window, and no
    more than are of use.
    """
    held = np.array([names.index(label) if label in names else -1 for label in truth.labels], np.int64)
    classes: dict[int, tuple[Floats, NDArray[np.int8], int]] = {}
    for number in np.union1d(held[held >= 0], prediction.labels).tolist():
        theirs = held == number
        most = MOST if prediction.windows == 1 else min(MOST * prediction.windows, MOST + SPARE * int(theirs.sum()))
        mine = np.flatnonzero(prediction.labels == number)[:most]
        match = matched(prediction.corners[mine], truth.corners[theirs], truth.hard[theirs])
        classes[int(number)] = prediction.scores[mine], match, int((~truth.hard[theirs]).sum())
    confused, sizes = mistakes.confusion(prediction, truth, held)
    unknown = int((held < 0).sum())
    return {
        "classes": classes, "unknown": unknown, "threshold": prediction.threshold, "confused": confused, "sizes": sizes,
    }  # fmt: skip


def metrics(images: Sequence[dict[str, Any]], classes: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """The scores over all images, and a row a class (without its name)."""
    rows = [_of_class(images, number) for number in range(classes)]
    seen = [row for row in rows if row["support"] > 0]

    def mean(key: str) -> float:
        return float(np.mean([row[key] for row in seen])) if seen else 0.0

    hits, support, guessed = (sum(row[key] for row in rows) for key in ("hits", "support", "guessed"))
    whole = {
        "map50_95": mean("ap50_95"), "map50": mean("ap50"), "map75": mean("ap75"), "ar": mean("ar"),
        "precision": hits / max(guessed, 1), "recall": hits / max(support, 1),
        "f1": 2 * hits / max(support + guessed, 1),
    }  # fmt: skip
    return whole, rows


def _of_class(images: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
    scores, match, support = _joined(images, number)
    threshold = images[0]["threshold"] if images else 1.0
    precisions, recalls = zip(*(average_precision(row, support) for row in match), strict=True)
    sure = (scores >= threshold) & (match[0] != IGNORED)
    hits, guessed = int((match[0][sure] == FOUND).sum()), int(sure.sum())
    return {
        "ap50_95": float(np.mean(precisions)), "ap50": precisions[0], "ap75": precisions[5],
        "ar": float(np.mean(recalls)), "hits": hits, "guessed": guessed, "support": support,
    }  # fmt: skip


def average_precision(match: NDArray[np.int8], support: int) -> tuple[float, float]:
    """The precision averaged over 101 recalls, and the largest recall; match: (k,), the surest first."""
    counted = match[match != IGNORED]
    if not support or not len(counted):
        return 0.0, 0.0
    right = np.cumsum(counted == FOUND)
    recall = right / support
    precision = right / np.arange(1, len(counted) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    reached = places < len(precision)
    return float(np.where(reached, precision[np.minimum(places, len(precision) - 1)], 0).mean()), float(recall[-1])


def curves(images: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """pr: for each class recall and precision at an overlap of 0.5; reliability of the scores; by_size."""
    found: dict[str, dict[str, list[float]]] = {}
    for number, name in enumerate(names):
        _, match, support = _joined(images, number)
        counted = match[0][match[0] != IGNORED]
        if not support or not len(counted):
            continue
        right = np.cumsum(counted == FOUND)
        places = np.unique(np.linspace(0, len(right) - 1, min(len(RECALLS), len(right))).astype(np.int64))
        found[name] = {
            "recall": np.round(right[places] / support, 6).tolist(),
            "precision": np.round(right[places] / (places + 1), 6).tolist(),
        }
    sure, right = _certain(images)
    sizes = np.sum([image["sizes"] for image in images], axis=0) if images else np.zeros((3, 2), np.int64)
    curve = {**reliability(sure, right), "unit": "boxes"} if len(sure) else {"unit": "boxes"}
    return {"pr": found, "reliability": curve, "by_size": mistakes.by_size(sizes)}


def calibration_error(images: Sequence[dict[str, Any]]) -> float:
    """ece of the boxes of at least 1 %: the mean gap between a score and the share of such boxes that are right."""
    sure, right = _certain(images)
    return expected_calibration_error(sure, right) if len(sure) else 0.0


def _certain(images: Sequence[dict[str, Any]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores of at least 1 % over all classes, and whether each finds a truth at an overlap of 0.5."""
    held = [one for image in images for one in image["classes"].values()]
    found = np.concatenate([one[0] for one in held]) if held else np.zeros(0)
    match = np.concatenate([one[1][0] for one in held]) if held else np.zeros(0, np.int8)
    sure = (found >= 0.01) & (match != IGNORED)
    return found[sure], match[sure] == FOUND


def _joined(images: Sequence[dict[str, Any]], number: int) -> tuple[Floats, NDArray[np.int8], int]:
    """Scores and matches of a class over all images, the surest first, and the number of its truths."""
    held = [image["classes"][number] for image in images if number in image["classes"]]
    scores = np.concatenate([one[0] for one in held]) if held else np.zeros(0)
    match = np.concatenate([one[1] for one in held], axis=1) if held else np.zeros((len(OVERLAPS), 0), np.int8)
    order = np.argsort(-scores, kind="mergesort")
    return scores[order], match[:, order], sum(one[2] for one in held)


def best_threshold(images: Sequence[dict[str, Any]]) -> float:
    """The score from which on boxes are shown: that of the best F1 at an overlap of 0.5, over all classes."""
    held = [one for image in images for one in image["classes"].values()]
    support = sum(one[2] for one in held)
    scores = np.concatenate([one[0] for one in held]) if held else np.zeros(0)
    match = np.concatenate([one[1][0] for one in held]) if held else np.zeros(0, np.int8)
    scores, match = scores[match != IGNORED], match[match != IGNORED]
    if not support or not (match == FOUND).any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(match[order] == FOUND)
    return float(scores[order][np.argmax(2 * right / (support + np.arange(1, len(right) + 1)))])


def log_odds_line(images: Sequence[dict[str, Any]], offset: float | None) -> tuple[float, float]:
    """(temperature, offset): scores s, as the sigmoid of (log-odds of s + offset) / temperature, come nearest to the
    share of right boxes, by least negative log-likelihood (Platt 1999). An offset that is given stays.

    Over boxes of at least 1 %: the thousands below would decide it alone. A weak pull towards (1, 0), worth about two
    examples, as that of `best_temperature`.
    """
    found, right = _certain(images)
    if not len(found):
        return 1.0, offset or 0.0

    def nll(value: float, moved: float = 0.0) -> float:
        p = np.clip(warmed(found, value, moved), 1e-7, 1 - 1e-7)
        return float(-np.log(np.where(right, p, 1 - p)).sum())

    if offset is not None:
        return best_temperature(nll), offset
    slope, level = _logistic(_log_odds(found), right.astype(np.float64))
    if not 0.05 < slope < 20:
        return best_temperature(nll), 0.0
    return 1 / slope, level / slope


def _logistic(x: Floats, y: Floats, pull: float = 2.0) -> tuple[float, float]:
    """(a, b) of the sigmoid a x + b with the greatest likelihood of y, by Newton's method, pulled towards (1, 0)."""
    design, middle = np.stack([x, np.ones_like(x)], axis=1), np.array([1.0, 0.0])
    at = middle.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ at, -30, 30)))
        slope = design.T @ (p - y) + pull * (at - middle)
        step = np.linalg.solve((design.T * (p * (1 - p))) @ design + pull * np.eye(2), slope)
        at = at - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
    return float(at[0]), float(at[1])


def warmed(found: Floats, value: float, offset: float = 0.0) -> Floats:
    """Scores as a temperature and an offset make them: the sigmoid of (their log-odds + offset) / value."""
    return 1 / (1 + np.exp(-(_log_odds(found) + offset) / value))


def _log_odds(found: Floats) -> Floats:
    p = np.clip(found, 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p))
