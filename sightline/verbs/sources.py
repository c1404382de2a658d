"""What the sources on a command line stand for."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.data.image import SUFFIXES
from sightline.data.video import SUFFIXES as VIDEOS
from sightline.data.video import is_camera


def gather(
    sources: Iterable[str], standard_input: Iterable[str] | None = None, more: Sequence[str] = (), videos: bool = False
) -> list[Path]:
    """The image files that files, folders, globs and `-` (a list of paths on stdin) stand for, in that order.

    more: suffixes that count in folders besides those of images. videos: cameras are sources too, and a folder without
    images stands for its videos. Raises SightlineError for a source that stands for
    nothing.
    """
    found: list[Path] = []
    for source in sources:
        path = Path(source)
        if source == "-":
            found += [Path(line.rstrip("\r\n")) for line in (standard_input or sys.stdin) if line.strip()]
        elif path.is_dir():
            # Strings: 10,000 Path objects would cost more than reading as many small images.
            inside = sorted(f"{root}{os.sep}{f}" for root, _, files in os.walk(path) for f in files if f[0] != ".")
            wanted = (_with_suffix(inside, suffixes) for suffixes in ({*SUFFIXES, *more}, VIDEOS if videos else ()))
            images = next((some for some in wanted if some), None)
            if images is None:
                raise SightlineError("there are no images in this folder", source)
            found += images
        elif (videos and is_camera(source)) or path.exists():
            found.append(path)
        elif matches := sorted(glob.glob(source, recursive=True)):  # noqa: PTH207 (absolute patterns too)
            found += [Path(match) for match in matches if Path(match).is_file()]
        else:
            raise SightlineError("there is no such image, folder or pattern", source)
    return found


def _with_suffix(names: Iterable[str], suffixes: Collection[str]) -> list[Path]:
    return [Path(name) for name in names if name[name.rfind(".") :].lower() in suffixes]
