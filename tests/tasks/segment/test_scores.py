"""Scores of segmentation, held against plain sums over sets of pixels, and edges against true distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from sklearn import metrics

from sightline.tasks.segment import scores
from sightline.tasks.segment.boundary import boundary_counts, dilated, edges
from sightline.tasks.segment.targets import UNKNOWN


def pair(seed: int, classes: int = 4, shape: tuple[int, int] = (24, 31)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An answer, how sure it is, and a truth with some ignored pixels: blobs, not noise."""
    random = np.random.default_rng(seed)
    grow = np.ones((5, 5), np.uint8)
    truth = np.kron(random.integers(0, classes, (5, 7)), grow).astype(np.uint8)[: shape[0], : shape[1]]
    answer = np.where(random.random(truth.shape) < 0.2, random.integers(0, classes, truth.shape), truth)
    truth = np.where(random.random(truth.shape) < 0.1, 255, truth).astype(np.uint8)
    return answer.astype(np.uint8), random.integers(90, 256, truth.shape).astype(np.uint8), truth


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    pairs = [pair(10 * seed + i) for i in range(3)]
    counts = [scores.compared(*one, 4) for one in pairs]
    found = scores.summarize(counts, "abcd")
    truth = np.concatenate([t[t < 255] for _, _, t in pairs])
    answer = np.concatenate([a[t < 255] for a, _, t in pairs])
    assert found.metrics["pixel_accuracy"] == pytest.approx(metrics.accuracy_score(truth, answer))
    assert found.metrics["miou"] == pytest.approx(metrics.jaccard_score(truth, answer, average="macro"))
    assert found.metrics["dice"] == pytest.approx(metrics.f1_score(truth, answer, average="macro"))
    assert found.confusion == metrics.confusion_matrix(truth, answer).tolist()
    each = metrics.jaccard_score(truth, answer, average=None)
    assert [row["iou"] for row in found.per_class] == pytest.approx(each.tolist(), abs=1e-6)
    assert [row["support"] for row in found.per_class] == np.bincount(truth).tolist()


def test_a_class_that_is_nowhere_does_not_count_and_one_only_answered_counts_as_missed() -> None:
    truth, answer = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    answer[0] = 2
    sure = np.full((4, 4), 255, np.uint8)
    found = scores.summarize([scores.compared(answer, sure, truth, 5)], "abcde").metrics
    assert found["miou"] == pytest.approx((12 / 16 + 0) / 2)
    assert scores.error_of(scores.compared(answer, sure, truth, 5)["confusion"]) == pytest.approx(1 - 12 / 16)


def test_pixels_of_a_class_that_the_model_lacks_are_wrong() -> None:
    truth, answer = np.full((2, 4), UNKNOWN, np.uint8), np.zeros((2, 4), np.uint8)
    truth[0] = 0
    counts = scores.compared(answer, np.full((2, 4), 200, np.uint8), truth, 2)
    found = scores.summarize([counts], "ab").metrics
    assert found["pixel_accuracy"] == 0.5 and found["miou"] == 0.5
    assert scores.error_of(counts["confusion"]) == pytest.approx(1 - (0.5 + 0) / 2)


def test_ignored_pixels_count_for_nothing() -> None:
    truth, answer = np.full((3, 3), 255, np.uint8), np.zeros((3, 3), np.uint8)
    counts = scores.compared(answer, np.full((3, 3), 9, np.uint8), truth, 2)
    assert not counts["confusion"].any() and not counts["boundary"].any() and not counts["sure"].any()
    found = scores.summarize([counts], "ab")
    assert all(np.isfinite(value) for value in found.metrics.values()) and scores.error_of(counts["confusion"]) == 0


