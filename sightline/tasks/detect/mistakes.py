"""What a detector confuses, with the background too, and which sizes it misses: at its own threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.boxes import Boxes
from sightline.core.geometry import areas, overlaps
from sightline.tasks.detect.prediction import BoxesPrediction

OVERLAP = 0.5
SIZES = (0, 32**2, 96**2)
"""Least areas in px² of small, medium and large boxes, as COCO has them."""


def confusion(
    prediction: BoxesPrediction, truth: Boxes, held: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(classes + 1, classes + 1) rows: truth, columns: answer, the last of each for nothing; and (3, 2): how many
    truths of each size there are, and how many of them were found as what they are.

    held: (k,) the class number of each truth, -1 for a class that the model does not have. Pairs overlap by a half at
    least; those that overlap most come first, each box once, whatever their classes. Hard truths excuse, and count not.
    """
    count = len(prediction.names)
    table, sizes = np.zeros((count + 1, count + 1), np.int64), np.zeros((3, 2), np.int64)
    corners, labels = prediction.corners[: prediction.shown()], prediction.labels[: prediction.shown()]
    answers, truths = _pairs(overlaps(corners, truth.corners))
    excused = truth.hard | (held < 0)
    partner = np.full(len(truth), -1)
    partner[truths] = answers
    buckets = np.searchsorted(SIZES, areas(truth.corners), side="right") - 1
    for place in np.flatnonzero(~excused).tolist():
        answer = int(labels[partner[place]]) if partner[place] >= 0 else count
        table[held[place], answer] += 1
        sizes[buckets[place]] += (1, answer == held[place])
    for place in np.setdiff1d(np.arange(len(labels)), answers).tolist():
        table[count, labels[place]] += 1
    return table, sizes


def _pairs(iou: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the pairs, the largest overlap first, each row and column once."""
    rows, columns = np.nonzero(iou >= OVERLAP)
    order = np.argsort(-iou[rows, columns], kind="stable")
    seen: tuple[set[int], set[int]] = set(), set()
    kept: list[tuple[int, int]] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in seen[0] and column not in seen[1]:
            seen[0].add(row)
            seen[1].add(column)
            kept.append((row, column))
    found = np.array(kept, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def by_size(sizes: NDArray[np.int64]) -> dict[str, list[Any]]:
    """Names of the sizes that occur, boxes of each, and the share that was found."""
    some = np.flatnonzero(sizes[:, 0])
    return {
        "size": [("small", "medium", "large")[i] for i in some.tolist()],
        "boxes": sizes[some, 0].tolist(),
        "found": np.round(sizes[some, 1] / sizes[some, 0], 6).tolist(),
    }
