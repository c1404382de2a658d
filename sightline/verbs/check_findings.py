"""What `check` and `train` have to say about data that was read: each finding once, with the images it is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Finding, Task
from sightline.data.dataset import Dataset, Indices
from sightline.data.quality import BLANK, blurred, odd_sizes
from sightline.data.scan import Scan
from sightline.verbs.check_copies import Copies, tell_copies

COMMON = 0.2
"""Sizes that more of the images have than this share are not odd: the sizes vary."""


def examine(task: Task, dataset: Dataset, scanned: Scan, splits: NDArray[np.str_], copies: Copies) -> list[Finding]:
    """The findings over readable examples: what the reader of the format noticed, copies, quality, targets."""
    noted = [Finding(code, "warning", text, items, len(items)) for code, text, items in dataset.notes]
    return [
        *noted,
        *_groups(dataset, splits),
        *tell_copies(copies, dataset, splits),
        *_quality(dataset, scanned),
        *task.check_dataset(dataset, splits, scanned.sizes),
    ]


def _groups(dataset: Dataset, splits: NDArray[np.str_]) -> list[Finding]:
    """Groups that the data's own splits tear apart, and one group that cannot be shared out."""
    if dataset.groups is None:
        return []
    names = [name for name in np.unique(dataset.groups).tolist() if name]
    found: list[Finding] = []
    if len(names) == 1 and (dataset.groups != "").all() and len(np.unique(splits)) == 1 and len(dataset) > 1:
        text = f"all images are of one group, {names[0]!r}: a group is never split into train and val"
        found.append(Finding("one_group", "error", text, (names[0],), 1))
    torn = [name for name in names if len(np.unique(splits[dataset.groups == name])) > 1]
    if torn:
        text = f"groups with images in more than one of train, val and test: {len(torn):,}"
        found.append(Finding("group_leak", "warning", text, tuple(torn), len(torn)))
    return found


def unreadable(dataset: Dataset, scanned: Scan) -> list[Finding]:
    """One finding that lists the images that cannot be read."""
    if not scanned.errors:
        return []
    errors = sorted(scanned.errors.items())
    items = tuple(f"{dataset.images.name(i)}: {why}" for i, why in errors)
    first = f"{len(items)} of {len(dataset)} images cannot be read, the first: {items[0]}"
    rows = tuple({"images": [i], "error": why} for i, why in errors)
    return [Finding("unreadable", "warning", first, items, len(items), rows)]


def placed(finding: Finding, places: Indices) -> Finding:
    """The same with places in the whole data instead of places among the readable examples, which `places` lists."""
    rows = tuple({**row, "images": places[row["images"]].tolist()} for row in finding.rows)
    return dataclasses.replace(finding, rows=rows)


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Errors, then warnings, then notes."""
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.level))


def blank_images(scanned: Scan) -> NDArray[np.bool_] | None:
    """(n,) which images show nothing; None where the scan did not look."""
    return scanned.seen("contrast") < BLANK if "contrast" in scanned.looks else None


def _quality(dataset: Dataset, scanned: Scan) -> list[Finding]:
    blank = blank_images(scanned)
    if blank is None:
        return []
    clouded = blurred(scanned.seen("blur")) & ~blank
    located = scanned.seen("position")
    odd = odd_sizes(scanned.sizes)
    found = [
        _about(dataset, "blank", "warning", "blank images, which show nothing: {count}", blank),
        _about(dataset, "blurred", "warning", "images far more blurred than the others: {count}", clouded),
        _about(
            dataset, "position", "warning",
            "files that say where they were taken (GPS in their EXIF data): {count}; remove it before you share them",
            located,
        ),
    ]  # fmt: skip
    if odd.mean() <= COMMON:
        width, height = np.median(scanned.sizes, axis=0).astype(int)
        text = f"images of unusual shape or size (usual: {width} x {height} px): {{count}}"
        sizes = [f"{w} x {h} px" for w, h in scanned.sizes]
        found.append(_about(dataset, "odd_size", "note", text, odd, sizes))
    return [finding for finding in found if finding.count]


def _about(
    dataset: Dataset, code: str, level: str, text: str, chosen: NDArray[np.bool_], words: Sequence[str] | None = None
) -> Finding:
    places: Indices = np.flatnonzero(chosen)
    items = tuple(dataset.images.name(int(i)) + (f" ({words[i]})" if words else "") for i in places)
    rows = tuple({"images": [int(i)], "labels": [str(dataset.targets[i])]} for i in places)
    return Finding(code, level, text.format(count=f"{len(places):,}"), items, len(places), rows)
