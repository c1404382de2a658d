"""Every task keeps the numpy half of the contract, in the keys, dtypes and shapes that it documents."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from pathlib import Path

import numpy as np
import pytest
from support import CLASSES, pictures
from tiny import TINY

from sightline.core.errors import SightlineError
from sightline.core.ragged import together
from sightline.core.spec import Spec
from sightline.core.task import Learner, Task
from sightline.data.dataset import Dataset
from sightline.data.formats import open_data
from sightline.data.image import read
from sightline.tables import NETWORKS, TASKS
from sightline.verbs.common import infer_task, task_named
from sightline.verbs.judge import rows_of

every_task = pytest.mark.parametrize("name", TASKS)


def dataset_and_spec(name: str, network: str = "auto") -> tuple[Task, Dataset, Spec]:
    task = task_named(name)
    dataset = open_data(TINY[name].arrays(), kind=task.target)
    return task, dataset, task.from_train(dataset, task.spec(dataset, dataset.probe(), network, {}))


def methods(protocol: type) -> dict[str, inspect.Signature]:
    return {n: inspect.signature(f) for n, f in vars(protocol).items() if inspect.isfunction(f) and n[0] != "_"}


@every_task
def test_a_task_has_every_method_of_the_contract_with_its_arguments(name: str) -> None:
    task = task_named(name)
    for half, protocol in ((task, Task), (task.learner(), Learner)):
        wanted = methods(protocol)
        assert wanted
        for method, signature in wanted.items():
            ours = inspect.signature(getattr(half, method))
            assert list(ours.parameters) == list(signature.parameters)[1:], method
    assert (task.name, is_dataclass(task.Options)) == (name, True)
    assert isinstance(task.columns, tuple) and isinstance(task.metric, str)


@every_task
def test_a_task_recognises_its_own_data(name: str, tmp_path: Path) -> None:
    if name != "read":  # in Python a text may be a label as well: --task says what it is
        assert infer_task(open_data(TINY[name].arrays())).name == name
    assert infer_task(open_data(TINY[name].write(tmp_path))).name == name


@every_task
def test_inputs_are_as_the_spec_says(name: str) -> None:
    for network in NETWORKS[name]:
        task, dataset, spec = dataset_and_spec(name, network)
        for image in (dataset.images.load(0), np.zeros((7, 31, 1), np.uint8), np.zeros((40, 9, 3), np.uint8)):
            arrays = task.preprocess(read(image), spec)
            assert set(arrays) == set(spec.inputs)
            for key, described in spec.inputs.items():
                assert arrays[key].dtype == described.dtype
                fixed = zip(arrays[key].shape, described.shape, strict=True)
                assert all(side == wanted for side, wanted in fixed if wanted is not None)


@every_task
def test_targets_are_encoded_in_the_documented_keys(name: str) -> None:
    task, dataset, spec = dataset_and_spec(name)
    for target in dataset.targets:
        encoded = task.encode(target, (16, 16), spec)
        assert {
            key: (str(value.dtype), value.shape if value.ndim < 1 or name not in ("read", "detect") else ())
            for key, value in encoded.items()
        } == TINY[name].encoded


@every_task
def test_a_target_that_the_spec_does_not_know_is_an_error(name: str) -> None:
    task, _, spec = dataset_and_spec(name)
    target, message = TINY[name].unknown
    with pytest.raises(SightlineError, match=message):
        task.encode(target, (16, 16), spec)


@every_task
def test_outputs_become_predictions_and_add_up_to_scores(name: str) -> None:
    task, dataset, spec = dataset_and_spec(name)
    outputs = TINY[name].outputs(len(dataset))
    comparisons = []
    for row, target in enumerate(dataset.targets):
        prediction = task.postprocess({key: values[row] for key, values in outputs.items()}, (16, 16), spec)
        comparisons.append(task.compare(prediction, target, spec))
        assert set(task.columns) <= set(prediction.to_dict())
        assert isinstance(prediction.to_text(), str)
    scores = task.summarize(comparisons, spec)
    assert task.metric in scores.metrics
    assert all(np.isfinite(value) for value in scores.metrics.values())
    intervals = task.intervals(comparisons, spec)
    assert task.metric in intervals and set(intervals) <= set(scores.metrics)
    assert all(low - 1e-9 <= scores.metrics[key] <= high + 1e-9 for key, (low, high) in intervals.items())
    if comparisons[0].score is not None:
        assert np.mean([c.score for c in comparisons]) == pytest.approx(scores.metrics[task.metric])
    assert all(task.names(target, spec) <= set(spec.classes) for target in dataset.targets)
    assert task.names(TINY[name].unknown[0], spec) - set(spec.classes)
    assert all(isinstance(task.truth_text(target), str) for target in dataset.targets)
    assert task.compare(prediction, TINY[name].unknown[0], spec).error >= max(c.error for c in comparisons)


@every_task
def test_calibration_changes_the_spec_and_nothing_else(name: str) -> None:
    task, dataset, spec = dataset_and_spec(name)
    before = spec.to_json()
    fitted = task.calibrate(rows_of(TINY[name].outputs(len(dataset))), list(dataset.targets), spec)
    assert spec.to_json() == before
    assert Spec.from_json(fitted.to_json()) == fitted


def test_the_classes_of_a_spec_are_in_natural_order() -> None:
    images = pictures()[0]
    dataset = open_data((images, [str(i % 12) for i in range(len(images))]))
    spec = task_named("classify").spec(dataset, dataset.probe(), "cnn", {})
    assert spec.classes == tuple(str(i) for i in range(12))
    assert dataset_and_spec("classify")[2].classes == CLASSES


@every_task
def test_the_distance_of_two_networks_is_least_where_they_say_the_same(name: str) -> None:
    import torch

    task, _, spec = dataset_and_spec(name, TINY[name].network[0])
    learner = task.learner()
    network = learner.network(spec).eval()
    height, width, channels = spec.inputs["image"].shape
    with torch.no_grad():
        teacher = network(torch.randn(3, channels or 1, height or 16, width or 64)).float()
    same = teacher.clone().requires_grad_()
    found = learner.distance(same, teacher, spec, spec)
    assert found.shape == (3,) and bool((found >= 0).all())
    found.sum().backward()
    assert same.grad is not None and float(same.grad.abs().max()) < 1e-6
    other = teacher + torch.randn_like(teacher)
    assert bool((learner.distance(other, teacher, spec, spec) > found).all())


@every_task
def test_the_weight_of_an_example_multiplies_its_loss(name: str) -> None:
    import torch

    task, dataset, spec = dataset_and_spec(name, TINY[name].network[0])
    learner = task.learner()
    torch.manual_seed(0)
    network = learner.network(spec).eval()
    encoded = [task.encode(target, (16, 16), spec) for target in dataset.targets[:4]]
    targets = {key: torch.from_numpy(together([one[key] for one in encoded])[:]) for key in encoded[0]}
    height, width, channels = spec.inputs["image"].shape
    inputs = {"image": torch.randn(4, channels or 1, height or 16, width or 64)}

    def loss(rows: slice, **more: torch.Tensor) -> float:
        some = {key: value[rows] for key, value in {**targets, **more}.items()}
        return learner.loss(network, {"image": inputs["image"][rows]}, some, spec)["loss"].item()

    each = [loss(slice(row, row + 1)) for row in range(4)]
    whole = slice(0, 4)
    assert loss(whole) == pytest.approx(np.mean(each), rel=1e-4)
    assert loss(whole, weight=torch.ones(4)) == pytest.approx(loss(whole), rel=1e-5)
    weights = [3.0, 0.5, 0.0, 0.5]
    assert loss(whole, weight=torch.tensor(weights)) == pytest.approx(np.mean(np.multiply(weights, each)), rel=1e-4)
