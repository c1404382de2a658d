"""The result in words: each sentence stands there when the figures bear it out, and only then."""

from __future__ import annotations

import re
from typing import Any

import pytest
from report_facts import card, facts, scores

from sightline.report import summary
from sightline.report.facts import Found
from sightline.report.words import Words

EN = Words("en")


def text(parts: list[Any]) -> str:
    return re.sub(r"<[^>]+>", "", " | ".join(parts))


def changed(**values: Any) -> dict[str, Any]:
    return {**scores(), **values}


def test_what_it_can_do_stands_beside_chance() -> None:
    said = text(summary.can_do(facts(), EN))
    assert "right answer for 80.0%" in said and "commonest class would be right for 33.3%" in said


def test_the_weakest_classes_and_the_commonest_confusions_are_named() -> None:
    found = scores()
    found["per_class"][1]["recall"] = 0.4
    found["confusion"] = [[80, 20, 0], [0, 40, 60], [1, 0, 99]]
    said = text(summary.fails(facts(scores=found), EN))
    assert re.search(r"Overlooks most, by the share found: dog \(40.0%\)", said)
    assert said.index("Takes dog for bird: 60 of 100") < said.index("Takes cat for dog: 20 of 100")


def test_a_class_that_is_not_seen_in_print_is_named() -> None:
    found = scores()
    found["per_class"][1] |= {"class": " ", "recall": 0.4}
    said = text([*summary.fails(facts(scores=found), EN), *summary.next_steps(facts(scores=found), EN)])
    assert "&lt;space&gt; (40.0%)" in said and "Add training images of &lt;space&gt;" in said


def test_a_faultless_test_asks_for_more_images() -> None:
    found = changed(confusion=[[100, 0, 0], [0, 100, 0], [0, 0, 100]])
    for row in found["per_class"]:
        row["recall"] = 1.0
    assert "No mistake on 300 images" in text(summary.fails(facts(scores=found), EN))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"part": "val"}, "There is no test part"),
        ({"part": "train"}, "has learned these very images"),
        ({"count": 50}, "no more than 50 images"),
        ({"scores": {**scores(), "overlap": 7}}, "trained on 7 images of these"),
        ({"card": {**card(), "interrupted": True}}, "stopped before its end"),
        ({"findings": (Found("leak", "warning", "", (), 3),)}, "The same images stand in more than one part"),
        ({"findings": (Found("near_leak", "warning", "", (), 3),)}, "Nearly the same images stand in more than one"),
    ],
)
def test_every_reason_for_doubt_is_told(changes: dict[str, Any], words: str) -> None:
    sound = facts(findings=())
    assert "The figures are sound." in text(summary.trust(sound, EN))
    said = text(summary.trust(facts(**{"findings": (), **changes}), EN))
    assert "Read the figures with care." in said and words in said


@pytest.mark.parametrize(("ece", "word"), [(0.01, "Believe"), (0.05, "hint"), (0.2, "Do not believe")])
def test_its_certainty_is_judged_by_the_calibration_error(ece: float, word: str) -> None:
    found = changed(metrics={**scores()["metrics"], "ece": ece})
    assert word in text(summary.trust(facts(scores=found), EN))


def test_risk_is_read_off_between_the_points_of_the_curve() -> None:
    curve = {"coverage": [0.5, 1.0], "risk": [0.0, 0.2]}
    assert summary.risk_at(curve, 0.8) == pytest.approx(0.12)
    assert summary.risk_at(curve, 1.0) == 0.2


def test_the_threshold_is_the_lowest_edge_above_which_98_of_100_are_right() -> None:
    curve = {"confidence": [0.5, 0.83, 0.97], "accuracy": [0.2, 0.97, 0.995], "count": [100, 100, 300]}
    # Both upper bins together: (97 + 298.5) / 400 = 98.9 %; the bin of 0.5 ends at 8 / 15.
    assert summary.threshold(curve) == pytest.approx((8 / 15, 0.98875, 0.8))
    assert summary.threshold({**curve, "accuracy": [1.0, 1.0, 1.0]}) is None, "nothing need be left out"
    assert summary.threshold({**curve, "accuracy": [0.1, 0.2, 0.3]}) is None, "nothing is good enough"


def test_the_next_steps_follow_from_what_was_found() -> None:
    found = (Found("leak", "warning", "", (), 1), Found("conflicting_labels", "warning", "", (), 1))
    said = text(summary.next_steps(facts(findings=found, data="my pets"), EN))
    assert "sightline check &#x27;my pets&#x27; --report" in said and "--labels" in said
    assert "Add training images of bird, cat, dog" in said
    assert "--min-confidence 0.73" in said
    assert "Keep some images" in text(summary.next_steps(facts(part="val"), EN))


@pytest.mark.parametrize(
    ("confusion", "accuracy", "use"),
    [
        ([[50, 50], [150, 50]], 0.333, False),  # 200 of 300 are the second
        ([[0, 100], [0, 200]], 0.667, False),
        ([[90, 10], [20, 180]], 0.9, True),
        ([[100, 0], [0, 0]], 1.0, True),  # one class alone: nothing to beat
    ],
)
def test_a_model_no_better_than_the_commonest_class_is_not_recommended(
    confusion: list[list[int]], accuracy: float, use: bool
) -> None:
    correct = sum(row[place] for place, row in enumerate(confusion)) / sum(map(sum, confusion))
    assert correct == pytest.approx(accuracy, abs=1e-3)
    rows = [{"class": name, "recall": 0.5, "support": sum(row)} for name, row in zip("ab", confusion, strict=True)]
    found = changed(confusion=confusion, per_class=rows, metrics={"accuracy": correct})
    judged = facts(("a", "b"), scores=found, findings=())
    assert ("sightline predict" in text(summary.next_steps(judged, EN))) is use
    assert ("Do not use it as it is" in text(summary.next_steps(judged, EN))) is not use
    assert ("it does no better than that" in text(summary.can_do(judged, EN))) is not use
    assert ("现在不要使用它" in text(summary.next_steps(judged, Words("zh")))) is not use


def test_a_training_that_still_rose_should_be_longer() -> None:
    assert "Train longer" in text(summary.next_steps(facts(), EN))
    flat = [{"epoch": n, "loss": 1.0, "val_accuracy": 0.8} for n in range(1, 9)]
    assert "Train longer" not in text(summary.next_steps(facts(card={**card(), "history": flat}), EN))


def test_a_task_without_classes_or_calibration_is_told_without_them() -> None:
    only = {"metrics": {"r2": 0.91, "mae": 1.2}}
    number = facts(scores=only, metric="r2", findings=(), card={}, classes={})
    said = text(summary.can_do(number, EN) + summary.fails(number, EN) + summary.trust(number, EN))
    assert "0.910" in said and "None" not in said and "class" not in said
