"""Every task: a small network learns from a large one, and what cannot teach is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support import NETWORK_SIZES, Result
from tiny import TINY

import sightline
from sightline.core.spec import Spec
from sightline.learn.teacher import Teacher
from sightline.run.bundle import open_bundle, save
from sightline.tables import TASKS
from sightline.verbs.common import task_named

CPU = torch.device("cpu")


def teach(bundle: Path, spec: Spec) -> Teacher:
    return Teacher(bundle, task_named(spec.task).learner(), spec, CPU)


@pytest.mark.parametrize("task", TASKS)
def test_a_small_network_learns_from_a_large_one(task: str, trained: Callable[..., Path], tmp_path: Path) -> None:
    teacher = trained("auto", task)
    data = TINY[task].write(tmp_path / "data")
    options = {"network": "small", "epochs": 2, "imgsz": NETWORK_SIZES["small"], "batch": 8, "workers": 0}
    model = sightline.train(str(data), teacher=teacher, out=tmp_path / "run", **options)
    assert model.spec.network == "small"
    card = open_bundle(model.path).card
    assert card["options"]["teacher"] == str(teacher)
    assert 0 <= card["parity"] <= 1e-4


@pytest.fixture
def shapes_bundle(trained: Callable[..., Path]) -> Path:
    return trained("auto")


def test_the_teacher_says_the_same_in_any_order_of_the_classes(shapes_bundle: Path) -> None:
    spec = open_bundle(shapes_bundle).spec
    images = torch.randn(4, 3, 16, 16)
    raw = torch.randn(4, 3)
    turned = dataclasses.replace(spec, classes=spec.classes[::-1])
    in_turn = [
        teach(shapes_bundle, spec).distance(raw, images),
        teach(shapes_bundle, turned).distance(raw.flip(1), images),
    ]
    assert float(in_turn[0]) == pytest.approx(float(in_turn[1]), rel=1e-5)


def test_the_teacher_sees_images_in_its_own_size_and_scale(shapes_bundle: Path) -> None:
    spec = open_bundle(shapes_bundle).spec
    larger = dataclasses.replace(
        spec,
        inputs={"image": dataclasses.replace(spec.inputs["image"], shape=(32, 32, 3))},
        mean=(0.0,),
        std=(255.0,),
    )
    teacher, images = teach(shapes_bundle, larger), torch.full((1, 3, 32, 32), 0.5)
    seen: list[torch.Tensor] = []
    teacher.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    teacher.distance(torch.zeros(1, 3), images)
    assert seen[0].shape == (1, 3, 16, 16)
    assert torch.allclose(seen[0], torch.full_like(seen[0], (0.5 * 255 - spec.mean[0]) / spec.std[0]))


def test_what_cannot_teach_is_refused(shapes_bundle: Path, tmp_path: Path) -> None:
    bundle = open_bundle(shapes_bundle)
    other = dataclasses.replace(bundle.spec, classes=(*bundle.spec.classes, "star"))
    with pytest.raises(sightline.SightlineError, match="does not know 'star'"):
        teach(shapes_bundle, other)
    grey = dataclasses.replace(
        bundle.spec, inputs={"image": dataclasses.replace(bundle.spec.inputs["image"], shape=(16, 16, 1))}
    )
    with pytest.raises(sightline.SightlineError, match="3 channels, and these have 1"):
        teach(shapes_bundle, grey)
    with pytest.raises(sightline.SightlineError, match="task is classify, and the data is for detect"):
        teach(shapes_bundle, dataclasses.replace(bundle.spec, task="detect"))
    save(tmp_path / "q.sightline", bundle.spec, bundle.card, {"model.onnx": bundle.graph})
    with pytest.raises(sightline.SightlineError, match="holds no weights"):
        teach(tmp_path / "q.sightline", bundle.spec)


def test_a_teacher_that_is_absent_costs_no_run(cli: Callable[..., Result], tmp_path: Path) -> None:
    done = cli("train", "digits", "--teacher", str(tmp_path / "none.sightline"), "--out", str(tmp_path / "run"))
    assert done.code == 2 and "none.sightline" in done.err
    assert not (tmp_path / "run").exists()
