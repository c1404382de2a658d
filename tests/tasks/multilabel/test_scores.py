"""The scores of several labels an image, with scikit-learn as the judge."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics

from sightline.core.spec import Input, Spec
from sightline.tasks.multilabel import scores
from sightline.tasks.multilabel.scores import Answers, average_precision, best_threshold, calibrate, summarize
from sightline.tasks.multilabel.task import Multilabel


def spec(classes: int, thresholds: list[float] | None = None, temperature: float = 1.0) -> Spec:
    extra = {"thresholds": thresholds} if thresholds else {}
    names = tuple(f"c{i}" for i in range(classes))
    image = {"image": Input("uint8", (8, 8, 1))}
    return Spec("multilabel", "cnn", names, image, (0.0,), (1.0,), temperature=temperature, extra=extra)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def some(count: int, classes: int, seed: int, absent: tuple[int, ...] = (), ties: bool = False) -> Answers:
    """Answers that lean towards the truth, which lacks the absent classes."""
    random = np.random.default_rng(seed)
    truth = random.uniform(size=(count, classes)) < random.uniform(0.05, 0.6, classes)
    truth[:, list(absent)] = False
    found = sigmoid(random.normal(size=(count, classes)) + 2 * truth - 1).astype(np.float32)
    return Answers(truth, found.round(1) if ties else found, np.zeros(count, np.int64))


CASES = [(200, 3, (), False), (60, 12, (0, 7), False), (300, 5, (), True), (7, 4, (1,), True), (1, 3, (1, 2), False)]


@pytest.mark.parametrize(("count", "classes", "absent", "ties"), CASES)
def test_scores_are_those_of_scikit_learn(count: int, classes: int, absent: tuple[int, ...], ties: bool) -> None:
    answers = some(count, classes, 3, absent, ties)
    thresholds = np.random.default_rng(1).uniform(0.2, 0.8, classes).tolist()
    ours = summarize(answers, spec(classes, thresholds))
    truth, guess = answers.truth, answers.probabilities >= np.array(thresholds)
    there = [i for i in range(classes) if truth[:, i].any()]
    named = [i for i in range(classes) if truth[:, i].any() or guess[:, i].any()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = metrics.precision_recall_fscore_support(truth, guess, zero_division=0)
        precisions = [metrics.average_precision_score(truth[:, i], answers.probabilities[:, i]) for i in there]
        expected = {
            "map": np.mean(precisions) if there else 0.0,
            "macro_f1": metrics.f1_score(truth, guess, average="macro", labels=named, zero_division=0) if named else 0,
            "micro_f1": metrics.f1_score(truth, guess, average="micro", zero_division=1),
            "exact": metrics.accuracy_score(truth, guess),
        }
    assert {name: ours.metrics[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    for place, column in enumerate(("precision", "recall", "f1", "support")):
        assert [row[column] for row in ours.per_class] == pytest.approx(table[place].tolist(), abs=1e-6)
    assert [ours.per_class[i]["ap"] for i in there] == pytest.approx(precisions, abs=1e-6)
    assert all(row["ap"] is None for i, row in enumerate(ours.per_class) if i not in there)
    assert [row["threshold"] for row in ours.per_class] == pytest.approx(thresholds, abs=1e-6)
    assert list(ours.curves["pr"]) == [f"c{i}" for i in there]


def test_average_precision_of_what_is_known_by_hand() -> None:
    assert average_precision(np.array([True, False]), np.array([0.9, 0.1])) == 1.0
    assert average_precision(np.array([True, False]), np.array([0.1, 0.9])) == 0.5
    # Equal scores are taken together: 2 of 4, whatever the order in which they stand.
    assert average_precision(np.array([True, False, True, False]), np.full(4, 0.5)) == 0.5
    assert average_precision(np.zeros(3, bool), np.ones(3)) is None


def test_the_calibration_error_is_taken_over_all_pairs() -> None:
    """Each yes and no is given with 90 %, and three of four are right."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1]])
    answers = Answers(np.array([[True, False], [False, False]]), probabilities, np.zeros(2, np.int64))
    found = summarize(answers, spec(2))
    assert found.metrics["ece"] == pytest.approx(0.15)
    assert found.curves["reliability"] == {"confidence": [0.9], "accuracy": [0.75], "count": [4], "unit": "labels"}
    assert found.curves["risk_coverage"]["risk"][-1] == 0.5, "one of two images has all labels right"


