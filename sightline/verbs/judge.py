"""Predictions held against targets, batch by batch: what train and evaluate share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Runner, Scores, Task
from sightline.data.scan import Scan, chunks

BATCH = 256
Targets = Sequence[Any] | NDArray[Any]


def outputs_of(task: Task, runner: Runner, scan: Scan, spec: Spec) -> Iterator[Arrays]:
    """The outputs over the examples of a scan, a batch at a time."""
    for part in chunks(len(scan), BATCH):
        yield task.infer(runner, scan.arrays(part), spec)


def compare_all(task: Task, runner: Runner, scan: Scan, targets: Targets, spec: Spec) -> list[Comparison]:
    """One comparison an example, in order."""
    found: list[Comparison] = []
    for outputs in outputs_of(task, runner, scan, spec):
        for row in range(len(next(iter(outputs.values())))):
            place = len(found)
            size = (int(scan.sizes[place, 0]), int(scan.sizes[place, 1]))
            prediction = task.postprocess({key: values[row] for key, values in outputs.items()}, size, spec)
            found.append(task.compare(prediction, targets[place], spec))
    return found


def judge(task: Task, runner: Runner, scan: Scan, targets: Targets, spec: Spec) -> Scores:
    """The scores over all examples of the scan."""
    return task.summarize(compare_all(task, runner, scan, targets, spec), spec)


def all_outputs(task: Task, runner: Runner, scan: Scan, spec: Spec) -> Arrays:
    """The outputs over all examples, joined along the batch axis."""
    parts = list(outputs_of(task, runner, scan, spec))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
