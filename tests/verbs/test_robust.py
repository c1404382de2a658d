"""evaluate --robust: every kind and strength, through the contract, the same every time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import Result, picture, write_folder

import sightline
from sightline.core.options import resolve
from sightline.data.corrupt import KINDS, SHIFTS, changed
from sightline.data.image import read
from sightline.run.bundle import open_bundle
from sightline.tasks.classify.task import Classify
from sightline.verbs import robust
from sightline.verbs.evaluate import EvaluateOptions
from sightline.verbs.part import open_part

Cli = Callable[..., Result]


@pytest.fixture
def found(bundle: Path, strangers: Path) -> dict:
    return sightline.evaluate(bundle, str(strangers), robust=True, workers=0)["robust"]


def test_every_kind_is_scored_at_every_strength(bundle: Path, strangers: Path, found: dict) -> None:
    whole = sightline.evaluate(bundle, str(strangers))
    assert "robust" not in whole and found["clean"] == whole["metrics"]["accuracy"]
    assert tuple(found["kinds"]) == KINDS and all(len(values) == 5 for values in found["kinds"].values())
    mean = float(np.mean(list(found["kinds"].values())))
    assert found["mean"] == pytest.approx(mean) and found["mean_corruption_error"] == pytest.approx(1 - mean)
    assert {kind: tuple(row["amounts"]) for kind, row in found["shifts"].items()} == SHIFTS
    assert (found["n"], found["of"], found["metric"]) == (12, 12, "accuracy")
    assert 0.3 < mean < found["clean"]


def test_the_scores_are_those_of_images_corrupted_beforehand(
    cli: Cli, bundle: Path, strangers: Path, found: dict
) -> None:
    paths = sorted(strangers.rglob("*.png"))
    for kind, amount, value in (
        ("gaussian_noise", 5, found["kinds"]["gaussian_noise"][4]),
        ("contrast", 3, found["kinds"]["contrast"][2]),
        ("rotation", 30, found["shifts"]["rotation"]["values"][-1]),
    ):
        images = np.stack([changed(read(path), kind, amount, i) for i, path in enumerate(paths)])
        labels = [path.parent.name for path in paths]
        assert sightline.evaluate(bundle, images, labels)["metrics"]["accuracy"] == pytest.approx(value)


def test_it_repeats_with_any_number_of_workers(bundle: Path, strangers: Path, found: dict) -> None:
    assert sightline.evaluate(bundle, str(strangers), robust=True, workers=2)["robust"] == found


def test_weak_spots_name_pictures_that_can_be_made_again(bundle: Path, strangers: Path, found: dict) -> None:
    assert found["weakest"]
    drops = {kind: found["clean"] - np.mean(values) for kind, values in found["kinds"].items()}
    drops |= {kind: found["clean"] - np.mean(row["values"]) for kind, row in found["shifts"].items()}
    assert drops[found["weakest"][0]["kind"]] == pytest.approx(max(drops.values()))
    options = resolve(EvaluateOptions, {"workers": 0})
    part = open_part(open_bundle(bundle), str(strangers), None, options)
    model = sightline.load(bundle)
    seen = 0
    for spot in found["weakest"]:
        assert spot["drop"] == pytest.approx(found["clean"] - spot["value"]) and spot["drop"] > 0
        for example in spot["examples"]:
            pixels = robust.picture(part, example["index"], spot["kind"], spot["amount"])
            answer = model.predict(pixels)
            assert (answer.label, example["truth"]) == (example["label"], example["image"].split("/")[0])
            assert answer.confidence == pytest.approx(example["confidence"], abs=1e-5)
            seen += 1
    assert seen >= 4


def test_large_parts_are_sampled_and_it_is_said(cli: Cli, bundle: Path, strangers: Path) -> None:
    done = cli("evaluate", bundle, strangers, "--robust", "--limit", 5)
    assert "5 images of 12 (more: --limit)" in done.out
    found = cli("evaluate", bundle, strangers, "--robust", "--limit", 5, "--json").json
    assert (found["robust"]["n"], found["robust"]["of"], found["n"]) == (5, 12, 12)


@pytest.mark.parametrize(("side", "most"), [(8, 1000), (32, 1000), (64, 1000), (128, 250), (224, 100), (512, 100)])
def test_fewer_images_are_used_where_they_are_large(bundle: Path, side: int, most: int) -> None:
    import dataclasses

    from sightline.core.spec import Input

    spec = open_bundle(bundle).spec
    assert robust._affordable(dataclasses.replace(spec, inputs={"image": Input("uint8", (side, side, 3))})) == most


def test_a_photo_is_brought_to_the_networks_size_and_keeps_its_shape(bundle: Path, here: Path) -> None:
    from PIL import Image

    for name, size in (("circle", (160, 120)), ("cross", (10, 20))):
        folder = here / "data" / name
        folder.mkdir(parents=True)
        Image.fromarray(picture(name, 1)).resize(size).save(folder / "a.png")
    part = open_part(open_bundle(bundle), "data", None, resolve(EvaluateOptions, {"workers": 0}))
    assert [robust._load(part, i, 10**6)[0].shape[:2] for i in range(2)] == [(16, 21), (20, 10)]
    assert robust._load(part, 0, 10**6)[1] == (160, 120)


def test_shifts_that_a_target_does_not_survive_are_left_out(
    bundle: Path, strangers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Classify, "survives", frozenset({"exposure"}))
    found = sightline.evaluate(bundle, str(strangers), robust=True, limit=2, workers=0)["robust"]
    assert list(found["shifts"]) == ["exposure"]


def test_people_get_a_table(cli: Cli, bundle: Path, strangers: Path) -> None:
    text = cli("evaluate", bundle, strangers, "--robust").out
    for word in (
        *KINDS,
        "noise\n",
        "blur\n",
        "weather\n",
        "digital\n",
        "mean corruption error",
        "weakest spots",
        "x 0.3",
    ):
        assert word in text


def test_a_limit_of_what_was_not_asked_for_is_refused(cli: Cli, bundle: Path, strangers: Path) -> None:
    done = cli("evaluate", bundle, strangers, "--limit", 5)
    assert done.code == 2 and "--limit is for --robust" in done.err
    done = cli("evaluate", bundle, strangers, "--robust", "--limit", 0)
    assert done.code == 2 and "--limit" in done.err
    assert "did you mean --robust" in cli("evaluate", bundle, strangers, "--robst").err


@pytest.mark.slow
def test_the_digits_take_less_than_a_minute(cli: Cli) -> None:
    assert cli("train", "digits", "--network", "cnn", "--epochs", 3, "--out", "run", "--progress", "none").code == 0
    begun = time.monotonic()
    found = cli("evaluate", "run", "digits", "--robust", "--json").json["robust"]
    assert time.monotonic() - begun < 60
    assert found["n"] == 360 and 0.05 < found["mean_corruption_error"] < 0.5


def test_an_empty_part_is_a_clear_error(cli: Cli, bundle: Path) -> None:
    write_folder(Path("data/train"), per_class=2, first=70)
    done = cli("evaluate", bundle, "data", "--split", "test")
    assert done.code == 2 and "the data has no test part" in done.err
