"""Average precision against COCO's own judge, and by hand."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from sightline.core.boxes import Boxes
from sightline.core.geometry import overlaps
from sightline.tasks.detect import scores
from sightline.tasks.detect.geometry import suppressed
from sightline.tasks.detect.prediction import BoxesPrediction

NAMES = ("a", "b", "c")


def made(seed: int) -> tuple[list[Boxes], list[BoxesPrediction]]:
    """Twelve images: truths, some of them hard, and noisy boxes of three classes."""
    random = np.random.default_rng(seed)
    truths: list[Boxes] = []
    found: list[BoxesPrediction] = []
    for _ in range(12):
        count = int(random.integers(0, 7))
        low = random.uniform(0, 200, (count, 2))
        corners = np.concatenate([low, low + random.uniform(20, 90, (count, 2))], 1)
        labels = random.integers(0, 3, count)
        truths.append(Boxes(corners, tuple(NAMES[i] for i in labels), random.random(count) < 0.2))
        extra = np.concatenate([low, low + random.uniform(20, 90, (count, 2))], 1)
        guesses = np.concatenate([corners + random.normal(0, 4, corners.shape), extra])
        guesses[:, 2:] = np.maximum(guesses[:, 2:], guesses[:, :2] + 1)
        sure = np.sort(random.uniform(0, 1, len(guesses)))[::-1]
        order = random.permutation(len(guesses))
        names = np.where(random.random(len(guesses)) < 0.85, np.tile(labels, 2), random.integers(0, 3, len(guesses)))
        rows = np.arange(len(guesses))
        found.append(BoxesPrediction(guesses[order], names[order], sure.copy(), rows, NAMES, 0.5))
    return truths, found


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    judge = pytest.importorskip("pycocotools.cocoeval")
    truths, found = made(seed)
    annotations = []
    for image, boxes in enumerate(truths, 1):
        for label, corners, hard in zip(boxes.labels, boxes.corners, boxes.hard, strict=True):
            box = [*corners[:2], *(corners[2:] - corners[:2])]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": NAMES.index(label) + 1,
                 "bbox": box, "area": box[2] * box[3], "iscrowd": int(hard)}
            )  # fmt: skip
    results = [
        {"image_id": image, "category_id": int(label) + 1, "score": float(score), "bbox": [*c[:2], *(c[2:] - c[:2])]}
        for image, one in enumerate(found, 1)
        for label, score, c in zip(one.labels, one.scores, one.corners, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": i} for i in range(1, len(truths) + 1)], "annotations": annotations,
            "categories": [{"id": i + 1, "name": name} for i, name in enumerate(NAMES)],
        }  # fmt: skip
        truth.createIndex()
        evaluation = judge.COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    counts = [scores.counts(one, boxes, NAMES) for one, boxes in zip(found, truths, strict=True)]
    ours, _ = scores.metrics(counts, len(NAMES))
    theirs = dict(zip(("map50_95", "map50", "map75"), evaluation.stats[:3], strict=True)) | {"ar": evaluation.stats[8]}
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-6), name


def test_suppression_keeps_the_surest_of_each_class() -> None:
    corners = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [20, 20, 30, 30]], np.float64)
    assert suppressed(corners, np.array([0, 0, 1, 0]), 0.5).tolist() == [0, 2, 3]
    assert suppressed(np.zeros((0, 4)), np.zeros(0, np.int64), 0.5).tolist() == []


def test_overlap_by_hand() -> None:
    first, second = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 1, 3, 3], [5, 5, 6, 6], [0, 0, 2, 2]])
    np.testing.assert_allclose(overlaps(first, second), [[1 / 7, 0, 1]])


def test_the_threshold_is_that_of_the_best_f1() -> None:
    truth = Boxes(np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]]), ("a", "a"))
    corners = np.array([[0, 0, 10, 10], [20, 20, 30, 30], [50, 50, 60, 60]], np.float64)
    one = BoxesPrediction(corners, np.zeros(3, np.int64), np.array([0.9, 0.6, 0.4]), np.arange(3), NAMES, 0.5)
    assert scores.best_threshold([scores.counts(one, truth, NAMES)]) == 0.6


def test_confusion_knows_the_background_and_sizes_are_counted() -> None:
    truth = Boxes(np.array([[0.0, 0, 10, 10], [20, 20, 60, 60], [100, 0, 110, 10], [0, 100, 10, 110]]), tuple("aabc"))
    corners = np.array([[0, 0, 10, 10], [20, 20, 60, 58], [200, 200, 210, 210], [100, 0, 110, 10]], np.float64)
    one = BoxesPrediction(
        corners, np.array([0, 1, 2, 1]), np.array([0.9, 0.8, 0.7, 0.1]), np.arange(4), NAMES, 0.5
    )  # fmt: skip
    found = scores.counts(one, truth, NAMES)
    assert found["confused"].tolist() == [[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0]]
    assert found["sizes"].tolist() == [[3, 1], [1, 0], [0, 0]]
    curves = scores.curves([found], NAMES)
    assert curves["by_size"] == {"size": ["small", "medium"], "boxes": [3, 1], "found": [0.333333, 0.0]}
    assert curves["pr"]["a"] == {"recall": [0.5], "precision": [1.0]}


def test_a_hard_truth_is_neither_missed_nor_wrong() -> None:
    truth = Boxes(np.array([[0.0, 0, 10, 10]]), ("a",), np.array([True]))
    one = BoxesPrediction(truth.corners, np.zeros(1, np.int64), np.array([0.9]), np.arange(1), NAMES, 0.5)
    found = scores.counts(one, truth, NAMES)
    assert not found["confused"].any() and not found["sizes"].any()
