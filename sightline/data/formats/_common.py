"""What several formats share: questions to the disk that never raise, the names of splits, natural order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sightline.core.errors import SightlineError, nearest

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""What people call the splits, in lower case, and what we call them."""

COLUMNS = {
    "image": ("image", "filename", "file", "path", "filepath", "image_path", "img"),
    "label": ("label", "class", "target", "category"),
    "value": ("value",),
    "text": ("text", "transcript", "transcription"),
    "mask": ("mask", "mask_path"),
    "split": ("split",),
    "group": ("group",),
}
"""The columns of a table, and what else they may be called; the first that is there counts."""

Note = tuple[str, str, tuple[str, ...]]
"""(code, message, items), as a Dataset holds them."""

_DIGITS = re.compile(r"(\d{1,18})")


def is_file(path: Path) -> bool:
    """Whether there is such a file; False too where the path is forbidden, too long or otherwise impossible."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; False too where the path is forbidden, too long or otherwise impossible."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def natural_key(path: str) -> tuple[list[str | int], str]:
    """A key that sorts `img2` before `img10` and a folder's files together; the path itself settles what is equal."""
    parts: list[str | int] = [*_DIGITS.split(path.casefold().replace("/", "\0"))]
    parts[1::2] = [int(part) for part in parts[1::2]]
    return parts, path


def split_name(text: str) -> str | None:
    """train, val or test for what people call them, "" for an empty text, None for anything else."""
    name = text.strip().casefold()
    return SPLIT_NAMES.get(name) if name else ""


def find_columns(names: Sequence[str], where: str, required: Sequence[str] = ("image",)) -> dict[str, int]:
    """The places of the columns that are there, by COLUMNS.

    Raises SightlineError where one that is required is missing, or a name occurs twice.
    """
    known = [name.strip().casefold() for name in names]
    places: dict[str, int] = {}
    for column, synonyms in COLUMNS.items():
        found = [name for name in synonyms if name in known]
        if found:
            if known.count(found[0]) > 1:
                raise SightlineError(f"the column {found[0]!r} occurs more than once", where)
            places[column] = known.index(found[0])
        elif column in required:
            raise missing_column(column, names, where)
    return places


def missing_column(column: str, names: Sequence[str], where: str) -> SightlineError:
    """The error for a column that is not there, with its nearest neighbour."""
    known = [name.strip().casefold() for name in names]
    near = [close for synonym in COLUMNS[column] for close in nearest(synonym, [*filter(None, known)], 1)]
    hint = f"did you mean {near[0]!r}? " if near else ""
    other = "; text that stands in the image goes into a column 'text'" if column == "label" else ""
    return SightlineError(
        f"there is no column {column!r} among: {', '.join(names)}"[:500],
        where,
        f"{hint}name it {column!r} in the header, which reads image,label[,split][,group]{other}",
    )


def dropped(code: str, what: str, items: Sequence[str]) -> list[Note]:
    """The note that `items` were left out, or none where there are none."""
    return [(code, f"{plural(len(items), 'row')} {what} left out", tuple(items))] if items else []


def plural(count: int, noun: str) -> str:
    """`1 image`, `2 images`, `2 entries`."""
    many = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"
