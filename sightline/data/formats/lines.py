"""Line images with their transcripts beside them: NAME.png (or any image) and NAME.gt.txt.

    ROOT/*.png + *.gt.txt                               flat, or in any folders
    ROOT/{train,val,test}/…                             with splits; see SPLIT_NAMES for what else they may be called

The layout of OCRopus, Kraken and Calamari. Transcripts are UTF-8; one that is not, one without an image, and an image
without one are left out and noted. A folder is taken for lines where at least one transcript lies in it.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, FileImages
from sightline.data.formats._common import SPLIT_NAMES, Note, is_folder, natural_key, plural
from sightline.data.formats.folder import ignored, is_image

SUFFIX = ".gt.txt"
LOOKED_AT = 2000
"""So many files are looked at to see whether a folder holds transcripts."""


def sniff(path: Path) -> bool:
    """Whether this is a folder with a transcript in it."""
    if not is_folder(path):
        return False
    for number, name in enumerate(_files(path)):
        if name.lower().endswith(SUFFIX):
            return True
        if number > LOOKED_AT:
            return False
    return False


def load(path: Path) -> Dataset:
    """The lines below `path`. Raises SightlineError where there are none."""
    if not is_folder(path):
        raise SightlineError("this is no folder", str(path), "give the folder that holds the lines")
    names = sorted(_files(path), key=natural_key)
    transcripts = {name[: -len(SUFFIX)]: name for name in names if name.lower().endswith(SUFFIX)}
    images = {_stem(name, transcripts): name for name in reversed(names) if is_image(name)}
    texts: dict[str, str] = {}
    damaged: list[str] = []
    for stem in transcripts.keys() & images.keys():
        try:
            texts[stem] = (path / transcripts[stem]).read_text(encoding="utf-8-sig").strip()
        except (UnicodeDecodeError, OSError):
            damaged.append(transcripts[stem])
    stems = sorted(texts, key=natural_key)
    if not stems:
        if damaged:
            raise SightlineError(f"no transcript can be read as UTF-8, {damaged[0]} for one", str(path),
                                 "save them as UTF-8 text")  # fmt: skip
        found = f"{plural(len(images), 'image')} and {plural(len(transcripts), 'transcript')}, but no pair of them"
        raise SightlineError(found, str(path), f"beside line.png lies line{SUFFIX}")
    return Dataset(
        images=FileImages([path / images[stem] for stem in stems], path),
        target="text",
        targets=np.array([texts[stem] for stem in stems], dtype=np.str_),
        splits=np.array([SPLIT_NAMES.get(stem.partition("/")[0].casefold(), "") for stem in stems], "<U5"),
        groups=None,
        name=str(path),
        format="lines",
        notes=_notes(images, transcripts, damaged, [transcripts[s] for s in stems if len(texts[s].splitlines()) > 1]),
    )


def _notes(
    images: dict[str, str], transcripts: dict[str, str], damaged: list[str], long: list[str]
) -> tuple[Note, ...]:
    lonely = sorted(transcripts[stem] for stem in transcripts.keys() - images.keys())
    silent = sorted(images[stem] for stem in images.keys() - transcripts.keys())
    found = (
        ("no_image", f"{plural(len(lonely), 'transcript')} without an image left out", tuple(lonely)),
        ("no_text", f"{plural(len(silent), 'image')} without a transcript left out", tuple(silent)),
        ("encoding", f"{plural(len(damaged), 'transcript')} that cannot be read as UTF-8 left out", tuple(damaged)),
        ("several_lines", f"{plural(len(long), 'transcript')} of several lines, learned as one", tuple(long)),
    )
    return tuple(note for note in found if note[2])


def _stem(name: str, known: Container[str]) -> str:
    """The name without its suffix; without all that follows its first dot where only that has a transcript:
    `a/b.bin.png` is an image of `a/b`."""
    stem = name.rpartition(".")[0]
    folder, slash, last = name.rpartition("/")
    short = folder + slash + last.partition(".")[0]
    return short if stem not in known and short in known else stem


def _files(root: Path) -> Iterable[str]:
    """Files below `root` as relative POSIX paths; hidden ones and what systems leave behind are not seen."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not ignored(name))
        relative = Path(folder).relative_to(root).as_posix()
        for name in files:
            if not ignored(name):
                yield name if relative == "." else f"{relative}/{name}"
