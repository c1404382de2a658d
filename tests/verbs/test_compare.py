"""evaluate --compare: the same images, a paired test, and words that say no more than was shown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import Result, pictures, rezip, write_folder

import sightline
from sightline.core.task import Comparison, Scores
from sightline.run.bundle import open_bundle
from sightline.tasks.classify.task import Classify
from sightline.verbs.compare import words

Cli = Callable[..., Result]


def changed(bundle: Path, target: Path, **spec: object) -> Path:
    """A copy whose spec says something else."""

    def change(members: dict[str, bytes]) -> None:
        members["spec.json"] = json.dumps({**json.loads(members["spec.json"]), **spec}).encode()

    return rezip(bundle, target, change)


@pytest.fixture
def rotated(bundle: Path, here: Path) -> Path:
    """A bundle that takes every class for another."""
    classes = open_bundle(bundle).spec.classes
    return changed(bundle, here / "rotated.sightline", classes=[*classes[1:], classes[0]])


def test_a_bundle_is_as_good_as_itself(cli: Cli, bundle: Path, strangers: Path) -> None:
    found = cli("evaluate", bundle, strangers, "--compare", bundle, "--json").json["compare"]
    assert (found["difference"], found["p"], found["shown"], found["test"]) == (0, 1, False, "mcnemar")
    assert (found["only_this"], found["only_that"], found["n"]) == (0, 0, 12)
    assert found["this"] == found["that"] and found["interval"][0] < 0 < found["interval"][1]
    assert "no difference can be shown" in cli("evaluate", bundle, strangers, "--compare", bundle).out


def test_a_worse_bundle_is_said_to_be_worse(cli: Cli, bundle: Path, rotated: Path) -> None:
    data = write_folder(Path("data"), per_class=8, first=2000)
    found = cli("evaluate", bundle, data, "--compare", rotated, "--json").json
    other = cli("evaluate", rotated, data, "--json").json
    compared = found["compare"]
    assert compared["this"] == found["metrics"]["accuracy"] and compared["that"] == other["metrics"]["accuracy"]
    assert compared["difference"] == pytest.approx(compared["that"] - compared["this"]) and compared["shown"]
    assert compared["only_this"] > compared["only_that"] == 0 and compared["p"] < 0.001
    text = cli("evaluate", rotated, data, "--compare", bundle).out
    assert f"{bundle.stem} is better by" in text and "p < 0.001" in text and "points of accuracy" in text
    assert compared["names"] == [bundle.stem, "rotated"]


def test_the_other_bundles_own_training_images_are_counted(cli: Cli, bundle: Path, shapes: Path) -> None:
    done = cli("evaluate", bundle, shapes, "--split", "all", "--compare", bundle)
    assert done.out.count("30 of these images") == 2


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"classes": ["circle", "cross", "star"]}, "the other lacks square and adds star"),
        (
            {"task": "detect"},
            "only bundles of one task can be compared: this one is for classify, the other for detect",
        ),
    ],
)
def test_what_answers_another_question_is_refused(
    cli: Cli, bundle: Path, strangers: Path, spec: dict[str, object], said: str
) -> None:
    other = changed(bundle, Path("other.sightline"), **spec)
    done = cli("evaluate", bundle, strangers, "--compare", other)
    assert done.code == 2 and said in done.err and "other.sightline" in done.err and done.out == ""


def test_a_bundle_that_is_none_or_not_there_is_refused(cli: Cli, bundle: Path, strangers: Path) -> None:
    done = cli("evaluate", bundle, strangers, "--compare", "nowhere.sightline")
    assert done.code == 2 and "the bundle does not exist: nowhere.sightline" in done.err
    Path("text.sightline").write_text("hello")
    assert "not a zip file" in cli("evaluate", bundle, strangers, "--compare", "text.sightline").err


def test_the_order_of_the_classes_does_not_matter(bundle: Path, strangers: Path, rotated: Path) -> None:
    # The classes are the same, so the two may be compared, although one of them is wrong about all.
    assert sightline.evaluate(bundle, str(strangers), compare=rotated)["compare"]["that"] < 0.5


@pytest.mark.parametrize(("score", "test"), [(None, "permutation"), (0.5, "sign flips")])
def test_tasks_that_are_not_right_or_wrong_are_compared_too(
    bundle: Path, rotated: Path, monkeypatch: pytest.MonkeyPatch, score: float | None, test: str
) -> None:
    compare = Classify.compare

    def other(self: Classify, *arguments: object) -> Comparison:
        one = compare(self, *arguments)  # type: ignore[arg-type]
        return dataclasses.replace(one, score=score and score * (one.score or 0.0))

    def summarize(self: Classify, comparisons: list[Comparison], spec: object) -> Scores:
        return Scores({"accuracy": float(np.mean([-c.error for c in comparisons]))})

    monkeypatch.setattr(Classify, "compare", other)
    monkeypatch.setattr(Classify, "summarize", summarize)
    images, labels = pictures(8, first=500)
    found = sightline.evaluate(bundle, images, labels, compare=rotated)["compare"]
    assert found["test"] == test and found["shown"] and found["p"] < 0.01 and found["difference"] < 0
    assert found["interval"][1] < 0 and "only_this" not in found and "points" not in found["answer"]


def test_the_words_turn_the_difference_round_for_the_better_one() -> None:
    found = {
        "names": ["a", "b"], "metric": "accuracy", "this": 0.9, "that": 0.912, "difference": 0.012,
        "interval": [0.003, 0.021], "p": 0.0113, "shown": True,
    }  # fmt: skip
    assert words(found) == "b is better by 1.2 points of accuracy (0.3 to 2.1), p = 0.011"
    found |= {"this": 0.912, "that": 0.9, "difference": -0.012, "interval": [-0.021, -0.003]}
    assert words(found) == "a is better by 1.2 points of accuracy (0.3 to 2.1), p = 0.011"
    found |= {"shown": False, "p": 0.31, "interval": [-0.03, 0.006]}
    said = "no difference can be shown: a is ahead by 1.2 points of accuracy (-0.6 to 3.0), p = 0.31"
    assert words(found) == said
