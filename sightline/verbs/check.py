"""check: what is wrong with the data, before anybody trains on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.core.task import Finding, Task
from sightline.data import split
from sightline.data.dataset import Dataset, Indices
from sightline.data.formats import open_data
from sightline.data.image import MAX_PIXELS, read
from sightline.data.scan import Scan, scan
from sightline.tables import FORMATS, TASKS
from sightline.verbs.common import infer_task

LISTED = 20


@dataclass(frozen=True)
class CheckOptions:
    """Options of `check`."""

    task: str | None = option(None, "the task (default: inferred from the data)", choices=TASKS)
    format: str | None = option(None, "the format of the data (default: sniffed)", choices=FORMATS)
    seed: int = option(0, "seed of the split, where the data has none", low=0, high=2**63 - 1)
    workers: int | None = option(None, "processes that read images (default: all processors)", low=0)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)


@dataclass(frozen=True)
class Report:
    """What `check` found: numbers for people and programs, and findings, the worst first."""

    name: str
    format: str
    task: str
    count: int
    classes: dict[str, dict[str, int]]
    sizes: dict[str, Any]
    findings: list[Finding]

    @property
    def passed(self) -> bool:
        """Whether training would start."""
        return not any(finding.level == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**vars(self), "findings": [f.to_dict() for f in self.findings], "passed": self.passed}


def check(data: Any, labels: Any = None, **given: Any) -> Report:
    """Reads every image once and reports; `data` as for train. Options: see CheckOptions."""
    options = resolve(CheckOptions, given)
    dataset = open_data(data if labels is None else (data, labels), options.format)
    task = infer_task(dataset, options.task)
    scanned = scan(dataset, workers=options.workers, max_pixels=options.max_pixels)
    readable = np.flatnonzero(scanned.readable)
    if not len(readable):
        first = next(iter(scanned.errors.items()), (0, "there are no images"))
        raise SightlineError("none of the images can be read", dataset.name, f"the first: {first[1]}")
    kept, seen = dataset.take(readable), scanned.take(readable)
    splits = split.assign(kept.splits, task.strata(kept), seen.hashes, kept.groups, options.seed)
    findings = unreadable(dataset, scanned) + examine(task, kept, seen, splits, options.max_pixels)
    return Report(
        dataset.name,
        dataset.format,
        task.name,
        len(dataset),
        class_counts(kept, splits),
        _sizes(seen),
        _worst_first(findings),
    )


def examine(
    task: Task, dataset: Dataset, scanned: Scan, splits: NDArray[np.str_], max_pixels: int = MAX_PIXELS
) -> list[Finding]:
    """The findings over readable examples: what the reader of the format noticed, duplicates, targets."""
    noted = [Finding(code, "warning", text, items, len(items)) for code, text, items in dataset.notes]
    return noted + _duplicates(dataset, scanned, splits, max_pixels) + task.check_dataset(dataset, splits)


def unreadable(dataset: Dataset, scanned: Scan) -> list[Finding]:
    """One finding that lists the images that cannot be read."""
    if not scanned.errors:
        return []
    items = tuple(f"{dataset.images.name(i)}: {why}" for i, why in sorted(scanned.errors.items()))
    first = f"{len(items)} of {len(dataset)} images cannot be read, the first: {items[0]}"
    return [Finding("unreadable", "warning", first, items, len(items))]


def class_counts(dataset: Dataset, splits: NDArray[np.str_]) -> dict[str, dict[str, int]]:
    """Target to {split: number of examples}."""
    counts: dict[str, dict[str, int]] = {}
    pairs, numbers = np.unique(np.stack([dataset.targets.astype(str), splits]), axis=1, return_counts=True)
    for (name, part), number in zip(pairs.T, numbers, strict=True):
        counts.setdefault(str(name), {})[str(part)] = int(number)
    return counts


def _duplicates(dataset: Dataset, scanned: Scan, splits: NDArray[np.str_], max_pixels: int) -> list[Finding]:
    groups = [verified for alike in _alike(scanned.hashes) for verified in _verified(dataset, alike, max_pixels)]
    if not groups:
        return []
    leaks = [g for g in groups if len(set(splits[g])) > 1]
    torn = [g for g in groups if len(set(dataset.targets[g])) > 1]
    extra = sum(len(g) - 1 for g in groups)
    findings = [
        Finding(
            "duplicate",
            "note",
            f"{extra} exact {'copy' if extra == 1 else 'copies'} of other images",
            _listed(dataset, groups),
            extra,
        )
    ]
    if leaks:
        text = f"images in more than one of train, val and test: {len(leaks)}; scores on them prove nothing"
        findings.append(Finding("leak", "warning", text, _listed(dataset, leaks), len(leaks)))
    if torn:
        text = f"equal images with different labels: {len(torn)}"
        findings.append(Finding("conflicting_labels", "warning", text, _listed(dataset, torn, labels=True), len(torn)))
    return findings


def _alike(hashes: NDArray[np.uint64]) -> list[Indices]:
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order])) + 1
    return [np.sort(part) for part in np.split(order, starts) if len(part) > 1]


def _verified(dataset: Dataset, alike: Indices, max_pixels: int) -> list[Indices]:
    """The groups of truly equal pixels among images of equal hash; in practice all of them."""
    groups: list[tuple[Any, list[int]]] = []
    for index in alike:
        pixels = read(dataset.images.load(int(index)), (256, 256), max_pixels)
        for other, members in groups:
            if np.array_equal(pixels, other):
                members.append(int(index))
                break
        else:
            groups.append((pixels, [int(index)]))
    return [np.array(members) for _, members in groups if len(members) > 1]


def _listed(dataset: Dataset, groups: list[Indices], labels: bool = False) -> tuple[str, ...]:
    def name(index: int) -> str:
        text = dataset.images.name(index)
        return f"{text} ({dataset.targets[index]})" if labels else text

    return tuple(" = ".join(name(int(i)) for i in group) for group in groups)


def _sizes(scanned: Scan) -> dict[str, Any]:
    widths, heights = scanned.sizes[:, 0], scanned.sizes[:, 1]

    def spread(values: NDArray[np.int32]) -> dict[str, int]:
        return {"min": int(values.min()), "median": int(np.median(values)), "max": int(values.max())}

    return {"width": spread(widths), "height": spread(heights), "colour": int((scanned.channels == 3).sum())}


def _worst_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.level))


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline check DATA`: a table, or one JSON document; 1 where training would refuse."""
    from sightline.verbs.common import one_target, print_json
    from sightline.verbs.tell import tell_report

    report = check(one_target(target, "check"), **given)
    if as_json:
        print_json(report.to_dict())
    else:
        tell_report(report)
    return 0 if report.passed else 1
