"""Scores of segmentation in numpy: overlap of regions, agreement of edges, how sure the pixels are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core import statistics
from sightline.core.confidence import BINS
from sightline.core.task import Scores
from sightline.data.masks import IGNORE, Labels
from sightline.tasks.segment.boundary import boundary_counts
from sightline.tasks.segment.prediction import strips
from sightline.tasks.segment.targets import UNKNOWN

Floats = NDArray[np.float64]
_BIN = np.clip(np.ceil(np.arange(256) / 255 * BINS).astype(np.int64) - 1, 0, BINS - 1)


def compared(answer: Labels, sureness: NDArray[np.uint8], truth: Labels, classes: int) -> dict[str, Any]:
    """Counts of one image that add up; all maps (height, width).

    confusion: (classes + 1, classes) pixels, rows the truth, the last row what the model has no class for.
    boundary: see `boundary_counts`. sure: (15, 3) pixels of each bin of confidence, the right ones, and the sum of
    their confidences.
    """
    confusion = np.zeros((classes + 1, classes), np.int64)
    pixels, hits = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for part in strips(truth.shape):  # the counters of all pixels at once would be many times the masks
        counted = truth[part] != IGNORE
        rows = np.where(truth[part] == UNKNOWN, np.uint8(classes), truth[part])[counted].astype(np.int64)
        columns, levels = answer[part][counted].astype(np.int64), sureness[part][counted]
        confusion += np.bincount(rows * classes + columns, minlength=confusion.size).reshape(-1, classes)
        pixels += np.bincount(levels, minlength=256)
        hits += np.bincount(levels[rows == columns], minlength=256)
    sure = np.stack(
        [np.bincount(_BIN, values, BINS) for values in (pixels, hits, pixels * np.arange(256) / 255)], axis=1
    )
    return {"confusion": confusion, "boundary": boundary_counts(answer, truth, classes), "sure": sure}


def error_of(confusion: NDArray[np.int64]) -> float:
    """1 - the mean IoU of the image over the classes of its truth; 0 where all of it is ignored."""
    classes = confusion.shape[1]
    hits, support = np.diagonal(confusion), confusion.sum(axis=1)
    union = support[:classes] + confusion.sum(axis=0) - hits
    overlap = np.append(hits / np.maximum(union, 1), 0.0)[support > 0]
    return float(1 - overlap.mean()) if len(overlap) else 0.0


def columns(counts: Sequence[Mapping[str, Any]], classes: int) -> Floats:
    """(n, 7 * classes + 1): of each image hits, support, answers and the four counts of edges of each class; and the
    pixels of unknown classes."""
    confusion = np.stack([one["confusion"] for one in counts]).astype(np.float64)
    parts = [
        np.diagonal(confusion[:, :classes], axis1=1, axis2=2),
        confusion[:, :classes].sum(axis=2),
        confusion.sum(axis=1),
        *np.moveaxis(np.stack([one["boundary"] for one in counts]).astype(np.float64), 2, 0),
        confusion[:, classes:].sum(axis=2),
    ]
    return np.concatenate(parts, axis=1)


def of_classes(total: Floats, classes: int) -> dict[str, Floats]:
    """From (…, 7 * classes + 1) sums: iou, dice, precision, recall, boundary_f, (…, classes) each; NaN for what is
    neither in the truth nor in the answers."""
    hits, support, guessed, near, ours, found, theirs = np.split(total[..., :-1], 7, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        close, covered = near / ours, found / theirs
        # Edges on one side only agree nowhere; edges on neither say nothing.
        edge = np.where(
            (ours + theirs > 0) & ((ours == 0) | (theirs == 0)), 0.0, 2 * close * covered / (close + covered)
        )
        edge = np.where((close == 0) & (covered == 0), 0.0, edge)
        return {
            "iou": hits / (support + guessed - hits),
            "dice": 2 * hits / (support + guessed),
            "precision": hits / guessed,
            "recall": hits / support,
            "boundary_f": edge,
        }


def metrics(total: Floats, classes: int) -> dict[str, Floats]:
    """From (…, 7 * classes + 1) sums over images: the means over the classes that are in the truth or the answers."""
    found = of_classes(total, classes)
    pixels = total[..., classes : 2 * classes].sum(axis=-1) + total[..., -1]
    return {
        "miou": _mean(found["iou"]),
        "dice": _mean(found["dice"]),
        "pixel_accuracy": total[..., :classes].sum(axis=-1) / np.maximum(pixels, 1),
        "boundary_f": _mean(found["boundary_f"]),
    }


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)


def summarize(counts: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Scores:
    """Metrics; a row a class; the confusion of pixels, and whether the pixels are as sure as they should be."""
    classes = len(names)
    total = columns(counts, classes).sum(axis=0)
    found = of_classes(total, classes)
    support = total[classes : 2 * classes]
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        row: dict[str, Any] = {"class": name}
        row |= {key: round(float(np.nan_to_num(values[place])), 6) for key, values in found.items()}
        rows.append(row | {"support": int(support[place])})
    confusion = np.sum([one["confusion"] for one in counts], axis=0)[:classes]
    sure = np.sum([one["sure"] for one in counts], axis=0)
    values = {name: float(value) for name, value in metrics(total, classes).items()}
    return Scores({**values, "ece": _ece(sure)}, rows, confusion.tolist(), {"reliability": _reliability(sure)})


def _ece(sure: Floats) -> float:
    """The mean gap between confidence and accuracy over all pixels, by 15 bins."""
    return float(np.abs(sure[:, 1] - sure[:, 2]).sum() / max(sure[:, 0].sum(), 1))


def _reliability(sure: Floats) -> dict[str, Any]:
    some = sure[:, 0] > 0
    pixels = sure[some, 0]
    return {
        "confidence": np.round(sure[some, 2] / pixels, 6).tolist(),
        "accuracy": np.round(sure[some, 1] / pixels, 6).tolist(),
        "count": pixels.astype(np.int64).tolist(),
        "unit": "pixels",
    }


def intervals(counts: Sequence[Mapping[str, Any]], classes: int) -> dict[str, list[float]]:
    """95 % intervals by resampling whole images: the pixels of one are no independent witnesses."""
    if len(counts) < 2:
        return {}
    table = columns(counts, classes)
    names = list(metrics(table[0], classes))

    def resampled(rows: NDArray[np.int64]) -> Floats:
        times = np.zeros((len(rows), len(table)))
        np.add.at(times, (np.arange(len(rows))[:, None], rows), 1.0)
        found = metrics(times @ table, classes)
        return np.stack([found[name] for name in names], axis=1)

    samples = statistics.bootstrap(resampled, len(table), statistics.resamples(len(table)))
    estimates = metrics(table.sum(axis=0), classes)
    return {
        name: statistics.percentiles(samples[:, place], float(estimates[name]), len(table))
        for place, name in enumerate(names)
    }
