"""What several formats share: questions to the disk that never raise, the names of splits, natural order."""

from __future__ import annotations

import re
from pathlib import Path

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


def plural(count: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
