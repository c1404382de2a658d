"""Predictions held against targets, batch by batch: what train and evaluate share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.predictions import Prediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Runner, Scores, Task
from sightline.data.scan import Scan

BATCH, BATCH_PIXELS = 256, 2**22
"""Images that are asked at once: fewer of large ones, whose answers may be large."""
KEPT_BYTES = 2**29
"""Of the outputs by which a model is calibrated: where they are maps, some of the images will do."""
WORST = 25
"""How many of the worst answers are kept."""
Targets = Sequence[Any] | NDArray[Any]


def outputs_of(task: Task, runner: Runner, scan: Scan, spec: Spec) -> Iterator[tuple[int, Arrays]]:
    """The place and the outputs, without batch axis, of each example of a scan; not always in order."""
    height, width = (side or 64 for side in spec.inputs["image"].shape[:2])
    for places, inputs in scan.batches(max(1, min(BATCH, BATCH_PIXELS // (height * width)))):
        yield from zip(places.tolist(), rows_of(task.infer(runner, inputs, spec)), strict=True)


def rows_of(outputs: Arrays) -> list[Arrays]:
    """One entry an example, from outputs with a batch axis."""
    return [{key: values[row] for key, values in outputs.items()} for row in range(len(next(iter(outputs.values()))))]


def predictions_in(task: Task, runner: Runner, scan: Scan, spec: Spec) -> Iterator[tuple[int, Prediction]]:
    """The place and the prediction of each example of a scan; not always in order."""
    for place, outputs in outputs_of(task, runner, scan, spec):
        yield place, _prediction(task, outputs, scan.sizes[place], spec)


def predict_all(task: Task, runner: Runner, scan: Scan, spec: Spec) -> list[Prediction]:
    """One prediction an example, in order."""
    found = dict(predictions_in(task, runner, scan, spec))
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
    return task.summarize(compared_all(task, predictions_in(task, runner, scan, spec), targets, spec)[0], spec)


def compared_all(
    task: Task, predictions: Iterable[tuple[int, Prediction]], targets: Targets, spec: Spec
) -> tuple[list[Comparison], dict[int, Prediction]]:
    """One comparison an example, in order; and by place the predictions of the 25 worst at least.

    predictions: with their places, in any order. No more of them are held at a time than twice as many: they may be as
    large as their images.
    """
    found: dict[int, Comparison] = {}
    kept: dict[int, Prediction] = {}
    for place, prediction in predictions:
        kept[place], found[place] = prediction, task.compare(prediction, targets[place], spec)
        if len(kept) > 2 * WORST:
            for other in sorted(kept, key=lambda i: (-found[i].error, i))[WORST:]:
                del kept[other]
    return [found[place] for place in range(len(found))], kept


def scores_of(task: Task, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
    """The scores with their 95 % intervals."""
    return dataclasses.replace(task.summarize(comparisons, spec), intervals=task.intervals(comparisons, spec))


def some_outputs(task: Task, runner: Runner, scan: Scan, spec: Spec) -> tuple[NDArray[np.int64], list[Arrays]]:
    """Places and outputs of all examples; where these would be too large to be held, of some evenly spread."""
    first = all_outputs(task, runner, scan.take(np.arange(1)), spec)[0]
    most = max(1, KEPT_BYTES // max(1, sum(values.nbytes for values in first.values())))
    places = np.unique(np.linspace(0, len(scan) - 1, min(most, len(scan))).astype(np.int64))
    return places, all_outputs(task, runner, scan.take(places), spec)


def all_outputs(task: Task, runner: Runner, scan: Scan, spec: Spec) -> list[Arrays]:
    """The outputs of each example, in order, without batch axis."""
    found = dict(outputs_of(task, runner, scan, spec))
    return [found[place] for place in range(len(scan))]
