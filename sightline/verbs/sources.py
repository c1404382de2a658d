"""What the sources on a command line stand for."""

from __future__ import annotations

import glob
import io
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import cast

from sightline.core.errors import SightlineError
from sightline.data.image import SUFFIXES
from sightline.data.video import SUFFIXES as VIDEOS
from sightline.data.video import is_camera


def gather(
    sources: Iterable[str], standard_input: Iterable[str] | None = None, more: Sequence[str] = (), videos: bool = False
) -> list[Path]:
    """The image files that files, folders, globs and `-` (a list of paths on stdin) stand for, in that order.

    more: suffixes that count in folders besides those of images. videos: cameras are sources too, and a folder without
    images stands for its videos. A folder that a pattern matches is one, too. Raises SightlineError for a source that
    stands for nothing, but for an empty list: then there is nothing to do.
    """
    found: list[Path] = []
    for source in sources:
        path = Path(source)
        if source == "-":
            lines = standard_input or _standard_input()
            found += [Path(line.rstrip("\r\n")) for line in lines if line.strip()]
        elif path.is_dir():
            images = _inside(path, more, videos)
            if not images:
                raise SightlineError("there are no images in this folder", source)
            found += images
        elif (videos and is_camera(source)) or path.exists():
            found.append(path)
        elif matches := sorted(glob.glob(source, recursive=True)):  # noqa: PTH207 (absolute patterns too)
            images: list[Path] = []
            for match in map(Path, matches):
                images += [match] if match.is_file() else _inside(match, more, videos)
            if not images:
                raise SightlineError("there are no images in what this pattern matches", source)
            found += dict.fromkeys(images)  # `**` matches folders and what is in them
        else:
            raise SightlineError("there is no such image, folder or pattern", source)
    return found


def _standard_input() -> Iterable[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # file names need not be text
    return cast("Iterable[str]", sys.stdin)


def _inside(folder: Path, more: Sequence[str], videos: bool) -> list[Path]:
    """The images below a folder; where there are none and `videos` count, its videos."""
    # Strings: 10,000 Path objects would cost more than reading as many small images.
    names = sorted(f"{root}{os.sep}{f}" for root, _, files in os.walk(folder) for f in files if f[0] != ".")
    wanted = (_with_suffix(names, suffixes) for suffixes in ({*SUFFIXES, *more}, VIDEOS if videos else ()))
    return next((some for some in wanted if some), list[Path]())


def _with_suffix(names: Iterable[str], suffixes: Collection[str]) -> list[Path]:
    return [Path(name) for name in names if name[name.rfind(".") :].lower() in suffixes]
