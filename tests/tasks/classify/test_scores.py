"""The scores of a classifier, with scikit-learn as the judge."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from sightline.core.confidence import expected_calibration_error
from sightline.core.spec import Input, Spec
from sightline.core.statistics import percentiles
from sightline.core.task import Comparison
from sightline.tasks.classify.scores import intervals, summarize, uncalibrated, with_temperature
from sightline.tasks.classify.task import Classify

SPEC = Spec("classify", "cnn", ("a", "b"), {"image": Input("uint8", (8, 8, 1))}, (0.0,), (1.0,))


def softmax(logits: np.ndarray) -> np.ndarray:
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def some(count: int, classes: int, seed: int, absent: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Truth (without the absent classes) and probabilities that lean towards it."""
    random = np.random.default_rng(seed)
    present = [c for c in range(classes) if c not in absent]
    truth = random.choice(present, count)
    logits = random.normal(size=(count, classes)) + 1.5 * np.eye(classes)[truth]
    return truth, softmax(logits).astype(np.float32)


CASES = [(200, 3, ()), (50, 10, ()), (300, 12, (0, 7)), (40, 6, (5,)), (7, 2, (1,)), (1, 4, (1, 2, 3))]


@pytest.mark.parametrize(("count", "classes", "absent"), CASES)
def test_scores_are_those_of_scikit_learn(count: int, classes: int, absent: tuple[int, ...]) -> None:
    truth, probabilities = some(count, classes, 5, absent)
    guess = probabilities.argmax(axis=1)
    ours = summarize(truth, probabilities, tuple(map(str, range(classes))))
    labels = list(range(classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = metrics.precision_recall_fscore_support(truth, guess, labels=labels, zero_division=0)
        expected = {
            "accuracy": metrics.accuracy_score(truth, guess),
            "macro_f1": metrics.f1_score(truth, guess, average="macro", zero_division=0),
            "nll": metrics.log_loss(truth, probabilities, labels=labels),
        }
        if classes > 5:
            expected["top5"] = metrics.top_k_accuracy_score(truth, probabilities, k=5, labels=labels)
    assert {name: ours.metrics[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert set(ours.metrics) == {*expected, "ece"}
    for place, column in enumerate(("precision", "recall", "f1", "support")):
        assert [row[column] for row in ours.per_class] == pytest.approx(table[place].tolist(), abs=1e-6)
    assert ours.confusion == metrics.confusion_matrix(truth, guess, labels=labels).tolist()


@pytest.mark.parametrize(("count", "classes", "absent"), CASES)
def test_every_metric_and_every_class_has_an_interval_around_it(
    count: int, classes: int, absent: tuple[int, ...]
) -> None:
    truth, probabilities = some(count, classes, 5, absent)
    ours = summarize(truth, probabilities, tuple(map(str, range(classes))), temperature=1.4)
    found = intervals(truth, probabilities, temperature=1.4)
    assert set(found) == (set(ours.metrics) if count > 1 else {"accuracy"})
    for name, (low, high) in found.items():
        assert 0 <= low <= ours.metrics[name] <= high, name
    for row in ours.per_class:
        for name in ("precision", "recall", "f1"):
            low, high = row[f"{name}_ci"]
            assert 0 <= low <= row[name] <= high <= 1
    recall = stats.binomtest(int(ours.confusion[1][1]), max(1, ours.per_class[1]["support"])).proportion_ci(
        method="wilson"
    )
    if ours.per_class[1]["support"]:
        assert ours.per_class[1]["recall_ci"] == pytest.approx([recall.low, recall.high], abs=1e-6)


def test_the_intervals_agree_with_those_of_scipy() -> None:
    truth, probabilities = some(300, 4, 9)
    right = probabilities.argmax(axis=1) == truth
    found = intervals(truth, probabilities)
    accuracy = stats.binomtest(int(right.sum()), 300).proportion_ci(method="wilson")
    assert found["accuracy"] == pytest.approx([accuracy.low, accuracy.high])

    def macro_f1(rows: np.ndarray) -> float:
        true, guess = truth[rows], probabilities.argmax(axis=1)[rows]
        return float(
            np.mean(
                [2 * ((true == c) & (guess == c)).sum() / ((true == c).sum() + (guess == c).sum()) for c in range(4)]
            )
        )

    expected = stats.bootstrap((np.arange(300),), macro_f1, n_resamples=1500, vectorized=False, rng=2)
    low, high = expected.confidence_interval
    assert found["macro_f1"] == pytest.approx([low, high], abs=0.12 * (high - low))

    def ece(rows: np.ndarray) -> float:
        return expected_calibration_error(probabilities.max(axis=1)[rows], right[rows])

    draws = np.random.default_rng(0).integers(0, 300, (1500, 300))
    samples = np.array([ece(rows) for rows in draws])
    assert found["ece"] == pytest.approx(percentiles(samples, ece(np.arange(300))), abs=0.01)


def test_the_calibration_error_before_calibration_is_that_of_temperature_1() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(size=(300, 5)) * 3
    truth = random.integers(0, 5, 300)
    before, after = softmax(logits), softmax(logits / 2.5).astype(np.float32)
    assert uncalibrated(after, 2.5) == pytest.approx(before, abs=1e-5)
    names = tuple("abcde")
    ours = summarize(truth, after, names, temperature=2.5).metrics
    assert ours["ece_uncalibrated"] == pytest.approx(summarize(truth, before, names).metrics["ece"], abs=1e-5)
    assert ours["ece"] == pytest.approx(summarize(truth, after, names).metrics["ece"])


def test_a_target_that_the_model_does_not_know_counts_as_wrong() -> None:
    truth, probabilities = some(60, 3, 1)
    unknown = np.where(np.arange(60) < 20, -1, truth)
    ours = summarize(unknown, probabilities, ("a", "b", "c"))
    right = (probabilities.argmax(axis=1) == unknown).sum()
    assert ours.metrics["accuracy"] == pytest.approx(right / 60)
    assert sum(map(sum, ours.confusion)) == 40 == sum(row["support"] for row in ours.per_class)
    low, high = intervals(unknown, probabilities)["macro_f1"]
    assert low < ours.metrics["macro_f1"] < high < summarize(truth, probabilities, ("a", "b", "c")).metrics["macro_f1"]


def simple_ece(confidence: np.ndarray, right: np.ndarray) -> float:
    """Guo et al. 2017, eq. 3, as it is written: bin m holds ((m - 1) / 15, m / 15]."""
    total = 0.0
    for m in range(1, 16):
        chosen = [i for i, c in enumerate(confidence) if (m - 1) / 15 < c <= m / 15]
        if chosen:
            accuracy = sum(bool(right[i]) for i in chosen) / len(chosen)
            total += len(chosen) / len(confidence) * abs(accuracy - sum(confidence[i] for i in chosen) / len(chosen))
    return total


@pytest.mark.parametrize("seed", range(4))
def test_the_calibration_error_is_that_of_a_simple_implementation(seed: int) -> None:
    truth, probabilities = some(500, 4, seed)
    confidence, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == truth
    assert expected_calibration_error(confidence, right) == pytest.approx(simple_ece(confidence, right), abs=1e-9)


def test_the_calibration_error_of_what_is_known_by_hand() -> None:
    assert expected_calibration_error(np.array([0.9, 0.9]), np.array([True, False])) == pytest.approx(0.4)
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == pytest.approx(0.0)
    assert expected_calibration_error(np.array([1.0]), np.array([False])) == pytest.approx(1.0)
    # 0.2 is the upper end of the third bin, so these two share one and their gaps cancel in part.
    assert expected_calibration_error(np.array([0.2, 0.19]), np.array([True, False])) == pytest.approx(0.305)


@pytest.mark.parametrize("temperature", [0.3, 0.7, 1.0, 1.8, 4.0])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 5)) * 2
    true = softmax(logits)
    truth = (true.cumsum(axis=1) > random.uniform(size=(len(true), 1))).argmax(axis=1)
    overconfident = softmax(logits * temperature)
    spec = with_temperature(overconfident.astype(np.float32), truth, SPEC)
    assert spec.temperature == pytest.approx(temperature, rel=0.05)
    assert {**spec.to_json(), "temperature": 1.0} == SPEC.to_json()


@pytest.mark.parametrize(
    "probabilities", [np.array([[1, 0], [0, 1]]), np.array([[0, 1], [1, 0]]), np.full((2, 2), 0.5)]
)
def test_a_tiny_val_part_does_not_drive_the_temperature_to_an_extreme(probabilities: np.ndarray) -> None:
    found = with_temperature(probabilities.astype(np.float32), np.array([0, 1]), SPEC).temperature
    assert 0.05 < found <= 20 and np.isfinite(found)


def test_calibration_lowers_the_calibration_error_of_an_overconfident_model() -> None:
    truth, probabilities = some(4000, 4, 2)
    sharp = softmax(np.log(probabilities.astype(np.float64)) * 4)
    task = Classify()
    spec = Spec("classify", "cnn", tuple("abcd"), SPEC.inputs, (0.0,), (1.0,))
    fitted = task.calibrate([{"probabilities": row} for row in sharp], ["abcd"[t] for t in truth], spec)
    after = softmax(np.log(np.maximum(sharp, 1e-30)) / fitted.temperature)
    before_error = summarize(truth, sharp, spec.classes).metrics["ece"]
    assert summarize(truth, after, spec.classes).metrics["ece"] < before_error / 3


def test_a_comparison_ranks_the_confidently_wrong_first() -> None:
    task = Classify()

    def comparison(probability: float, target: str) -> Comparison:
        values = np.array([probability, 1 - probability], np.float32)
        return task.compare(task.postprocess({"probabilities": values}, (8, 8), SPEC), target, SPEC)

    errors = [
        comparison(0.9, "b").error,
        comparison(0.6, "b").error,
        comparison(0.6, "a").error,
        comparison(0.9, "a").error,
    ]
    assert errors == sorted(errors, reverse=True)
    assert comparison(1.0, "b").error < 100 and comparison(0.3, "elsewhere").counts["truth"] == -1
