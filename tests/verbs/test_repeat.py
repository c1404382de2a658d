"""--folds, --seeds, --curve: what is trained on what, what the card says, and that a stopped series goes on."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stopping import KilledError, bits, die
from support import Result, pictures, table_rows, write_folder, write_table

import sightline
from sightline.core.repeats import spread

Cli = Callable[..., Result]
QUICK = ("--network", "cnn", "--imgsz", "16", "--batch", "8", "--epochs", "2", "--workers", "0", "--out", "run")
pytestmark = pytest.mark.usefixtures("quick_export")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every Training that is made, in order."""
    from sightline.verbs.training import Training

    made: list[Any] = []
    real = Training.__init__

    def begin(self: Any, *args: Any, **more: Any) -> None:
        made.append(self)
        real(self, *args, **more)

    monkeypatch.setattr(Training, "__init__", begin)
    return made


def names(training: Any, part: str) -> set[str]:
    """The images of one part of a training."""
    dataset = training.parts.part(part)[0]
    return {dataset.images.name(i) for i in range(len(dataset))}


def test_each_image_is_tested_in_one_fold_by_a_network_that_never_saw_it(
    cli: Cli, shapes: Path, trainings: list[Any]
) -> None:
    done = cli("train", shapes, *QUICK, "--folds", 4, "--json")
    assert done.code == 0, done.err
    main, *folds = trainings
    assert len(folds) == 4
    everything = names(main, "train") | names(main, "val")
    assert len(everything) == 36 and not names(main, "test"), "the network that is kept learns from all but val"
    tests = [names(fold, "test") for fold in folds]
    assert set.union(*tests) == everything and sum(map(len, tests)) == 36
    for fold in folds:
        parts = [names(fold, part) for part in ("train", "val", "test")]
        assert set.union(*parts) == everything and sum(map(len, parts)) == 36 and len(parts[2]) == 9
    card = done.json
    assert card["folds"]["k"] == 4 and [row["fold"] for row in card["folds"]["runs"]] == [1, 2, 3, 4]
    wanted = spread([row["metrics"] for row in card["folds"]["runs"]], overlap=1 / 3)
    for key, value in wanted.items():
        assert card["folds"][key] == value
    pooled = card["scores"]["out_of_fold"]
    assert sum(map(sum, pooled["confusion"])) == 36 and [row["support"] for row in pooled["per_class"]] == [12] * 3
    mean = np.mean([row["metrics"]["accuracy"] for row in card["folds"]["runs"]])
    assert pooled["metrics"]["accuracy"] == pytest.approx(mean), "folds of one size"
    assert sightline.load("run").metrics == pooled["metrics"]
    assert {path.name for path in Path("run/folds/1").iterdir()} == {"answers.npz", "metrics.jsonl", "state.json"}