def test_a_label_that_the_model_does_not_know_is_missed() -> None:
    answers = some(50, 3, 0)
    before = summarize(answers, spec(3))
    after = summarize(Answers(answers.truth, answers.probabilities, np.ones(50, np.int64)), spec(3))
    assert after.metrics["exact"] == 0 < before.metrics["exact"]
    assert after.metrics["micro_f1"] < before.metrics["micro_f1"]
    assert after.metrics["map"] == before.metrics["map"]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(8000, 3)) * 2
    truth = random.uniform(size=logits.shape) < sigmoid(logits)
    fitted = calibrate(truth, sigmoid(logits * temperature).astype(np.float32), spec(3))
    assert fitted.temperature == pytest.approx(temperature, rel=0.05)


def test_thresholds_are_those_of_best_f1_on_val() -> None:
    answers = some(400, 4, 9)
    fitted = calibrate(answers.truth, answers.probabilities, spec(4))
    calibrated = scores.at_temperature(answers.probabilities, fitted.temperature)
    for i, threshold in enumerate(fitted.extra["thresholds"]):
        best = max(metrics.f1_score(answers.truth[:, i], calibrated[:, i] >= cut) for cut in calibrated[:, i])
        assert metrics.f1_score(answers.truth[:, i], calibrated[:, i] >= threshold) == pytest.approx(best)


def test_a_class_with_few_positives_takes_the_threshold_of_all_classes_together() -> None:
    answers = some(400, 4, 9)
    answers.truth[:, 2] = False
    answers.truth[:4, 2] = True
    answers.truth[:, 3] = True
    fitted = calibrate(answers.truth, answers.probabilities, spec(4))
    calibrated = scores.at_temperature(answers.probabilities, fitted.temperature)
    common = best_threshold(answers.truth.ravel(), calibrated.ravel())
    assert fitted.extra["thresholds"][2:] == pytest.approx([common, common], abs=1e-6)
    assert fitted.extra["thresholds"][0] != fitted.extra["thresholds"][2]


def test_without_any_positives_the_threshold_is_one_half() -> None:
    fitted = calibrate(np.zeros((30, 2), bool), np.full((30, 2), 0.2, np.float32), spec(2))
    assert fitted.extra["thresholds"] == [0.5, 0.5]


def test_of_equally_good_thresholds_the_one_nearest_to_one_half_is_taken() -> None:
    truth = np.array([True] * 6 + [False] * 6)
    assert best_threshold(truth, np.array([0.9] * 6 + [0.1] * 6)) == pytest.approx(0.5)
    assert best_threshold(truth, np.array([0.3] * 6 + [0.1] * 6)) == pytest.approx(0.2)


def test_calibration_lowers_the_calibration_error() -> None:
    random = np.random.default_rng(5)
    logits = random.normal(size=(4000, 3)) * 2
    answers = Answers(random.uniform(size=logits.shape) < sigmoid(logits), sigmoid(logits), np.zeros(4000, np.int64))
    sharp = sigmoid(logits * 3)
    fitted = calibrate(answers.truth, sharp, spec(3))
    after = Answers(answers.truth, scores.at_temperature(sharp, fitted.temperature), answers.unknown)
    found = summarize(after, fitted).metrics
    before = summarize(Answers(answers.truth, sharp, answers.unknown), spec(3)).metrics["ece"]
    assert found["ece"] < before / 2 and found["ece_uncalibrated"] == pytest.approx(before, abs=1e-3)


def test_the_intervals_are_those_of_a_plain_bootstrap() -> None:
    answers = some(150, 3, 4)
    ours = scores.intervals(answers, spec(3))
    random = np.random.default_rng(2)
    drawn = []
    for _ in range(600):
        rows = random.integers(0, 150, 150)
        one = Answers(answers.truth[rows], answers.probabilities[rows], answers.unknown[rows])
        drawn.append(summarize(one, spec(3)).metrics)
    for name in ("map", "macro_f1", "micro_f1"):
        low, high = np.quantile([row[name] for row in drawn], (0.025, 0.975))
        assert ours[name] == pytest.approx([low, high], abs=0.02)
    assert set(ours) == {"map", "macro_f1", "micro_f1", "exact", "ece"}


def test_a_comparison_ranks_the_confidently_wrong_first() -> None:
    task, two = Multilabel(), spec(2)

    def error(probabilities: list[float], target: str) -> float:
        found = task.postprocess({"probabilities": np.array(probabilities, np.float32)}, (8, 8), two)
        return task.compare(found, target, two).error

    errors = [error([0.01, 0.99], "c0"), error([0.4, 0.6], "c0"), error([0.6, 0.4], "c0"), error([0.99, 0.01], "c0")]
    assert errors == sorted(errors, reverse=True)
    assert error([0.99, 0.01], "c0;elsewhere") > errors[0] and error([0.01, 0.01], "") < 0.1
