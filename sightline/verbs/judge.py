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
from sightline.data.scan import Scan

BATCH = 256
Targets = Sequence[Any] | NDArray[Any]


def outputs_of(task: Task, runner: Runner, scan: Scan, spec: Spec) -> Iterator[tuple[int, Arrays]]:
    """The place and the outputs, without batch axis, of each example of a scan; not always in order."""
    for places, inputs in scan.batches(BATCH):
        yield from zip(places.tolist(), rows_of(task.infer(runner, inputs, spec)), strict=True)


def rows_of(outputs: Arrays) -> list[Arrays]:
    """One entry an example, from outputs with a batch axis."""
    return [{key: values[row] for key, values in outputs.items()} for row in range(len(next(iter(outputs.values()))))]


def predict_all(task: Task, runner: Runner, scan: Scan, spec: Spec) -> list[Prediction]:
    """One prediction an example, in order."""
    found: dict[int, Prediction] = {}
    for place, outputs in outputs_of(task, runner, scan, spec):
        found[place] = _prediction(task, outputs, scan.sizes[place], spec)
    return [found[place] for place in range(len(scan))]


def predictions_of(task: Task, outputs: Sequence[Arrays], sizes: NDArray[np.int32], spec: Spec) -> list[Prediction]:
    """One prediction an example; outputs: without batch axis; sizes: (n, 2) width and height."""
    return [_prediction(task, one, size, spec) for one, size in zip(outputs, sizes, strict=True)]


def _prediction(task: Task, outputs: Arrays, size: NDArray[np.int32], spec: Spec) -> Prediction:
    width, height = size.tolist()
    return task.postprocess(outputs, (width, height), spec)


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


def all_outputs(task: Task, runner: Runner, scan: Scan, spec: Spec) -> list[Arrays]:
    """The outputs of each example, in order, without batch axis."""
    found = dict(outputs_of(task, runner, scan, spec))
    return [found[place] for place in range(len(scan))]