def test_the_images_are_read_once(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sightline.data import scan

    looks: list[int] = []
    real = scan._visit
    monkeypatch.setattr(scan, "_visit", lambda data, i, *more: looks.append(i) or real(data, i, *more))
    assert cli("train", shapes, *QUICK, "--folds", 3).code == 0
    assert sorted(looks) == list(range(36))


def test_groups_never_straddle_folds_and_a_given_test_part_stays_out(
    cli: Cli, here: Path, trainings: list[Any]
) -> None:
    rows = table_rows(
        12, split=lambda i: "test" if i % 12 >= 10 else "train", group=lambda i: f"g{i // 2}" if i % 12 < 10 else ""
    )
    table = write_table(here / "data", rows, ("image", "label", "split", "group"))
    done = cli("train", table, *QUICK, "--folds", 5)
    assert done.code == 0, done.err
    assert "the test part that the data names stays out of the 5 folds" in done.err
    main, *folds = trainings
    held = {f"{i}.png" for i in range(36) if i % 12 >= 10}
    assert names(main, "test") == held
    for fold in folds:
        for part in ("train", "val", "test"):
            images = {int(name.removesuffix(".png")) for name in names(fold, part)}
            assert not images & {int(name.removesuffix(".png")) for name in held}
            assert {i ^ 1 for i in images} == images, "both of a group"
    assert "test, 6 images: accuracy" in done.out and "5 folds, 30 images: accuracy" in done.out


def test_folds_are_told(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK, "--folds", 3)
    assert "out of fold (each image tested by a network that never saw it), 36 images: accuracy" in done.out
    assert "3 folds, 36 images: accuracy" in done.out and "recall by class: " in done.out
    assert "with --folds the test part is learned too" in done.err
    assert "the network in the bundle learned from all images but val" in done.out
    assert "  fold 3: accuracy" in done.err and done.err.count("epoch ") == 2, "only the kept training tells its epochs"


def test_evaluate_knows_that_folds_left_no_test_part(shapes: Path) -> None:
    from sightline.data.formats import open_data
    from sightline.data.scan import scan
    from sightline.data.split import fingerprint
    from sightline.run.bundle import Bundle
    from sightline.verbs.part import _own_part

    dataset = open_data(str(shapes))
    seen = scan(dataset, workers=0)
    strata = np.unique(dataset.targets, return_inverse=True)[1]
    for counts, wanted in (({"train": 33, "val": 3}, "val"), ({"train": 30, "val": 3, "test": 3}, "test")):
        card = {"data": {"fingerprint": fingerprint(seen.hashes, dataset.targets), "counts": counts}}
        name, places = _own_part(Bundle(shapes, None, card, {}), dataset, seen, None, strata)
        assert (name, len(places)) == (wanted, 3)


def test_seeds_change_the_training_and_not_the_images(cli: Cli, shapes: Path, trainings: list[Any]) -> None:
    done = cli("train", shapes, *QUICK, "--seeds", 3, "--seed", 5, "--json")
    assert done.code == 0, done.err
    assert [training.options.seed for training in trainings] == [5, 6, 7]
    for training in trainings[1:]:
        for part in ("train", "val", "test"):
            assert names(training, part) == names(trainings[0], part)
    entry = done.json["seeds"]
    assert entry["k"] == 3 and [row["seed"] for row in entry["runs"]] == [5, 6, 7]
    for name, value in done.json["scores"]["test"]["metrics"].items():
        assert entry["runs"][0]["metrics"][name] == pytest.approx(value, abs=1e-5), "the first is the bundle's own"
    assert len({row["metrics"]["nll"] for row in entry["runs"]}) == 3
    alone = cli("train", shapes, *QUICK[:-1], "alone", "--seed", 5, "--json").json
    assert bits("run") == bits("alone"), "the bundle is that of the same command without --seeds"
    assert alone["scores"] == done.json["scores"] and "seeds" not in alone


def test_seeds_are_told(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK, "--seeds", 2)
    assert "2 seeds: accuracy" in done.out and "luck of the seed: " in done.out and "  seed 1: accuracy" in done.err


def test_a_curve_takes_nested_shares_of_the_training_part_alone(cli: Cli, here: Path, trainings: list[Any]) -> None:
    data = write_folder(here / "data", per_class=30)
    done = cli("train", data, *QUICK, "--curve", "--json")
    assert done.code == 0, done.err
    main, *parts = trainings
    assert [len(names(one, "train")) for one in parts] == [9, 18, 36] and len(names(main, "train")) == 72
    inside = [*(names(one, "train") for one in parts), names(main, "train")]
    assert all(small < large for small, large in itertools.pairwise(inside))
    for one in parts:
        assert names(one, "val") == names(main, "val") and names(one, "test") == names(main, "test")
        classes = [name.split("/")[0] for name in names(one, "train")]
        assert len({classes.count(name) for name in classes}) == 1, "each class in proportion"
    curve = done.json["curve"]
    assert curve["shares"] == [0.1, 0.25, 0.5, 1.0] and curve["counts"] == [9, 18, 36, 72]
    assert len(curve["metrics"]) == 4 and isinstance(curve["answer"], str)
    shutil.rmtree("run")
    told = cli("train", data, *QUICK, "--curve")
    assert "accuracy by training images: 9 images" in told.out and curve["answer"] in told.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--folds", 13), "--folds 13 is above the smallest class, which has 12 images"),
        (("--folds", 1), "--folds 1 is out of range"),
        (("--seeds", 1), "--seeds 1 is out of range"),
        (("--curve",), "30 training images in 3 classes are too few for a curve"),
        (("--folds", 3, "--curve"), "--folds and --curve are a series of trainings each"),
        (("--folds", 3, "--seeds", 3), "give one of them at a time"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_trained(
    cli: Cli, shapes: Path, options: tuple[object, ...], message: str
) -> None:
    done = cli("train", shapes, *QUICK, *options)
    assert done.code == 2 and message in done.err and not Path("run").exists()


@pytest.mark.parametrize(("series", "stop"), [("--folds", 1), ("--folds", 3), ("--seeds", 2), ("--curve", 2)])
def test_killed_in_the_middle_of_a_series_it_goes_on(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch, series: str, stop: int, trainings: list[Any]
) -> None:
    from sightline.learn.loop import Trainer

    data = write_folder(here / "data", per_class=24)
    options = (series,) if series == "--curve" else (series, 3)
    whole = cli("train", data, *QUICK[:-1], "whole", *options, "--json").json
    real, count = Trainer.train_step, len(trainings)

    def step(self: Any, *arguments: Any) -> Any:
        if len(trainings) == count + stop + 1 and self.step == 1:
            die()
        return real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", step)
        with pytest.raises(KilledError):
            cli("train", data, *QUICK, *options)
    count = len(trainings)
    done = cli("train", "--resume", "run", "--json")
    assert done.code == 0, done.err
    total = 4 if series != "--seeds" else 3
    assert len(trainings) - count == 1 + total - stop, "what was finished is not trained again"
    assert bits("run") == bits("whole") and done.json["scores"] == whole["scores"]
    assert done.json[series[2:]] == whole[series[2:]]


def test_ctrl_c_in_the_middle_keeps_what_is_there(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sightline.verbs.repeat import Runner

    real = Runner._train
    with monkeypatch.context() as patch:

        def train(self: Any, repeat: Any, main: Any, left: int) -> Any:
            if repeat.name == "folds/3":
                raise KeyboardInterrupt
            return real(self, repeat, main, left)

        patch.setattr(Runner, "_train", train)
        done = cli("train", shapes, *QUICK, "--folds", 4)
    assert done.code == 130 and "2 of 4 folds, 18 images: accuracy" in done.out and "--resume run" in done.out
    assert sightline.load("run").card["interrupted"] is True
    done = cli("train", "--resume", "run", "--json")
    assert done.code == 0 and len(done.json["folds"]["runs"]) == 4 and done.json["interrupted"] is False


def test_the_time_is_for_all_together(
    cli: Cli, here: Path, trainings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gets an even share of what is left; a repeat sees as many images as the training that is kept."""
    from sightline.verbs import repeat

    monkeypatch.setattr(repeat, "EXPORT_SECONDS", 0.0)
    data = write_folder(here / "data", per_class=24)
    options = [option for option in QUICK if option not in ("--epochs", "2")]
    begun = time.monotonic()
    monkeypatch.setattr("sightline.learn.run_folder.process_age", lambda: 0.0)
    done = cli("train", data, *options, "--curve", "--time", "30s", "--json")
    assert done.code == 0, done.err
    main, *others = trainings
    plans = [training.trainer.plan for training in others]
    for training, plan in zip(others, plans, strict=True):
        seen = main.trainer.plan.steps * main.trainer.plan.batch
        assert 0 < plan.steps <= min(seen // plan.batch, 400 * plan.per_epoch)
        assert training.spec.options == main.spec.options
    deadlines = [training.deadline for training in trainings]
    assert deadlines == sorted(deadlines) and deadlines[-1] <= begun + 30 + 1


def test_what_resuming_needs_of_the_repeats_is_plain(cli: Cli, shapes: Path) -> None:
    assert cli("train", shapes, *QUICK, "--folds", 2).code == 0
    with np.load("run/folds/2/answers.npz", allow_pickle=False) as found:
        assert found["values/probabilities"].shape == (18 * 3,)
    assert json.loads(Path("run/folds/2/state.json").read_text())["part"] == "test"
    done = cli("train", shapes, *QUICK, "--folds", 2, "--overwrite")
    assert done.code == 0, done.err


def test_folds_from_python(here: Path) -> None:
    images, labels = pictures(10)
    model = sightline.train(images, labels, network="cnn", imgsz=16, epochs=1, batch=8, workers=0, folds=2, out="run")
    assert model.card["folds"]["k"] == 2 and model.metrics == model.card["scores"]["out_of_fold"]["metrics"]


def test_the_interval_is_told_where_the_runs_differ() -> None:
    from sightline.verbs.tell_repeats import series_lines

    for values, wanted in (((0.8, 0.9), "the mean lies in"), ((1.0, 1.0), "accuracy 1.0000 ± 0.0000")):
        rows = [{"seed": i, "metrics": {"accuracy": value}} for i, value in enumerate(values)]
        entry = {"k": 2, "runs": rows, **spread([row["metrics"] for row in rows])}
        text = series_lines({"seeds": entry, "scores": {"test": {}}}, "accuracy")[0]
        assert wanted in text and ("(95 %)" in text) == (values[0] != values[1])
