"""Masks as the model counts its classes, and what is known of all of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.data.dataset import Dataset
from sightline.data.masks import IGNORE, Held, Labels, Mask, Unreadable

COMMON = 0.5
"""Classes that so many of the images hold are not rare."""
UNKNOWN = 254
"""Stands in a truth for classes that the model does not have."""


def numbers(target: Mask, spec: Spec) -> Labels:
    """(height, width) the truth in the class numbers of the spec: 255 is ignored, UNKNOWN is no class of the model.

    A mask that cannot be read is one ignored pixel: `check` lists it. Raises SightlineError for values that mean
    nothing.
    """
    try:
        labels = target.load()
    except Unreadable:
        return np.full((1, 1), IGNORE, np.uint8)
    names = target.key.names
    if names == spec.classes:
        return labels
    table = np.full(256, IGNORE, np.uint8)
    for place, name in enumerate(names):
        table[place] = spec.classes.index(name) if name in spec.classes else UNKNOWN
    return table[labels]


def names_in(target: Mask) -> frozenset[str]:
    """The classes that the mask holds; none where it cannot be read."""
    held = held_by(target)
    if held is None:
        return frozenset()
    return frozenset(name for name, count in zip(target.key.names, held.counts, strict=False) if count)


def classes_of(dataset: Dataset) -> tuple[str, ...]:
    """The names that the data lists, or else those of its first mask."""
    return dataset.classes or (dataset.targets[0].key.names if len(dataset) else ())


def held_by(target: Mask) -> Held | None:
    """What the mask holds; None where it cannot be read or means nothing."""
    try:
        return target.held
    except SightlineError:
        return None


def table_of(targets: Iterable[Mask], classes: tuple[str, ...]) -> NDArray[np.int64]:
    """(n, classes + 1) pixels of each class in each mask, ignored ones last; zeros where a mask cannot be used."""
    rows: list[NDArray[np.int64]] = []
    for target in targets:
        row = np.zeros(len(classes) + 1, np.int64)
        held = held_by(target)
        if held:
            for name, count in zip(target.key.names, held.counts, strict=False):
                row[classes.index(name) if name in classes else -1] += count
            row[-1] += held.counts[-1]
        rows.append(row)
    return np.stack(rows) if rows else np.zeros((0, len(classes) + 1), np.int64)


def strata(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the rarest class that each image holds, of those that fewer than half of the images hold.

    Images of common classes alone are one stratum: one without any trees is rare, and no more worth for it. Strata of
    a single image are put with the largest one: they could not be shared out.
    """
    held = table[:, :-1] > 0
    images = held.sum(axis=0)
    held &= images < COMMON * len(held)
    order = np.argsort(images, kind="stable")
    found = np.where(held.any(axis=1), order[held[:, order].argmax(axis=1)], -1) if held.size else np.zeros(len(held))
    values, column, counts = np.unique(found, return_inverse=True, return_counts=True)
    found = np.where(counts[column] < 2, values[counts.argmax()], found) if len(values) else found
    return np.unique(found, return_inverse=True)[1].astype(np.int64)
