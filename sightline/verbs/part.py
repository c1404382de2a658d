"""The part of some data that a bundle is scored on: which examples, read and preprocessed for it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.core.errors import SightlineError
from sightline.core.predictions import Prediction
from sightline.core.task import Task
from sightline.data import split as splitting
from sightline.data.dataset import Dataset
from sightline.data.scan import Scan, scan, usable
from sightline.run.bundle import Bundle
from sightline.run.runner import OnnxRunner
from sightline.verbs.common import open_for, task_named
from sightline.verbs.judge import predictions_in
from sightline.verbs.tiled import tiled_all

if TYPE_CHECKING:
    from sightline.verbs.evaluate import EvaluateOptions


@dataclass(frozen=True)
class Part:
    """Readable examples with what the bundle's network takes of them.

    name: "train", "val", "test" or "all". unknown: classes (characters) of the data that the model lacks.
    unreadable: the images that were left out, and why.
    """

    bundle: Bundle
    task: Task
    name: str
    dataset: Dataset
    scanned: Scan
    unknown: list[str]
    unreadable: list[str]


def open_part(bundle: Bundle, data: Any, labels: Any, options: EvaluateOptions) -> Part:
    """Data with splits: the part asked for. Data that the bundle was trained on: the same parts as then.

    Other data without splits: all of it. Raises SightlineError where there is nothing to score.
    """
    task = task_named(bundle.spec.task)
    dataset, _ = open_for(task.name, data, labels, options.format, bundle.spec.spans)
    chosen = _given_part(dataset, options.split)
    if chosen is not None:
        dataset = dataset.take(np.flatnonzero(dataset.splits == chosen))
    scanned = scan_for(bundle, task, dataset, options)
    good = usable(scanned, dataset.images.name, options.max_bad)
    unreadable = [f"{dataset.images.name(i)}: {why}" for i, why in sorted(scanned.errors.items())]
    dataset, scanned = dataset.take(good), scanned.take(good)
    if chosen is None:
        chosen, places = _own_part(bundle, dataset, scanned, options.split, task.strata(dataset))
        dataset, scanned = dataset.take(places), scanned.take(places)
    if not len(dataset):
        raise SightlineError(
            f"the {chosen} part of the data is empty",
            dataset.name,
            "name another part: --split train, val, test or all",
        )
    everything = frozenset[str]().union(*(task.names(target, bundle.spec) for target in dataset.targets))
    unknown = everything - set(bundle.spec.classes)
    if unknown and unknown == everything:
        raise SightlineError(
            f"nothing in the data's {task.target}s ({', '.join(sorted(unknown)[:5])} …) is known to the model",
            dataset.name, f"the model knows: {', '.join(bundle.spec.classes[:10])}",
        )  # fmt: skip
    return Part(bundle, task, chosen, dataset, scanned, sorted(unknown), unreadable)


def scan_for(bundle: Bundle, task: Task, dataset: Dataset, options: EvaluateOptions) -> Scan:
    """One pass over the data, preprocessed for the bundle's network, unless that looks through windows."""
    spec = bundle.spec
    side = max(length or 0 for length in spec.inputs["image"].shape[:2])
    return scan(
        dataset,
        (lambda image: task.preprocess(image, spec)) if options.tile is None else None,
        side,
        options.workers,
        options.max_pixels,
        free=spec.free_axes,
    )


def predictions_of(bundle: Bundle, part: Part, options: EvaluateOptions) -> Iterator[tuple[int, Prediction]]:
    """What a bundle says of the examples of a part, with their places; the part must have been scanned for it."""
    runner = OnnxRunner(bundle.graph)
    if options.tile is None:
        return predictions_in(part.task, runner, part.scanned, bundle.spec)
    return tiled_all(part.task, runner, part.dataset, bundle.spec, options.tile, options.max_pixels)


def overlap(bundle: Bundle, scanned: Scan) -> int | None:
    """How many of the images the model was trained on, by pixel hash; None where the bundle does not say."""
    data = bundle.members.get("assets/trained_on.npy")
    if data is None:
        return None
    try:
        trained = np.load(io.BytesIO(data), allow_pickle=False)
    except ValueError:
        raise SightlineError("assets/trained_on.npy is damaged", str(bundle.path)) from None
    return int(np.isin(scanned.hashes, trained).sum())


def _given_part(dataset: Dataset, wanted: str | None) -> str | None:
    """The part to take where the data itself names parts; None where it does not, or val must be cut from train."""
    named = [name for name in ("test", "val", "train") if (dataset.splits == name).any()]
    if wanted == "all" or not named:
        return None
    if wanted is None:
        return named[0]
    if wanted in named and not (wanted == "train" and "val" not in named):
        return wanted
    if wanted == "test":
        raise SightlineError(
            "the data has no test part", dataset.name, f"it has: {', '.join(named)}; name one with --split"
        )
    return None


def _own_part(bundle: Bundle, dataset: Dataset, scanned: Scan, wanted: str | None, strata: Any) -> tuple[str, Any]:
    """The name of the part and its places: by the card's split where this is the data that was trained on."""
    everything = np.arange(len(dataset))
    if wanted == "all":
        return "all", everything
    card = bundle.card.get("data", {})
    same = splitting.fingerprint(scanned.hashes, dataset.targets) == card.get("fingerprint")
    if not same and wanted in (None, "test") and not (dataset.splits != "").any():
        return "all", everything
    seed = int(bundle.card.get("options", {}).get("seed", 0))
    given = dataset.splits
    if same and "test" not in card.get("counts", {"test": 0}) and not (given != "").any():
        given = np.full(len(dataset), "train")  # tested by folds, the network learned from all but val
    splits = splitting.assign(given, strata, scanned.hashes, dataset.groups, seed)
    name = wanted or ("test" if (splits == "test").any() else "val")
    return name, np.flatnonzero(splits == name)
