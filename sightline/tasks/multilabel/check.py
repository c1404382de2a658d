"""What may be wrong with several labels an image, as a whole; and how such images are shared out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Finding
from sightline.data.dataset import Dataset
from sightline.data.labels import names_in
from sightline.tasks.whole.inputs import in_natural_order, some

TOO_FEW, FEW = 5, 30
"""Images that hold a label, or do not: below the first it cannot be learned, below the second hardly."""
SMALLEST_STRATUM = 10
"""Smaller ones are shared out together: cross-validation needs an image of each stratum in every fold."""


def membership(targets: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """(n, classes) whether each image holds each label; labels that are no class are left out."""
    places = {name: place for place, name in enumerate(classes)}
    table = np.zeros((len(targets), len(classes)), bool)
    for row, text in enumerate(targets):
        for name in names_in(str(text)):
            if name in places:
                table[row, places[name]] = True
    return table


def classes_of(dataset: Dataset) -> list[str]:
    """Those that the data lists, or that occur, in natural order."""
    return list(dataset.classes) or in_natural_order(
        name for text in np.unique(dataset.targets).tolist() for name in names_in(text)
    )


def findings(dataset: Dataset, splits: NDArray[np.str_]) -> list[Finding]:
    """Labels too rare or too common to learn, images without any, labels that always occur together."""
    names = classes_of(dataset)
    held = membership(dataset.targets.tolist(), names)
    counts = held.sum(axis=0)
    rarer = np.minimum(counts, len(held) - counts)
    if not names or rarer.max() < TOO_FEW:
        text = f"no label that {TOO_FEW} images hold and {TOO_FEW} do not: there is nothing to learn"
        return [Finding("small_class", "error", text, tuple(names), len(names))]
    found: list[Finding] = []
    for low, high, harm in ((0, TOO_FEW, "cannot be learned"), (TOO_FEW, FEW, "are hard to learn")):
        small = [f"{n} ({c})" for n, c in zip(names, counts, strict=True) if low <= c < high]
        if small:
            text = f"labels of fewer than {high} images, which {harm}: {some(small)}"
            found.append(Finding("small_class", "warning", text, tuple(small), len(small)))
    common = [f"{n} ({len(held) - c} without)" for n, c in zip(names, counts, strict=True) if len(held) - c < TOO_FEW]
    if common:
        text = f"labels of almost every image, which tell nothing: {some(common)}"
        found.append(Finding("always_present", "warning", text, tuple(common), len(common)))
    return found + _without(dataset, held) + _together(names, held) + _lacking(names, held, splits)


def _without(dataset: Dataset, held: NDArray[np.bool_]) -> list[Finding]:
    empty = np.flatnonzero(~held.any(axis=1))
    if not len(empty):
        return []
    level = "warning" if len(empty) > len(held) / 2 else "note"
    text = f"images without any label: {len(empty):,}; they are learned as holding none of them"
    return [Finding("no_label", level, text, tuple(dataset.images.name(int(i)) for i in empty), len(empty))]


def _together(names: list[str], held: NDArray[np.bool_]) -> list[Finding]:
    """Labels that the same images hold, each and every one: the network cannot tell them apart."""
    groups: dict[bytes, list[str]] = {}
    for place, name in enumerate(names):
        if held[:, place].any():
            groups.setdefault(np.packbits(held[:, place]).tobytes(), []).append(name)
    items = tuple(" = ".join(group) for group in groups.values() if len(group) > 1)
    text = f"labels that always occur together and cannot be told apart: {some(items, 4)}"
    return [Finding("always_together", "warning", text, items, len(items))] if items else []


def _lacking(names: list[str], held: NDArray[np.bool_], splits: NDArray[np.str_]) -> list[Finding]:
    found: list[Finding] = []
    for split in np.unique(splits):
        inside = np.atleast_1d(held[splits == split].any(axis=0))
        lacking = [name for place, name in enumerate(names) if held[:, place].any() and not inside[place]]
        if lacking:
            text = f"labels without an image in {split}: {some(lacking)}"
            found.append(Finding("class_not_in_split", "warning", text, tuple(lacking), len(lacking)))
    return found


def strata(dataset: Dataset) -> NDArray[np.int64]:
    """(n,) the rarest label of each image, after Sechidis et al. 2011, whose method hands the rarest labels out first.

    Images without labels, and strata of fewer than SMALLEST_STRATUM images, are one stratum together.
    """
    held = membership(dataset.targets.tolist(), classes_of(dataset))
    rarity = np.where(held, held.sum(axis=0), np.iinfo(np.int64).max)
    rarest = np.where(held.any(axis=1), rarity.argmin(axis=1), -1) if held.shape[1] else np.full(len(held), -1)
    numbers, counts = np.unique(rarest, return_counts=True)
    rarest[np.isin(rarest, numbers[counts < SMALLEST_STRATUM])] = -1
    return np.unique(rarest, return_inverse=True)[1].astype(np.int64)
