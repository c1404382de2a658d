"""Whether a file was replaced."""

from __future__ import annotations

import os
from pathlib import Path

Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """What changes when a file is replaced: time, size, inode; None where there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 (once a second for each file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
