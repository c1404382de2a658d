"""evaluate: a bundle held against labelled data."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.data import split as splitting
from sightline.data.dataset import Dataset
from sightline.data.formats import open_data
from sightline.data.image import MAX_PIXELS
from sightline.data.scan import Scan, scan, usable
from sightline.run.bundle import Bundle, open_bundle
from sightline.run.runner import OnnxRunner
from sightline.tables import FORMATS
from sightline.verbs.common import infer_task, task_named
from sightline.verbs.judge import judge


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of `evaluate`."""

    split: str | None = option(
        None, "the part to score (default: test, where there is one)", choices=("train", "val", "test", "all")
    )
    format: str | None = option(None, "the format of the data (default: sniffed)", choices=FORMATS)
    workers: int | None = option(None, "processes that read images (default: all processors)", low=0)
    max_bad: float = option(0.2, "share of unreadable images that is tolerated", low=0, high=1)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)


def evaluate(model: str | Path | Bundle, data: Any, labels: Any = None, **given: Any) -> dict[str, Any]:
    """Scores as plain JSON: metrics, n, split, per_class, confusion, overlap, unknown, unreadable.

    Data with splits: the part asked for. Data that the bundle was trained on: the same parts as then. Other data
    without splits: all of it, and how many of its images were trained on.
    """
    options = resolve(EvaluateOptions, given)
    bundle = model if isinstance(model, Bundle) else open_bundle(model)
    task, spec = task_named(bundle.spec.task), bundle.spec
    dataset = open_data(data if labels is None else (data, labels), options.format)
    infer_task(dataset, task.name)
    chosen = _given_part(dataset, options.split)
    if chosen is not None:
        dataset = dataset.take(np.flatnonzero(dataset.splits == chosen))
    side = max(length or 0 for length in spec.inputs["image"].shape[:2])
    scanned = scan(dataset, lambda image: task.preprocess(image, spec), side, options.workers, options.max_pixels)
    good = usable(scanned, dataset.images.name, options.max_bad)
    unreadable = [f"{dataset.images.name(i)}: {why}" for i, why in sorted(scanned.errors.items())]
    dataset, scanned = dataset.take(good), scanned.take(good)
    if chosen is None:
        chosen, places = _own_part(bundle, dataset, scanned, options.split, task.strata(dataset))
        dataset, scanned = dataset.take(places), scanned.take(places)
    if not len(dataset):
        raise SightlineError(f"the {chosen} part of the data is empty", dataset.name)
    known = np.isin(dataset.targets, np.array(spec.classes))
    if not known.any():
        raise SightlineError(
            f"none of the data's labels ({', '.join(sorted(set(dataset.targets))[:5])} …) is a class of the model",
            dataset.name, f"the model knows: {', '.join(spec.classes[:10])}",
        )  # fmt: skip
    scores = judge(task, OnnxRunner(bundle.graph), scanned, dataset.targets, spec)
    result = scores.to_dict()
    return {
        "metrics": result.pop("metrics"),
        "n": len(dataset),
        "split": chosen,
        "overlap": _overlap(bundle, scanned) if chosen != "train" else None,
        "unknown": sorted(set(dataset.targets[~known].tolist())),
        "unreadable": unreadable,
        **result,
    }


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
    splits = splitting.assign(dataset.splits, strata, scanned.hashes, dataset.groups, seed)
    name = wanted or ("test" if (splits == "test").any() else "val")
    return name, np.flatnonzero(splits == name)


def _overlap(bundle: Bundle, scanned: Scan) -> int | None:
    """How many of the images the model was trained on, by pixel hash; None where the bundle does not say."""
    data = bundle.members.get("assets/trained_on.npy")
    if data is None:
        return None
    try:
        trained = np.load(io.BytesIO(data), allow_pickle=False)
    except ValueError:
        raise SightlineError("assets/trained_on.npy is damaged", str(bundle.path)) from None
    return int(np.isin(scanned.hashes, trained).sum())


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline evaluate MODEL DATA`: scores and the per-class table, or one JSON document."""
    from sightline.verbs.common import print_json
    from sightline.verbs.tell import tell_evaluation

    if len(target) != 2:
        raise SightlineError("evaluate takes a bundle and data", fix="type: sightline evaluate MODEL.sightline DATA")
    result = evaluate(target[0], target[1], **given)
    if as_json:
        print_json(result)
    else:
        tell_evaluation(result)
    return 0
