"""What the formats of boxes share: sound boxes, troubles that are counted and named, and the Dataset of it all."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sightline.core.boxes import Boxes, column
from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, FileImages
from sightline.data.formats._common import Note

FARTHEST = 1e9
"""Pixels; a corner beyond is no place in any image."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
TROUBLES = {
    "absent_image": ("image that is", "images that are", "annotated but not there left out"),
    "no_annotation": ("image", "images", "without an annotation kept: nothing is in there"),
    "nan_box": ("box", "boxes", "with corners that are no finite numbers left out"),
    "reversed_box": ("box", "boxes", "with a negative width or height left out"),
    "unknown_class": ("box", "boxes", "of a class that the data does not list left out"),
    "unknown_image": ("box", "boxes", "of an image that the data does not list left out"),
    "no_label": ("box", "boxes", "without a label left out"),
    "strange_box": ("object", "objects", "without a box that can be read left out"),
    "strange_image": ("image entry", "image entries", "without a name or a number left out"),
    "repeated_image": ("image entry", "image entries", "with a number that occurs before left out"),
    "broken_file": ("file", "files", "that cannot be read left out"),
    "absent_part": ("folder", "folders", "that data.yaml names, but that is not there, left out"),
    "outside_splits": ("image", "images", "that no list of a split names left out"),
    "field_count": ("row", "rows", "with more or fewer fields than the header left out"),
    "empty_image": ("row", "rows", "without an image left out"),
    "unused_class": ("class", "classes", "that only names the group of the others left out"),
}
"""Code to (one, several, what about it)."""


class Row(NamedTuple):
    """One object: its class, (left, top, right, bottom) in px, and whether it counts neither as found nor missed."""

    label: str
    corners: tuple[float, float, float, float]
    hard: bool = False


@dataclass(frozen=True)
class Example:
    """One image with its objects, as a reader gathers them."""

    path: Path
    split: str
    rows: list[Row] = field(default_factory=list[Row])
    group: str = ""


@dataclass(frozen=True)
class Troubles:
    """What was wrong on the way: code (a key of TROUBLES) to the names of what it was."""

    items: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def add(self, code: str, item: str) -> None:
        """Counts and names one."""
        self.items.setdefault(code, []).append(clean(item))

    def notes(self) -> tuple[Note, ...]:
        """As a Dataset holds them."""
        found: list[Note] = []
        for code, items in self.items.items():
            one, several, rest = TROUBLES[code]
            found.append((code, f"{len(items):,} {one if len(items) == 1 else several} {rest}", tuple(items)))
        return tuple(found)


def clean(text: str) -> str:
    """The text in NFC, stripped, and without what some file or terminal does not take.

    Control characters become spaces, half a surrogate pair becomes a question mark.
    """
    text = _CONTROLS.sub(" ", text.encode("utf-8", "replace").decode())
    return unicodedata.normalize("NFC", text).strip()


def add_row(rows: list[Row], row: Row, where: str, troubles: Troubles) -> None:
    """Appends the row, or notes why it is none."""
    left, top, right, bottom = row.corners
    if not all(math.isfinite(value) and abs(value) <= FARTHEST for value in row.corners):
        troubles.add("nan_box", where)
    elif right < left or bottom < top:
        troubles.add("reversed_box", where)
    elif not row.label:
        troubles.add("no_label", where)
    else:
        rows.append(row)


def numbers(values: object, count: int) -> tuple[float, ...] | None:
    """`count` floats from a list of numbers or their texts, NaN included; None where it is anything else."""
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        return None
    try:
        found = tuple(float(value) for value in values if not isinstance(value, bool))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if len(found) == count else None


def boxes_of(rows: Sequence[Row]) -> Boxes:
    """The target of one image."""
    corners = np.array([row.corners for row in rows], np.float64).reshape(-1, 4)
    return Boxes(corners, tuple(row.label for row in rows), np.array([row.hard for row in rows], np.bool_))


def as_dataset(
    examples: Sequence[Example],
    troubles: Troubles,
    path: Path,
    root: Path,
    format: str,
    classes: Sequence[str] = (),
) -> Dataset:
    """The Dataset of the examples. Raises SightlineError where there are none, or one image stands in two splits."""
    notes = troubles.notes()
    if not examples:
        why = "; ".join(f"{message}, the first: {items[0]}" for _, message, items in notes)
        raise SightlineError(f"no image can be used{f' ({why})' if why else ''}"[:500], str(path), "check the paths")
    splits: dict[Path, str] = {}
    for example in examples:
        if splits.setdefault(example.path, example.split) != example.split:
            two = f"{splits[example.path] or 'none'} and {example.split or 'none'}"
            raise SightlineError(f"an image stands in two splits, {two}", str(example.path), "keep it in one of them")
    grouped = any(example.group for example in examples)
    return Dataset(
        images=FileImages([example.path for example in examples], root),
        target="boxes",
        targets=column([boxes_of(example.rows) for example in examples]),
        splits=np.array([example.split for example in examples], "<U5"),
        groups=np.array([example.group for example in examples], np.str_) if grouped else None,
        name=str(path),
        format=format,
        classes=tuple(dict.fromkeys(classes)),
        notes=notes,
    )
