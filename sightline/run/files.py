"""Files appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sightline.core.errors import SightlineError


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Calls `write` with a file of a temporary name beside `path`, then renames it. What was there stays on failure."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise SightlineError(
            f"cannot write the file ({error.strerror or error})",
            str(path),
            "check that the folder may be written to and has room; what was there before is untouched",
        ) from None
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """`write_whole` of UTF-8 text; file names that are no text keep their bytes."""
    write_whole(path, lambda file: file.write(text.encode(errors="surrogateescape")))


def can_write(path: Path) -> bool:
    """Whether a file can be written there, to be asked before the work and not after it; makes its folder."""
    try:
        make_folder(path.parent)
        with tempfile.TemporaryFile(dir=path.parent):
            return not path.is_dir()
    except (SightlineError, OSError):
        return False


def make_folder(path: Path) -> None:
    """Makes the folder and its parents. Raises SightlineError where that is not allowed."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SightlineError(
            f"cannot make the folder ({error.strerror})", str(path), "name another one with --out"
        ) from None
    if not os.access(path, os.W_OK):
        raise SightlineError("the folder may not be written to", str(path), "name another one with --out")
