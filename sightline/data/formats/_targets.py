"""Kinds of targets: what the columns of a table hold, and one kind seen as another where that makes sense."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset
from sightline.data.labels import SEPARATOR, joined, names_in

YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no", "")
LEAST_CLASSES = 2
"""So many columns of 0 and 1 are taken for a column a class; one alone may mean anything."""


def as_kind(dataset: Dataset, kind: str) -> Dataset:
    """The dataset with targets of that kind: one label is a set of one, and a label may be a text, or that of a number.

    Raises SightlineError where the targets cannot be seen so.
    """
    if dataset.target == kind:
        return dataset
    if (dataset.target, kind) == ("label", "labels"):
        names = np.array([joined(names_in(text)) for text in dataset.targets.tolist()], np.str_)
        classes = () if any(SEPARATOR in name for name in dataset.classes) else dataset.classes
        return dataclasses.replace(dataset, target=kind, targets=names, classes=classes)
    if (dataset.target, kind) == ("label", "text"):
        return dataclasses.replace(dataset, target=kind, classes=())
    if (dataset.target, kind) == ("label", "value"):
        values = np.array([number(text) for text in dataset.targets.tolist()])
        wrong = np.flatnonzero(np.isnan(values))
        if not len(wrong):
            return dataclasses.replace(dataset, target=kind, targets=values, classes=())
        found = f"the label {str(dataset.targets[wrong[0]])!r} is no number"
        raise SightlineError(found, f"{dataset.name}: {dataset.images.name(int(wrong[0]))}", "name a column `value`")
    raise SightlineError(
        f"the data holds targets of the kind {dataset.target!r}, and {kind!r} is wanted",
        dataset.name,
        "give the data that it learns from; check and train also guess the task, without --task",
    )


def number(text: str) -> float:
    """The number in a text, with a decimal point or comma; NaN where there is none."""
    for candidate in (text, text.replace(",", ".")):
        try:
            return float(candidate)
        except ValueError:
            continue
    return float("nan")


def kind_of_columns(places: Mapping[str, int], labels: Sequence[str], wanted: str | None) -> str | None:
    """The kind of target that a table holds: by its columns, and by a `;` among the labels; None without either.

    wanted: the kind asked for, which decides where columns allow for several.
    """
    if "mask" in places and (wanted == "mask" or not {"label", "value", "text"} & {*places}):
        return "mask"
    if "text" in places and (wanted == "text" or not {"label", "value"} & {*places}):
        return "text"
    if "value" in places and (wanted == "value" or "label" not in places):
        return "value"
    if "label" not in places:
        return None
    if wanted == "labels" or (wanted is None and any(SEPARATOR in text for text in labels)):
        return "labels"
    return "label"


def indicators(columns: Mapping[str, Sequence[str]], where: str) -> dict[str, NDArray[np.bool_]]:
    """Those columns that hold nothing but 0 and 1 (or true and false), by class; an empty cell is 0.

    columns: name to texts. Raises SightlineError for a name that could not stand between `;`.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    for name, texts in columns.items():
        values = {text.casefold() for text in texts}
        if name and values <= {*YES, *NO} and values != {""}:
            if SEPARATOR in name:
                raise SightlineError(f"the name of the class {name!r} holds a {SEPARATOR!r}", where)
            held = np.array([text.casefold() in YES for text in texts], bool)
            found[unicodedata.normalize("NFC", name)] = held
    return found


def joined_rows(held: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.str_]:
    """(n,) the labels of each row, as `data.labels.joined` writes them."""
    names, table = np.array(list(held)), np.stack(list(held.values()), axis=1)
    return np.array([joined(names[row].tolist()) for row in table], np.str_)
