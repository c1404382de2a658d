"""What the values of masks mean: a table of classes beside them, or else the masks themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.data.formats._common import is_file
from sightline.data.masks import IGNORE, MOST_CLASSES, MaskFile, MaskKey, column_of

TABLES = ("classes.txt", "classes.csv", "_classes.csv", "class_dict.csv", "label_colors.txt", "labelmap.txt")
IGNORED = frozenset(("ignore", "ignored", "void", "unlabelled", "unlabeled"))
"""Names that stand for pixels that count for nothing."""
_COLOUR_FIRST = re.compile(r"^(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(.+)$")
_COLOUR_LAST = re.compile(r"^(.+?)[\s,;:]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[:\s]*$")
_VALUE = re.compile(r"^(\d{1,3})\s*,\s*([^,]+)$")

Colour = tuple[int, int, int]


def references(root: Path, names: Sequence[str]) -> tuple[NDArray[np.object_], tuple[str, ...]]:
    """(n,) targets for mask files named relative to `root` (or absolutely), and the names of their classes."""
    if not names:
        return column_of([]), ()
    files = [root / name for name in names]
    table = next((place for place in _places_of_table(root, files[0]) if is_file(place)), None)
    key = read_table(table) if table else key_of_data(files)
    return column_of([MaskFile(file, key, name) for file, name in zip(files, names, strict=True)]), key.names


def _places_of_table(root: Path, mask: Path) -> Iterator[Path]:
    """In the folders above the mask up to the root, the nearest first; beside the mask and above it, if not below."""
    above = list(mask.absolute().parents)
    place = root.absolute()
    for folder in above[: above.index(place) + 1] if place in above else above[:3]:
        yield from (folder / name for name in TABLES)


def read_table(path: Path) -> MaskKey:
    """From a line a class: `name`; `name red green blue` or the other way round; or `value,name`.

    The order of the lines counts the values from 0. Besides 255, the value behind the last one is ignored: many tools
    write it for pixels of no class. Raises SightlineError for what is no such table.
    """
    rows = _rows(path)
    names: list[str] = []
    values: dict[int, int] = {}
    colours: dict[Colour, int] = {}
    for place, (name, value, colour) in enumerate(rows):
        number = IGNORE
        if name.casefold() not in IGNORED:
            if name not in names:
                names.append(name)
            number = names.index(name)
        values[place if value is None else value] = number
        if colour:
            colours[colour] = number
    if not names:
        raise SightlineError("the table names no class", str(path), "write the name of a class on each line")
    if len(names) > MOST_CLASSES:
        raise SightlineError(f"the table names {len(names)} classes, more than {MOST_CLASSES}", str(path))
    values.setdefault(max(values) + 1, IGNORE)
    return MaskKey.of(names, values, colours)


def _rows(path: Path) -> list[tuple[str, int | None, Colour | None]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise SightlineError("the table of classes cannot be read as UTF-8", str(path)) from None
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    found = [_row(line) for line in lines]
    if len(lines) > 1 and found[0][1:] == (None, None) and any(row[1:] != (None, None) for row in found):
        found = found[1:]  # a header: name,r,g,b
    if any(colour for _, _, colour in found) and not all(colour for _, _, colour in found):
        wrong = next(line for line, row in zip(lines[-len(found) :], found, strict=True) if not row[2])
        raise SightlineError(
            f"this line of the table has no colour: {wrong!r}", str(path), "write: name red green blue"
        )
    return found


def _row(line: str) -> tuple[str, int | None, Colour | None]:
    first, last, value = _COLOUR_FIRST.match(line), _COLOUR_LAST.match(line), _VALUE.match(line)
    if first:
        return first[4].strip(" \t\"'"), None, (int(first[1]), int(first[2]), int(first[3]))
    if last:
        return last[1].strip(" \t\"'"), None, (int(last[2]), int(last[3]), int(last[4]))
    if value:
        return value[2].strip(" \t\"'"), int(value[1]), None
    return line.rstrip(",").strip(" \t\"'"), None, None


def key_of_data(files: Sequence[Path]) -> MaskKey:
    """Where no table says it: every value is a class of that name, 255 is ignored; 0 and 255 alone are two classes.

    Raises SightlineError for masks in colour, and for more values than there can be classes.
    """
    held = np.zeros(256, bool)
    anything = MaskKey.of([], {value: value for value in range(256)})
    for file in files:
        try:
            values = MaskFile(file, anything, file.name).values()
        except SightlineError:  # damaged: `check` will tell
            continue
        if values.ndim == 3 and (values != values[..., :1]).any():
            raise SightlineError(
                "the masks are in colour, and no table says what the colours mean", str(file),
                "write classes.csv beside the folders of images and masks, a line a class: name,red,green,blue",
            )  # fmt: skip
        values = values[..., 0] if values.ndim == 3 else values
        if values.size and (values.min() < 0 or values.max() > 255):
            raise SightlineError(f"the mask holds the value {values.max()}, above 255", str(file))
        held |= np.bincount(values.ravel(), minlength=256) > 0
    return key_of_values(np.flatnonzero(held).tolist())


def key_of_values(values: Sequence[int]) -> MaskKey:
    """The key of masks that hold these values, without a table."""
    if set(values) == {0, 255}:
        return MaskKey.of(("background", "foreground"), {0: 0, 255: 1})
    classes = [value for value in values if value != IGNORE]
    if len(classes) > MOST_CLASSES:
        raise SightlineError(
            f"the masks hold {len(classes)} different values: these are pictures, not class numbers",
            fix="name the classes in classes.txt, or give masks with a number a class",
        )
    return MaskKey.of([str(value) for value in classes], {value: place for place, value in enumerate(classes)})
