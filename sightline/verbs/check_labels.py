"""`check --labels`: labels that networks which have not seen them do not believe. For all tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.predictions import Prediction
from sightline.core.ragged import together
from sightline.core.spec import Spec
from sightline.core.task import Comparison, Finding, Task
from sightline.data import split
from sightline.data.dataset import Dataset
from sightline.data.image import MAX_PIXELS
from sightline.data.scan import Inputs, Scan
from sightline.verbs.judge import compare_all, predict_all

WIDTH, LARGEST_SIDE = 8, 64
"""A narrow network and small images: enough to see what is wrong, and quick."""
FOLDS = 4
SPREADS = 6.0
CODE = "label_error"

Suspects = list[tuple[int, str]]
"""Places, the most suspicious first, and what the target looks like instead."""


def quick_spec(task: Task, dataset: Dataset, max_pixels: int = MAX_PIXELS) -> Spec:
    """The spec of the small networks that judge the labels."""
    probe = dataset.probe(max_pixels)
    spec = task.spec(dataset, probe, "auto", {"width": WIDTH})
    if max(side or 0 for side in spec.inputs["image"].shape[:2]) <= LARGEST_SIDE:
        return spec
    return task.spec(dataset, probe, "auto", {"width": WIDTH, "imgsz": LARGEST_SIDE})


def label_errors(
    task: Task, dataset: Dataset, scanned: Scan, spec: Spec, seed: int, progress: Callable[[int, int], None]
) -> list[Finding]:
    """The labels that are probably wrong, as one finding; empty where there are none.

    Each example is judged by a network trained on other folds: equal images and groups share one. scanned: with the
    inputs that `spec` wants. progress: called with the number of folds done, and of all.
    """
    spec = task.from_train(dataset, spec)
    try:
        folds = _folds(task, dataset, scanned, seed)
    except SightlineError as error:
        text = f"the labels were not judged: there are too few images or groups ({error.what})"
        return [Finding("labels_not_judged", "note", text)]
    predictions = _out_of_fold(task, dataset, scanned, spec, folds, seed, progress)
    comparisons = compare_all(task, predictions, list(dataset.targets), spec)
    suspects = _suspects(task, comparisons, predictions, spec)
    if not suspects:
        return []
    score = task.summarize(comparisons, spec).metrics[task.metric]
    items: list[str] = []
    rows: list[dict[str, Any]] = []
    for place, suggested in suspects:
        given = task.truth_text(dataset.targets[place])
        items.append(f"{dataset.images.name(place)}: labelled {given}, looks like {suggested}")
        error = round(comparisons[place].error, 4)
        rows.append({"images": [place], "labels": [given], "suggested": suggested, "error": error})
    text = (
        f"labels that are probably wrong: {len(suspects):,}, the likeliest first "
        f"(judged by small networks that had not seen them; their {task.metric} is {score:.3f})"
    )
    return [Finding(CODE, "warning", text, tuple(items), len(items), tuple(rows))]


def _folds(task: Task, dataset: Dataset, scanned: Scan, seed: int) -> NDArray[np.int64]:
    strata = task.strata(dataset)
    values, column, counts = np.unique(strata, return_inverse=True, return_counts=True)
    # A class too small to be in every fold is shared out with the largest.
    strata = np.where(counts[column] < FOLDS, values[counts.argmax()], strata)
    return split.folds(strata, scanned.hashes, dataset.groups, seed, FOLDS)


def _out_of_fold(
    task: Task,
    dataset: Dataset,
    scanned: Scan,
    spec: Spec,
    folds: NDArray[np.int64],
    seed: int,
    progress: Callable[[int, int], None],
) -> list[Prediction]:
    from sightline.learn.quick import quick_runner

    sizes = [(int(width), int(height)) for width, height in scanned.sizes]
    encoded = [task.encode(target, size, spec) for target, size in zip(dataset.targets, sizes, strict=True)]
    targets: Inputs = {key: together([one[key] for one in encoded]) for key in encoded[0]}
    learner = task.learner()
    found: dict[int, Prediction] = {}
    for fold in range(FOLDS):
        taught, judged = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        some: Inputs = {key: values[taught] for key, values in targets.items()}
        runner = quick_runner(learner, spec, scanned.cache, scanned.rows[taught], some, seed + fold, task.content)
        found |= zip(judged.tolist(), predict_all(task, runner, scanned.take(judged), spec), strict=True)
        progress(fold + 1, FOLDS)
    return [found[place] for place in range(len(dataset))]


def _suspects(task: Task, comparisons: Sequence[Comparison], predictions: Sequence[Prediction], spec: Spec) -> Suspects:
    """What the task itself suspects; where it has no rule of its own, the errors far outside of what is usual."""
    own = getattr(task, "suspects", None)
    if own is not None:
        return own(comparisons, spec)
    errors = np.array([comparison.error for comparison in comparisons])
    middle = float(np.median(errors))
    spread = 1.4826 * float(np.median(np.abs(errors - middle)))
    outside = np.flatnonzero(errors > middle + SPREADS * max(spread, 1e-9))
    order = outside[np.argsort(-errors[outside], kind="stable")]
    return [(int(place), predictions[place].to_text()) for place in order]
