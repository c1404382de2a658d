"""Predictions held against targets, batch by batch: what train and evaluate share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.predictions import Prediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Runner, Scores, Task
from sightline.data.scan import Scan, chunks

BATCH = 256
Targets = Sequence[Any] | NDArray[Any]


def outputs_of(task: Task, runner: Runner, scan: Scan, spec: Spec) -> Iterator[Arrays]:
    """The outputs over the examples of a scan, a batch at a time."""
    for part in chunks(len(scan), BATCH):
        yield task.infer(runner, scan.arrays(part), spec)


def predict_all(task: Task, runner: Runner, scan: Scan, spec: Spec) -> list[Prediction]:
    """One prediction an example, in order."""
    found: list[Prediction] = []
    for outputs in outputs_of(task, runner, scan, spec):
        found += predictions_of(task, outputs, scan.sizes[len(found) :], spec)
    return found


def predictions_of(task: Task, outputs: Arrays, sizes: NDArray[np.int32], spec: Spec) -> list[Prediction]:
    """One prediction for each row of the outputs; sizes: at least as many rows of (width, height)."""
    found: list[Prediction] = []
    for row in range(len(next(iter(outputs.values())))):
        width, height = sizes[row].tolist()
        one = {key: values[row] for key, values in outputs.items()}
        found.append(task.postprocess(one, (width, height), spec))
    return found


def compare_all(task: Task, predictions: Sequence[Prediction], targets: Targets, spec: Spec) -> list[Comparison]:
    """One comparison an example, in order."""
    pairs = zip(predictions, targets, strict=True)
    return [task.compare(prediction, target, spec) for prediction, target in pairs]


def judge(task: Task, runner: Runner, scan: Scan, targets: Targets, spec: Spec) -> Scores:
    """The scores over all examples of the scan, without intervals: quick enough for every epoch."""
    return task.summarize(compare_all(task, predict_all(task, runner, scan, spec), targets, spec), spec)


def scores_of(task: Task, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
    """The scores with their 95 % intervals."""
    return dataclasses.replace(task.summarize(comparisons, spec), intervals=task.intervals(comparisons, spec))


def all_outputs(task: Task, runner: Runner, scan: Scan, spec: Spec) -> Arrays:
    """The outputs over all examples, joined along the batch axis."""
    parts = list(outputs_of(task, runner, scan, spec))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
