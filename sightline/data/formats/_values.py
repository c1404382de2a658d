"""Targets given as Python or numpy values: one label, several labels, or a number an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sightline.core import boxes
from sightline.core.errors import SightlineError
from sightline.data.labels import joined, names_in

_SETS = (list, tuple, set, frozenset)


def targets_of(values: Any, where: str, kind: str | None = None) -> tuple[str, NDArray[Any]]:
    """The kind of targets, and the targets themselves, (n,): texts, or float64 for numbers.

    Sets of names, and rows of 0 and 1 that are not all one-hot, are `labels`; floats of which one is not whole are
    `value`; `Boxes` are `boxes`; all else is `label`. kind: the wanted kind, which decides where both are possible.
    """
    if isinstance(values, list | tuple | np.ndarray):
        items = list(cast("Sequence[Any]", values))
        if items and all(isinstance(item, boxes.Boxes) for item in items):
            return "boxes", boxes.column(items)
    rows = _sets(values, where)
    if rows is not None:
        return "labels", np.array([joined(row) for row in rows], np.str_)
    array = _numbers(values)
    if array is not None and array.ndim == 2 and array.shape[1] > 1 and _several(array, kind):
        return "labels", np.array([joined(str(i) for i in np.flatnonzero(row)) for row in array], np.str_)
    if array is not None and array.dtype.kind == "f" and (array.ndim == 1 or array.shape[1:] == (1,)):
        column = array.reshape(-1).astype(np.float64)
        finite = column[np.isfinite(column)]
        if kind == "value" or (kind is None and (finite != np.round(finite)).any()):
            return "value", column
    return "label", label_texts(values, where)


def _sets(values: Any, where: str) -> list[list[str]] | None:
    """The names of each image where they are given as lists or sets, with a text, a set or an empty row among them."""
    if isinstance(values, np.ndarray):
        if cast("NDArray[Any]", values).dtype != np.object_:
            return None
        values = cast("NDArray[Any]", values).tolist()
    if not isinstance(values, list | tuple):
        return None
    rows = cast("Sequence[Any]", values)
    if not rows or not all(isinstance(row, _SETS) for row in rows):
        return None
    sets = [list(cast("Sequence[Any]", row)) for row in rows]
    numbers = all(isinstance(item, int | float | np.number) for row in sets for item in row)
    if numbers and len({len(row) for row in sets}) == 1 and sets[0]:
        return None  # a matrix written as lists
    texts = [[_text(item, "labels") for item in row] for row in sets]
    wrong = next((name for row in texts for name in row if names_in(name) != (name,)), None)
    if wrong is not None:
        raise SightlineError(
            f"{wrong!r} is no name of a label: it is empty, or holds a `;` or blanks at its ends", where
        )
    return texts


def _numbers(values: Any) -> NDArray[Any] | None:
    try:
        array: NDArray[Any] = np.asarray(values)
    except Exception:  # whatever a ragged list or a foreign array raises: label_texts will say it
        return None
    return array if array.dtype.kind in "buif" else None


def _several(array: NDArray[Any], kind: str | None) -> bool:
    """Whether a matrix holds several labels a row: 0 and 1, and not one-hot throughout unless it is asked for."""
    return bool(np.isin(array, (0, 1)).all()) and (kind == "labels" or bool((array.sum(axis=1) != 1).any()))


def label_texts(values: Any, where: str) -> NDArray[np.str_]:
    """(n,) texts of (n,) or (n, 1) numbers, strings or objects, or of one-hot (n, k). Raises SightlineError."""
    try:
        array: NDArray[Any] = np.asarray(values)
    except Exception as error:  # whatever a ragged list or a foreign array raises
        raise SightlineError(f"these are no labels ({error})", where) from None
    if array.dtype.kind in "US" and not isinstance(values, np.ndarray):
        array = _unmixed(values, array)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        array = _one_hot(array, where)
    if array.ndim != 1:
        raise SightlineError(f"labels have shape (n,), or (n, k) if one-hot, not {array.shape}", where)
    if array.dtype.kind in "iuU":
        return array.astype(np.str_)
    if array.dtype.kind not in "bfSO":
        raise SightlineError(f"labels are numbers or strings, not {array.dtype}", where)
    return np.array([_text(value, where) for value in array.tolist()], dtype=np.str_)


def _unmixed(values: Any, array: NDArray[Any]) -> NDArray[Any]:
    """The values as they are where numbers are among the texts: numpy would write a NaN as the text `nan`."""
    if array.ndim != 1 or all(isinstance(value, str | bytes) for value in values):
        return array
    objects = np.empty(len(array), object)
    objects[:] = list(values)
    return objects


def _one_hot(array: NDArray[Any], where: str) -> NDArray[Any]:
    numbers = array.dtype.kind in "buif"
    if not numbers or not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
        raise SightlineError(
            f"labels of shape {array.shape} are not one-hot: a row needs one 1 among 0s",
            where,
            "one image has one label; for probabilities, type: y.argmax(axis=1)",
        )
    return array.argmax(axis=1)


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.generic):
        value = cast("Any", value).item()
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | int | float):
        return str(value)
    raise SightlineError(f"labels are numbers or strings, not {type(value).__name__}", where)
