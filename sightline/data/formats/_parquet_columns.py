"""Columns of Parquet files as texts and numbers: labels, lists of them, values, splits, names of classes."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.formats._common import split_name
from sightline.data.formats._targets import number
from sightline.data.formats._values import label_texts
from sightline.data.labels import joined


def number_of(value: Any, file: Path, row: int) -> float | None:
    """The number in a cell; None where it is empty, NaN for a text that is none."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return number(value) if value.strip() else None
    raise SightlineError(f"a value is a number, not {type(value).__name__}", f"{file}, row {row}")


def class_names(metadata: Any, column: str) -> tuple[str, ...]:
    """The names of Hugging Face's ClassLabel, or none; metadata that is something else is none of our business."""
    try:
        feature: Any = json.loads(metadata[b"huggingface"])["info"]["features"][column]
        inner = cast("Any", feature[0] if isinstance(feature, list) else feature)
        names: Any = inner.get("feature", inner)["names"]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError):
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[Any]", names)):
        return ()
    return tuple(unicodedata.normalize("NFC", name) for name in cast("list[str]", names))


def labels_of(values: Sequence[Any], classes: tuple[str, ...], file: Path) -> list[str]:
    """A text a row; of lists, the joined names."""
    if any(isinstance(value, list) for value in values):
        rows = [cast("list[Any]", value) if isinstance(value, list) else [] for value in values]
        if any(isinstance(item, list) for row in rows for item in row):
            raise SightlineError("a label in a list is a number or a string, not list", f"{file}: label")
        flat = iter(labels_of([item for row in rows for item in row], classes, file))
        return [joined(name for _ in row if (name := next(flat))) for row in rows]
    if not classes or any(isinstance(value, str) for value in values):
        texts = label_texts(objects(values), f"{file}: label").tolist()
        return [unicodedata.normalize("NFC", text.strip()) for text in texts]
    for row, value in enumerate(values):
        if value is not None and not (isinstance(value, int) and -1 <= value < len(classes)):
            raise SightlineError(
                f"label {value!r} is outside of the {len(classes)} classes listed", f"{file}, row {row}"
            )
    # Hugging Face writes -1 where there is no label.
    return ["" if value is None or value < 0 else classes[value] for value in values]


def splits_of(values: Sequence[Any], file: Path) -> list[str]:
    """train, val, test or an empty text a row. Raises SightlineError for any other word."""
    found: list[str] = []
    for row, value in enumerate(values):
        split = split_name("" if value is None else str(value))
        if split is None:
            raise SightlineError(f"unknown split {value!r}", f"{file}, row {row}", "a split is train, val or test")
        found.append(split)
    return found


def objects(values: Sequence[Any]) -> Any:
    """(n,) objects: numpy would turn a column of numbers and None into something else."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