@pytest.mark.parametrize("radius", [0.0, 1.0, 1.5, 2.3, 4.5, 40.0])
def test_what_is_dilated_lies_within_the_radius(radius: float) -> None:
    bits = (np.random.default_rng(0).random((21, 33)) < 0.02).astype(np.uint16)
    distance = ndimage.distance_transform_edt(bits == 0)
    assert np.array_equal(dilated(bits, radius) > 0, distance <= radius)


def test_edges_have_a_neighbour_of_another_class() -> None:
    labels = np.array([[0, 0, 1], [0, 0, 1], [2, 255, 1]], np.uint8)
    found = edges(labels, 0, 3)
    assert [(found & bit > 0).astype(int).tolist() for bit in (1, 2, 4)] == [
        [[0, 1, 0], [1, 1, 0], [0, 0, 0]],
        [[0, 0, 1], [0, 0, 1], [0, 0, 0]],
        [[0, 0, 0], [0, 0, 0], [1, 0, 0]],
    ]


@pytest.mark.parametrize("classes", [3, 20, 40, 70])
def test_boundary_counts_are_those_of_true_distances(classes: int) -> None:
    random = np.random.default_rng(classes)
    cells = random.integers(0, classes, (6, 8)).astype(np.uint8)
    truth = np.kron(cells, np.ones((40, 40), np.uint8))
    answer = np.roll(truth, (3, 2), (0, 1))
    answer[:80, :80] = 1
    radius = 0.0075 * math.hypot(*truth.shape)
    counts = boundary_counts(answer, truth, classes)
    for number in range(classes):
        ours, theirs = (_edge(one, number) for one in (answer, truth))
        for place, (edge, other) in enumerate(((ours, theirs), (theirs, ours))):
            near = ndimage.distance_transform_edt(~other) <= radius if other.any() else np.zeros_like(other)
            assert counts[number, 2 * place : 2 * place + 2].tolist() == [(edge & near).sum(), edge.sum()]


def _edge(labels: np.ndarray, number: int) -> np.ndarray:
    inside = np.pad(labels, 1, mode="edge") == number
    whole = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    return inside[1:-1, 1:-1] & ~whole


def test_the_boundary_score_falls_with_the_distance_and_is_one_where_all_agrees() -> None:
    truth = np.zeros((200, 200), np.uint8)
    truth[60:140, 60:140] = 1
    sure = np.full(truth.shape, 255, np.uint8)

    def score(shift: int) -> float:
        counts = scores.compared(np.roll(truth, shift, 0), sure, truth, 2)
        return scores.summarize([counts], "ab").metrics["boundary_f"]

    assert score(0) == score(2) == 1.0 and 1 > score(4) > score(30)
    assert scores.summarize([scores.compared(1 - truth, sure, truth, 2)], "ab").metrics["boundary_f"] == 1.0


def test_large_images_are_looked_at_smaller() -> None:
    truth = np.zeros((1500, 1600), np.uint8)
    truth[400:, 700:] = 1
    counts = boundary_counts(truth, truth, 2)
    assert counts[0, 0] == counts[0, 1] == counts[0, 2] == counts[0, 3] > 500


def test_intervals_hold_the_estimates() -> None:
    counts = [scores.compared(*pair(i), 4) for i in range(12)]
    found, values = scores.intervals(counts, 4), scores.summarize(counts, "abcd").metrics
    assert set(found) == {"miou", "dice", "pixel_accuracy", "boundary_f"}
    assert all(low <= values[name] <= high and high - low < 0.2 for name, (low, high) in found.items())
    assert scores.intervals(counts[:1], 4) == {}


def test_calibration_error_is_the_gap_between_sureness_and_truth() -> None:
    truth, answer = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    answer[:2] = 1
    sure = np.full((10, 10), 255, np.uint8)
    found = scores.summarize([scores.compared(answer, sure, truth, 2)], "ab")
    assert found.metrics["ece"] == pytest.approx(0.2)
    assert found.curves["reliability"] == {"confidence": [1.0], "accuracy": [0.8], "count": [100], "unit": "pixels"}
