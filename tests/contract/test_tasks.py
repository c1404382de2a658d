"""Every task keeps the numpy half of the contract, in the keys, dtypes and shapes that it documents."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import pytest
from support import CLASSES, pictures

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.core.task import Learner, Task
from sightline.data.dataset import Dataset
from sightline.data.formats import open_data
from sightline.data.image import read
from sightline.tables import NETWORKS, TASKS
from sightline.verbs.common import infer_task, task_named

DATA = {"classify": lambda: open_data(pictures())}
ENCODED: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {"classify": {"label": ("int64", ())}}
OUTPUTS = {"classify": lambda n: {"probabilities": np.full((n, 3), 1 / 3, np.float32)}}
UNKNOWN: dict[str, Any] = {"classify": "a class that nobody named"}
every_task = pytest.mark.parametrize("name", TASKS)


def dataset_and_spec(name: str, network: str = "auto") -> tuple[Task, Dataset, Spec]:
    task, dataset = task_named(name), DATA[name]()
    return task, dataset, task.spec(dataset, dataset.probe(), network, {})


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
def test_a_task_recognises_its_own_data(name: str) -> None:
    assert infer_task(DATA[name]()).name == name


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
        assert {key: (str(value.dtype), value.shape) for key, value in encoded.items()} == ENCODED[name]


@every_task
def test_a_target_that_the_spec_does_not_know_is_an_error(name: str) -> None:
    task, _, spec = dataset_and_spec(name)
    with pytest.raises(SightlineError, match="a class that nobody named"):
        task.encode(UNKNOWN[name], (16, 16), spec)


@every_task
def test_outputs_become_predictions_and_add_up_to_scores(name: str) -> None:
    task, dataset, spec = dataset_and_spec(name)
    outputs = OUTPUTS[name](len(dataset))
    comparisons = []
    for row, target in enumerate(dataset.targets):
        prediction = task.postprocess({key: values[row] for key, values in outputs.items()}, (16, 16), spec)
        comparisons.append(task.compare(prediction, target, spec))
        assert set(task.columns) <= set(prediction.to_dict())
        assert isinstance(prediction.to_text(), str)
    scores = task.summarize(comparisons, spec)
    assert task.metric in scores.metrics
    assert all(np.isfinite(value) for value in scores.metrics.values())
    assert task.compare(prediction, UNKNOWN[name], spec).error >= max(c.error for c in comparisons)


@every_task
def test_calibration_changes_the_spec_and_nothing_else(name: str) -> None:
    task, dataset, spec = dataset_and_spec(name)
    before = spec.to_json()
    fitted = task.calibrate(OUTPUTS[name](len(dataset)), list(dataset.targets), spec)
    assert spec.to_json() == before
    assert Spec.from_json(fitted.to_json()) == fitted


def test_the_classes_of_a_spec_are_in_natural_order() -> None:
    images = pictures()[0]
    dataset = open_data((images, [str(i % 12) for i in range(len(images))]))
    spec = task_named("classify").spec(dataset, dataset.probe(), "cnn", {})
    assert spec.classes == tuple(str(i) for i in range(12))
    assert dataset_and_spec("classify")[2].classes == CLASSES
