"""evaluate --compare: two bundles on the same images, and whether the difference is more than luck."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.errors import SightlineError
from sightline.core.paired import of_comparisons
from sightline.core.task import Comparison
from sightline.run.bundle import Bundle, open_bundle
from sightline.verbs.judge import compared_all
from sightline.verbs.part import Part, overlap, predictions_of, scan_for

if TYPE_CHECKING:
    from sightline.verbs.evaluate import EvaluateOptions

SURE = 0.05
"""A difference is called one where chance alone would give it less often than this."""


def open_other(bundle: Bundle, path: Path) -> Bundle:
    """The bundle to compare with. Raises SightlineError where it answers another question."""
    other = open_bundle(path)
    ours, theirs = bundle.spec, other.spec
    if ours.task != theirs.task:
        raise SightlineError(
            f"only bundles of one task can be compared: this one is for {ours.task}, the other for {theirs.task}",
            str(other.path),
            "compare bundles that were trained for the same task",
        )
    extra, missing = sorted({*theirs.classes} - {*ours.classes}), sorted({*ours.classes} - {*theirs.classes})
    if extra or missing:
        parts = [f"{name} {_some(names)}" for name, names in (("lacks", missing), ("adds", extra)) if names]
        raise SightlineError(
            f"only bundles of the same classes can be compared: the other {' and '.join(parts)}",
            str(other.path),
            "compare bundles that were trained on the same labels",
        )
    return other


def compare(part: Part, comparisons: Sequence[Comparison], other: Bundle, options: EvaluateOptions) -> dict[str, Any]:
    """The other bundle's metric less ours on the examples of `part`, its 95 % interval and p; plain JSON."""
    task, metric = part.task, part.task.metric
    again = dataclasses.replace(part, scanned=scan_for(other, task, part.dataset, options))
    theirs, _ = compared_all(task, predictions_of(other, again, options), part.dataset.targets, other.spec)
    ours = list(comparisons)

    def value(some: Sequence[Comparison]) -> float:
        return task.summarize(some, part.bundle.spec).metrics[metric]

    found = of_comparisons(value, ours, theirs)
    names = _names(part.bundle.path, other.path)
    result: dict[str, Any] = {
        "other": str(other.path),
        "names": names,
        "metric": metric,
        "this": value(ours),
        "that": task.summarize(theirs, other.spec).metrics[metric],
        "difference": found.difference,
        "interval": found.interval,
        "p": found.p,
        "test": found.test,
        "shown": found.p < SURE,
        "n": len(ours),
        "overlap": overlap(other, part.scanned) if part.name != "train" else None,
    }
    if found.test == "mcnemar":
        result["only_this"] = sum(a.score == 1 and b.score == 0 for a, b in zip(ours, theirs, strict=True))
        result["only_that"] = sum(a.score == 0 and b.score == 1 for a, b in zip(ours, theirs, strict=True))
    return result | {"answer": words(result)}


def words(result: dict[str, Any]) -> str:
    """`B is better by 1.2 points of accuracy (0.3 to 2.1), p = 0.011`, or that no difference can be shown."""
    difference, (low, high) = result["difference"], result["interval"]
    if difference < 0:
        difference, low, high = -difference, -high, -low
    share = all(0 <= result[key] <= 1 for key in ("this", "that"))
    scale, digits, unit = (100, 1, "points") if share else (1, 4, "")
    size = f"{scale * difference:.{digits}f} {unit} of {result['metric']}".replace("  ", " ")
    around = f"({scale * low:.{digits}f} to {scale * high:.{digits}f})"
    chance = f"p = {result['p']:.2g}" if result["p"] >= 0.001 else "p < 0.001"
    better = result["names"][1 if result["difference"] > 0 else 0]
    if result["shown"]:
        return f"{better} is better by {size} {around}, {chance}"
    if result["difference"] == 0:
        return f"no difference can be shown: both have the same {result['metric']} {around}, {chance}"
    return f"no difference can be shown: {better} is ahead by {size} {around}, {chance}"


def _names(ours: Path, theirs: Path) -> list[str]:
    """What the two bundles are called: their names, with the folder's where these are equal."""
    for pair in ([ours.stem, theirs.stem], [str(ours.parent / ours.stem), str(theirs.parent / theirs.stem)]):
        if pair[0] != pair[1]:
            return pair
    return ["this bundle", "the other"]


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
