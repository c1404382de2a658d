"""Copies: equal and nearly equal images, within a part of the data, across parts, and under different labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Finding
from sightline.data.alike import Pairs, near_duplicates
from sightline.data.dataset import Dataset, Indices
from sightline.data.image import MAX_PIXELS, read
from sightline.data.scan import Scan

MANY = 20_000
"""From so many images on, training looks for no cropped copies: `check` does, and takes its time."""
NAMED = 6


@dataclass(frozen=True)
class Copies:
    """equal: groups of images with the same pixels, as places; near: pairs of images that are nearly the same, where of
    equal images only the first takes part."""

    equal: list[Indices]
    near: Pairs


def find_copies(
    dataset: Dataset,
    scanned: Scan,
    max_pixels: int = MAX_PIXELS,
    blank: NDArray[np.bool_] | None = None,
    thorough: bool = False,
) -> Copies:
    """The copies among readable examples. Near ones need what `alike.thumbnail` saw in the scan.

    blank: (n,) images that are left out, as they are all alike. thorough: cropped copies too, however many images.
    """
    counted = np.ones(len(dataset), bool) if blank is None else ~blank
    groups = [group for group in _alike(scanned.hashes) if counted[group].all()]
    equal = [verified for group in groups for verified in _verified(dataset, group, max_pixels)]
    if "grey" not in scanned.looks:
        return Copies(equal, Pairs(np.zeros((0, 2), np.int64), np.zeros(0, np.float32)))
    for group in equal:
        counted[group[1:]] = False
    single = np.flatnonzero(counted)
    crops = thorough or len(single) < MANY
    found = near_duplicates(scanned.seen("grey")[single], scanned.seen("colour")[single], scanned.sizes[single], crops)
    return Copies(equal, Pairs(single[found.places], found.distance))


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


def connected(places: Indices) -> list[Indices]:
    """The groups that (m, 2) pairs link, directly or by way of others; each sorted, in order of their first."""
    parent: dict[int, int] = {}

    def root(place: int) -> int:
        while parent.setdefault(place, place) != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in places.tolist():
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    groups: dict[int, list[int]] = {}
    for place in sorted(parent):
        groups.setdefault(root(place), []).append(place)
    return [np.array(group) for group in groups.values()]


def tell_copies(copies: Copies, dataset: Dataset, splits: NDArray[np.str_]) -> list[Finding]:
    """Each group once, under the worst that is true of it: different labels, then more than one part of the data."""
    equal = _sorted_out(copies.equal, dataset, splits)
    near = _sorted_out(connected(copies.near.places), dataset, splits, of_places(dataset))
    findings: list[Finding] = []
    for code, level, told, text in (
        ("conflicting_labels", "warning", equal["torn"], "equal images with different labels: {groups}"),
        ("leak", "warning", equal["leak"], "images in more than one of train, val and test: {groups}; {flatter}"),
        ("duplicate", "note", equal["copy"], "exact copies of other images: {extra}"),
        ("near_conflict", "warning", near["torn"], "nearly equal images with different labels: {groups}"),
        ("near_leak", "warning", near["leak"],
         "nearly the same image in more than one of train, val and test: {groups}; {flatter}"),
        ("near_duplicate", "note", near["copy"], "images nearly the same as another one: {extra}"),
    ):  # fmt: skip
        if told:
            extra = sum(len(group) - 1 for group in told)
            text = text.format(groups=f"{len(told):,}", extra=f"{extra:,}", flatter="scores on them prove nothing")
            listed = _listing(dataset, splits, code, _distances(copies.near) if code.startswith("near") else None)
            items, rows = zip(*map(listed, told), strict=True)
            findings.append(Finding(code, level, text, items, extra if level == "note" else len(told), rows))
    return findings


def of_places(dataset: Dataset) -> bool:
    """Whether the targets say where things are: then nearly equal images may well have different ones."""
    return dataset.targets.dtype == np.object_


def _sorted_out(
    groups: Sequence[Indices], dataset: Dataset, splits: NDArray[np.str_], may_differ: bool = False
) -> dict[str, list[Indices]]:
    found: dict[str, list[Indices]] = {"torn": [], "leak": [], "copy": []}
    for group in groups:
        torn = not may_differ and len(set(dataset.targets[group].tolist())) > 1
        leak = len(set(splits[group])) > 1
        found["torn" if torn else "leak" if leak else "copy"].append(group)
    return found


def _distances(near: Pairs) -> dict[int, float]:
    """For each image, how near the nearest other one is."""
    found: dict[int, float] = {}
    for pair, distance in zip(near.places.tolist(), near.distance.tolist(), strict=True):
        for place in pair:
            found[place] = min(distance, found.get(place, 1.0))
    return found


def _listing(
    dataset: Dataset, splits: NDArray[np.str_], code: str, distances: dict[int, float] | None
) -> Callable[[Indices], tuple[str, dict[str, Any]]]:
    labelled, split = code.endswith(("conflict", "conflicting_labels")), code.endswith("leak")

    def name(place: int) -> str:
        more = str(dataset.targets[place]) if labelled else str(splits[place]) if split else ""
        return f"{dataset.images.name(place)} ({more})" if more else dataset.images.name(place)

    def listed(group: Indices) -> tuple[str, dict[str, Any]]:
        """A group as a line for people, and as a row of plain JSON values."""
        places: list[int] = group.tolist()
        text = (" ~ " if distances else " = ").join(map(name, places[:NAMED]))
        row: dict[str, Any] = {
            "images": places,
            "labels": [str(dataset.targets[place]) for place in places],
            "splits": [str(splits[place]) for place in places],
        }
        if distances:
            row["distance"] = round(min(distances[place] for place in places), 4)
        return text + (f" and {len(places) - NAMED} more" if len(places) > NAMED else ""), row

    return listed
