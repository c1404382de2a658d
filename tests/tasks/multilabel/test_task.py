"""Multilabel: what check says, how images are shared out, what a prediction looks like, and its loss."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import Result
from tiny import severals, write_several

import sightline
from sightline.core.predictions import LabelsPrediction
from sightline.core.spec import Input, Spec
from sightline.data.dataset import ArrayImages, Dataset, no_splits
from sightline.data.split import assign, folds
from sightline.tasks.multilabel.task import Multilabel

TASK = Multilabel()
SPEC = Spec("multilabel", "cnn", ("a", "b", "c"), {"image": Input("uint8", (8, 8, 1))}, (10.0,), (20.0,))


def dataset(targets: list[str], classes: tuple[str, ...] = ()) -> Dataset:
    images = ArrayImages(np.zeros((len(targets), 8, 8), np.uint8), "x")
    return Dataset(images, "labels", np.array(targets), no_splits(len(targets)), None, "x", "arrays", classes)


def findings(targets: list[str], splits: list[str] | None = None) -> dict[str, tuple[str, tuple[str, ...]]]:
    parts = np.array(splits or ["train"] * len(targets))
    return {
        f.code: (f.level, f.items)
        for f in TASK.check_dataset(dataset(targets), parts, np.full((len(targets), 2), 16, np.int32))
    }


def test_sound_data_has_no_findings() -> None:
    assert findings(["a;b", "a", "b"] * 40) == {}


def test_what_check_finds() -> None:
    found = findings(["a", "a;b;c", "b;c", ""] * 20 + ["rare"] * 4 + ["a;few"] * 10)
    assert found["no_label"] == ("note", tuple(f"x[{i}]" for i in range(3, 80, 4)))
    assert found["always_together"] == ("warning", ("b = c",))
    assert found["small_class"] == ("warning", ("few (10)",))
    assert findings(["a", "b"] * 30 + ["rare;a"] * 4)["small_class"] == ("warning", ("rare (4)",))


def test_a_label_of_every_image_and_a_label_that_a_split_lacks() -> None:
    found = findings(["all;a", "all;b"] * 30, ["train"] * 31 + ["val"] * 29)
    assert found["always_present"] == ("warning", ("all (0 without)",))
    lacking = findings(["a"] * 30 + ["b"] * 30 + ["a"] * 9, ["train"] * 60 + ["test"] * 9)
    assert lacking["class_not_in_split"] == ("warning", ("b",))


@pytest.mark.parametrize("targets", [[""] * 20, ["a;b"] * 20, ["a"] * 4 + [""] * 30])
def test_training_refuses_where_there_is_nothing_to_learn(targets: list[str]) -> None:
    assert findings(targets)["small_class"][0] == "error"


def test_images_are_shared_out_by_their_rarest_label() -> None:
    targets = ["common"] * 400 + ["common;rare"] * 20 + [""] * 100 + ["lonely;common"] * 3
    data = dataset(targets)
    strata = TASK.strata(data)
    assert len(set(strata[400:420])) == 1 and len(set(strata[:400])) == 1 and strata[0] != strata[400]
    assert set(strata[520:]) == set(strata[420:520]), "three images are too few for a stratum of their own"
    hashes = np.arange(1, len(targets) + 1, dtype=np.uint64)
    splits = assign(data.splits, strata, hashes, None, 0)
    rare = splits[400:420].tolist()
    assert (rare.count("val"), rare.count("test")) == (2, 2)
    assert np.bincount(folds(strata, hashes, None, 0, 5)[400:420]).tolist() == [4] * 5


def test_a_prediction_names_what_is_above_its_threshold() -> None:
    found = LabelsPrediction(np.array([0.3, 0.9, 0.6], np.float32), ("a", "b", "c"), (0.2, 0.5, 0.7))
    assert found.labels == ("b", "a") and found.label == "a;b"
    assert found.confidence == pytest.approx(0.3 * 0.9 * 0.4)
    assert found.to_text() == "b 90.0%  a 30.0%" and found.to_text(min_confidence=0.5) == "b 90.0%"
    values = json.loads(json.dumps(found.to_dict(top=2)))
    assert values["label"] == "a;b" and values["labels"] == ["b", "a"]
    assert [row["label"] for row in values["top"]] == ["b", "c", "a"], "what is present is always among them"
    none = LabelsPrediction(np.array([0.1, 0.4], np.float32), ("a", "b"), (0.5, 0.5))
    assert none.labels == () and none.to_dict()["labels"] == [] and none.to_text() == "none (nearest b 40.0%)"
    for bad in (np.array([0.5], np.float32), np.array([0.5, 1.5], np.float32), np.array([0.5, np.nan], np.float32)):
        with pytest.raises(ValueError, match="expected"):
            LabelsPrediction(bad, ("a", "b"), (0.5, 0.5))


def test_the_loss_is_the_binary_cross_entropy_smoothed_and_mixed_as_asked() -> None:
    import torch
    from torch import nn

    logits = torch.tensor([[2.0, 0.5, -1.0], [0.0, 0.0, 3.0]])

    class Fixed(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return logits

    def loss(spec: Spec, **targets: torch.Tensor) -> float:
        learner = TASK.learner()
        return float(learner.loss(Fixed(), {"image": torch.zeros(2, 1, 8, 8)}, targets, spec)["loss"])

    def textbook(truth: np.ndarray) -> float:
        p = 1 / (1 + np.exp(-logits.double().numpy()))
        return float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean())

    truth = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    other = truth[::-1].copy()
    labels, mixed = torch.tensor(truth, dtype=torch.float32), torch.tensor(other, dtype=torch.float32)
    assert loss(SPEC, labels=labels) == pytest.approx(textbook(truth), abs=1e-6)
    smoothed = dataclasses.replace(SPEC, options={"label_smoothing": 0.2})
    assert loss(smoothed, labels=labels) == pytest.approx(textbook(truth * 0.8 + 0.1), abs=1e-6)
    found = loss(SPEC, labels=labels, mixed_labels=mixed, share=torch.tensor(0.7))
    assert found == pytest.approx(0.7 * textbook(truth) + 0.3 * textbook(other), abs=1e-6)
    sharp = dataclasses.replace(SPEC, temperature=0.5)
    answer = TASK.learner().answer(Fixed(), torch.zeros(2, 1, 8, 8), sharp)["probabilities"].numpy()
    assert np.abs(answer - 1 / (1 + np.exp(-logits.numpy() / 0.5))).max() < 1e-6


def test_lists_of_names_train_in_python_and_thresholds_are_kept(here: Path, quick_export: None) -> None:
    images, names = severals(128)
    model = sightline.train(images, names, network="cnn", imgsz=16, epochs=6, batch=8, workers=0)
    assert model.spec.task == "multilabel" and model.spec.classes == ("circle", "cross", "square")
    thresholds = model.spec.extra["thresholds"]
    assert len(thresholds) == 3 and all(0 < value < 1 for value in thresholds)
    assert model.metrics["map"] > 0.6
    assert [row["threshold"] for row in model.card["scores"]["val"]["per_class"]] == pytest.approx(thresholds)


def test_the_task_may_be_asked_for_where_each_image_has_one_label(
    cli: Callable[..., Result], shapes: Path, here: Path, quick_export: None
) -> None:
    options = ("--network", "cnn", "--imgsz", 16, "--epochs", 1, "--workers", 0, "--json")
    done = cli("train", shapes, "--task", "multilabel", *options, "--out", "run")
    assert done.code == 0, done.err
    assert done.json["scores"]["val"]["per_class"][0]["class"] == "circle"
    assert cli("check", shapes, "--task", "multilabel", "--json").json["task"] == "multilabel"


def test_answers_in_a_table_are_written_as_labels_are(
    cli: Callable[..., Result], trained: Callable[..., Path], here: Path
) -> None:
    table = write_several(here / "new", 16, first=900)
    done = cli("predict", trained("cnn", "multilabel"), table.parent, "--csv", "answers.csv")
    assert done.code == 0, done.err
    rows = Path("answers.csv").read_text().splitlines()
    assert rows[0] == "image,label,confidence,error" and len(rows) == 17
    assert any(";" in row.split(",")[1] for row in rows[1:]) and "[" not in rows[1]
