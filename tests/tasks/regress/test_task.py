"""Regress: scores with scikit-learn as the judge, the margin, what check says, the loss, and the unit in the graph."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from support import Result, write_table
from tiny import dots, dotted, write_dotted

import sightline
from sightline.core.errors import SightlineError
from sightline.core.predictions import ValuePrediction, number_text
from sightline.core.spec import Input, Spec
from sightline.data.dataset import ArrayImages, Dataset, no_splits
from sightline.run.bundle import open_bundle
from sightline.run.runner import OnnxRunner
from sightline.tasks.regress import scores
from sightline.tasks.regress.task import Regress

TASK = Regress()
EXTRA = {"mean": 100.0, "scale": 10.0, "margin": None, "mirror": False}
SPEC = Spec("regress", "cnn", (), {"image": Input("uint8", (8, 8, 1))}, (10.0,), (20.0,), extra=EXTRA)


def dataset(values: list[float], splits: list[str] | None = None) -> Dataset:
    images = ArrayImages(np.zeros((len(values), 8, 8), np.uint8), "x")
    parts = np.array(splits, "<U5") if splits else no_splits(len(values))
    return Dataset(images, "value", np.array(values, np.float64), parts, None, "x", "arrays")


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.normal(5, 3, 80)
    value = truth + random.normal(0, 1, 80)
    ours = scores.metrics(truth, value, 1.5)
    assert ours == pytest.approx(
        {
            "r2": metrics.r2_score(truth, value),
            "mae": metrics.mean_absolute_error(truth, value),
            "rmse": metrics.root_mean_squared_error(truth, value),
            "coverage": (np.abs(value - truth) <= 1.5).mean(),
        }
    )
    found = scores.intervals(truth, value, 1.5)
    assert set(found) == set(ours)
    assert all(low <= ours[name] <= high for name, (low, high) in found.items())
    drawn = random.integers(0, 80, (500, 80))
    low, high = np.quantile([metrics.r2_score(truth[rows], value[rows]) for rows in drawn], (0.025, 0.975))
    assert found["r2"] == pytest.approx([low, high], abs=0.02)


def test_scores_of_what_cannot_be_explained_are_finite() -> None:
    same = np.full(3, 2.0)
    assert scores.metrics(same, same, None) == {"r2": 1.0, "mae": 0.0, "rmse": 0.0}
    assert scores.metrics(same, same + 1, None)["r2"] == 0.0
    assert scores.metrics(np.ones(1), np.zeros(1), None)["r2"] == 0.0 and scores.intervals(same[:1], same[:1], 1) == {}


def test_the_margin_holds_what_it_promises_on_new_images() -> None:
    random = np.random.default_rng(0)
    within = []
    for _ in range(400):
        errors = random.standard_cauchy(61)  # any distribution will do, even one without a mean
        margin = scores.margin_of(np.zeros(60), errors[:60])
        assert margin is not None
        within.append(abs(errors[60]) <= margin)
    assert 0.86 <= np.mean(within) <= 0.95
    assert scores.margin_of(np.zeros(19), np.ones(19)) is None
    assert scores.margin_of(np.zeros(20), np.arange(20.0)) == 18.0


def findings(values: list[float], splits: list[str] | None = None) -> dict[str, tuple[str, tuple[str, ...]]]:
    data = dataset(values)
    found = TASK.check_dataset(
        data, np.array(splits or ["train"] * len(values)), np.full((len(values), 2), 16, np.int32)
    )
    return {f.code: (f.level, f.items) for f in found}


def test_what_check_finds() -> None:
    sound = list(np.linspace(0, 1, 200))
    assert findings(sound) == {}
    assert findings([*sound, float("nan"), float("inf")]) == {"not_finite": ("error", ("x[200] (nan)", "x[201] (inf)"))}
    assert findings([2.5] * 30)["constant"] == ("error", ())
    assert findings(sound[:9])["too_few"] == ("error", ()) and findings(sound[:50])["too_few"] == ("warning", ())
    assert findings([*sound, 1000.0])["outlier"] == ("warning", ("x[200] (1000.0)",))
    assert findings(sound, ["train"] * 150 + ["test"] * 50)["beyond_train"][0] == "warning"


def test_the_counts_of_check_are_by_range_or_by_value() -> None:
    few = dataset([1, 1, 2.5, 3], ["train", "val", "train", "train"])
    assert TASK.tally(few, few.splits) == {"1": {"train": 1, "val": 1}, "2.5": {"train": 1}, "3": {"train": 1}}
    many = dataset(np.linspace(0, 80, 801).tolist())
    found = TASK.tally(many, np.full(801, "train"))
    assert list(found)[:2] == ["0 to 10", "10 to 20"] and sum(row["train"] for row in found.values()) == 801
    assert found["70 to 80"] == {"train": 101}


def test_strata_are_tenths_of_the_values() -> None:
    values = np.random.default_rng(0).permutation(200).astype(float)
    strata = TASK.strata(dataset(values.tolist()))
    assert np.bincount(strata).tolist() == [20] * 10
    assert all(np.ptp(values[strata == one]) == 19 for one in range(10))
    assert set(TASK.strata(dataset([1.0] * 15 + [2.0] * 15 + [9.0, np.nan]))) == {0, 1, 2}


def test_mean_and_scale_come_from_what_is_trained_on() -> None:
    splits = ["train", "", "train", "test", "val"]
    data = dataset([1.0, 2.0, 3.0, 1000.0, np.nan], splits)
    spec = TASK.spec(data, data.probe(), "cnn", {})
    assert (spec.extra["mean"], spec.extra["scale"]) == pytest.approx((2.0, np.std([1, 2, 3])))
    assert spec.classes == () and Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_the_loss_is_of_standardised_values_and_the_answer_in_their_own_unit() -> None:
    import torch
    from torch import nn

    raw = torch.tensor([[0.5], [-3.0]])

    class Fixed(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return raw

    def loss(options: dict[str, Any], **targets: torch.Tensor) -> float:
        spec = dataclasses.replace(SPEC, options=options)
        return float(TASK.learner().loss(Fixed(), {"image": torch.zeros(2, 1, 8, 8)}, targets, spec)["loss"])

    value = torch.tensor([110.0, 90.0])  # +1 and -1 standard deviations: errors 0.5 and 2
    assert loss({}, value=value) == pytest.approx((0.5 * 0.5**2 + (2 - 0.5)) / 2)
    assert loss({"loss": "squared"}, value=value) == pytest.approx((0.25 + 4) / 2)
    mixed = loss({"loss": "squared"}, value=value, mixed_value=value.flip(0), share=torch.tensor(0.75))
    assert mixed == pytest.approx(0.75 * (0.25 + 4) / 2 + 0.25 * (1.5**2 + 4**2) / 2)
    answer = TASK.learner().answer(Fixed(), torch.zeros(2, 1, 8, 8), SPEC)["value"]
    assert answer.tolist() == [105.0, 70.0]


def test_a_prediction_shows_the_digits_that_mean_something() -> None:
    found = ValuePrediction(12.3456, 0.123)
    assert found.to_text() == "12.35 (90 %: 12.22 to 12.47)" and (found.low, found.high) == pytest.approx(
        (12.2226, 12.4686)
    )
    assert found.to_dict() == {"value": 12.3456, "low": 12.2226, "high": 12.4686}
    assert ValuePrediction(3.0).to_text() == "3" and ValuePrediction(3.0).to_dict()["low"] is None
    assert [number_text(v) for v in (0.0, 1234567.0, 0.00012345, -2.5, 1e12)] == (
        ["0", "1234567", "0.0001234", "-2.5", "1e+12"]
    )
    for value, margin in ((float("nan"), 1.0), (1.0, -1.0), (1.0, float("inf"))):
        with pytest.raises(ValueError, match="finite"):
            ValuePrediction(value, margin)


def test_the_graph_gives_the_number_in_its_own_unit(trained: Callable[..., Path]) -> None:
    run = trained("cnn", "regress")
    bundle = open_bundle(run)
    images, truth = dotted(60, first=700)
    values = OnnxRunner(bundle.graph)({"image": images})["value"]
    assert values.shape == (60,) and metrics.r2_score(truth, values) > 0.5
    model = sightline.load(run)
    assert [p.value for p in model.predict(images)] == pytest.approx(values.tolist(), abs=1e-5)


def test_a_unit_far_from_one_is_learned_as_well(here: Path) -> None:
    """Kilometres as millimetres: the parity of the export, the loss and the scores are free of the unit."""
    images, values = dotted(128)
    large = sightline.train(
        images, [v * 1e6 + 1e7 for v in values], task="regress", network="cnn", imgsz=16, epochs=8, batch=8, workers=0
    )
    assert large.card["scores"]["val"]["metrics"]["r2"] > 0.3
    assert large.spec.extra["scale"] > 1e5


def test_values_that_are_not_finite_stop_a_training(cli: Callable[..., Result], here: Path) -> None:
    rows = [{"image": f"{i}.png", "pixels": dots(i)[0], "value": "many" if i == 3 else i} for i in range(20)]
    table = write_table(here / "data", rows, ("image", "value"))
    done = cli("check", table, "--json")
    assert done.code == 1 and done.json["findings"][0]["items"] == ["3.png (nan)"]
    done = cli("train", table, "--network", "cnn", "--imgsz", 16)
    assert done.code == 2 and "values that are not finite numbers: 1" in done.err and "Traceback" not in done.err


def test_auto_does_not_mirror_or_turn_unless_asked(here: Path, quick_export: None) -> None:
    images, values = dotted(64)
    quick = {"network": "cnn", "imgsz": 16, "epochs": 1, "workers": 0}
    assert sightline.train(images, values, **quick).card["options"]["augment"] == "none"
    assert sightline.train(images, values, augment="light", **quick).card["options"]["augment"] == "light"


def test_a_bundle_of_another_task_says_so(trained: Callable[..., Path], here: Path) -> None:
    with pytest.raises(SightlineError, match="'cat' is no number"):
        sightline.evaluate(trained("cnn", "regress"), (np.zeros((2, 8, 8), np.uint8), ["cat", "dog"]))
    table = write_dotted(here / "more", 20)
    with pytest.raises(SightlineError, match="kind 'value', and 'labels' is wanted"):
        sightline.evaluate(trained("cnn", "multilabel"), str(table))
