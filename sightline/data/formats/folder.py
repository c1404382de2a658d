"""A folder a class, flat or under splits; folders deeper inside a class belong to it.

    ROOT/CLASS/*.jpg                                    flat
    ROOT/{train,val,test}/CLASS/*.jpg                   with splits; see SPLIT_NAMES for what else they may be called

ROOT may be wrapped in single folders (`ROOT/photos/train/CLASS`). There are splits where every folder has a split's
name, or where `train` holds class folders. Images are known by `image.SUFFIXES` in any case. Hidden files, __MACOSX
and what systems leave behind are ignored; other files are counted in a note. Class names are Unicode, in NFC, so that
the same name from a Mac's archive is the same class.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, FileImages, printable
from sightline.data.formats._common import SPLIT_NAMES, Note, is_folder, natural_key, plural
from sightline.data.image import SUFFIXES

LEFT_BEHIND = frozenset(("__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", "@eadir"))
LAYOUT = "lay them out as ROOT/CLASS/image.jpg, or ROOT/train/CLASS/image.jpg and ROOT/test/CLASS/image.jpg"


@dataclass(frozen=True)
class Layout:
    """Images in class folders, as columns: paths relative to the root, classes, splits ("" for none), and notes."""

    paths: list[str]
    labels: list[str]
    splits: list[str]
    notes: tuple[Note, ...]


def sniff(path: Path) -> bool:
    """Whether this is a folder: the last guess."""
    return is_folder(path)


def load(path: Path) -> Dataset:
    """The images in class folders below `path`. Raises SightlineError where there are none."""
    if not is_folder(path):
        raise SightlineError("this is no folder", str(path), "give the folder that holds the class folders")
    files, folders, notes = _walk(path)
    layout = lay_out(files, folders, str(path))
    return Dataset(
        images=FileImages([path / name for name in layout.paths], path),
        target="label",
        targets=np.array(layout.labels, dtype=np.str_),
        splits=np.array(layout.splits, dtype="<U5"),
        groups=None,
        name=str(path),
        format="folder",
        notes=(*notes, *layout.notes),
    )


def ignored(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or was left behind by a system."""
    return name.startswith(".") or name.casefold() in LEFT_BEHIND


def is_image(name: str) -> bool:
    """Whether the suffix is one of an image."""
    return name[name.rfind(".") :].lower() in SUFFIXES


def lay_out(files: Iterable[str], folders: Iterable[str], where: str) -> Layout:
    """Classes and splits of relative POSIX paths; the same for a folder and an archive.

    files: without those that are `ignored`. folders: all of them, so that empty ones are seen. where: for errors.
    Raises SightlineError where there are no images, or none in a class folder.
    """
    images: list[str] = []
    others: list[str] = []
    for name in files:
        (images if is_image(name) else others).append(name)
    if not images:
        found = f"only {plural(len(others), 'other file')}" if others else "nothing at all"
        raise SightlineError(f"there are no images here, {found}", where, LAYOUT)
    images.sort(key=natural_key)
    others.sort(key=natural_key)
    dirs = sorted(folders, key=natural_key)
    base = _unwrap(images, others, dirs)
    splits = _split_folders(images, dirs, base)
    layout = Layout([], [], [], ())
    loose: list[str] = []
    strays: list[str] = []
    for name in images:
        split, parts = _place(name, base, splits)
        if split is None:
            strays.append(name)
        elif len(parts) < 2:
            loose.append(name)
        else:
            layout.paths.append(name)
            layout.labels.append(_class_name(parts[0]))
            layout.splits.append(split)
    if not layout.paths:
        raise SightlineError(f"{plural(len(loose), 'image')}, but none in a class folder", where, LAYOUT)
    empty = _empty_classes(images, dirs, base, splits)
    layout_notes = (
        _note("empty_class", empty, "class folder", "without images"),
        _note("no_class", loose, "image", "outside of any class folder left out"),
        _note("outside_splits", strays, "image", "beside the split folders left out"),
        _note("other_files", others, "file", "of other kinds than images left out"),
    )
    return Layout(layout.paths, layout.labels, layout.splits, tuple(note for note in layout_notes if note[2]))


def _note(code: str, items: list[str], noun: str, rest: str) -> Note:
    return code, f"{plural(len(items), noun)} {rest}", tuple(items)


def _below(names: Iterable[str], base: str) -> Iterator[str]:
    """The names below the folder `base` ("" or "a/b/"), without it."""
    return (name[len(base) :] for name in names if name.startswith(base) and len(name) > len(base))


def _unwrap(images: list[str], others: list[str], dirs: list[str]) -> str:
    """The one folder, as "" or "a/b/", in which the class or split folders lie side by side."""
    base = ""
    while True:
        inside = list(_below(images, base))
        tops = {name.partition("/")[0] for name in inside if "/" in name}
        if len(tops) != 1 or any("/" not in name for name in inside):
            return base
        top = next(iter(tops))
        direct = any("/" not in rest for rest in _below(inside, top + "/"))
        # Folders beside it that hold nothing at all are empty classes, so it is a class; with other files they are not.
        full = {name.partition("/")[0] for name in _below(others, base)}
        beside = {name.partition("/")[0] for name in _below(dirs, base)} - full - {top}
        if direct or beside or top.casefold() in SPLIT_NAMES:
            return base
        base = f"{base}{top}/"


def _split_folders(images: list[str], dirs: list[str], base: str) -> dict[str, str]:
    """Folder name to split; empty where the layout is flat."""
    inside = [name.split("/", 2) for name in _below(images, base)]
    tops = {parts[0] for parts in inside if len(parts) > 1}
    with_classes = {parts[0] for parts in inside if len(parts) > 2}
    named = {top: SPLIT_NAMES[top.casefold()] for top in tops if top.casefold() in SPLIT_NAMES}
    if len(named) == len(tops) or any(named.get(top) == "train" for top in with_classes):
        empty = {name.partition("/")[0] for name in _below(dirs, base)}
        return named | {top: SPLIT_NAMES[top.casefold()] for top in empty if top.casefold() in SPLIT_NAMES}
    return {}


def _place(name: str, base: str, splits: dict[str, str]) -> tuple[str | None, list[str]]:
    """The split (None: outside of all splits) and the path's parts from the class on."""
    if not name.startswith(base):
        return None, []
    parts = name[len(base) :].split("/")
    if not splits:
        return "", parts
    if len(parts) == 1:
        return "", parts
    return splits.get(parts[0]), parts[1:]


def _empty_classes(images: list[str], dirs: list[str], base: str, splits: dict[str, str]) -> list[str]:
    depth = 2 if splits else 1
    full = {"/".join(name.split("/")[:depth]) for name in _below(images, base)}
    found = ("/".join(name.split("/")[:depth]) for name in _below(dirs, base) if name.count("/") >= depth - 1)
    return [
        name for name in dict.fromkeys(found) if name not in full and (not splits or name.partition("/")[0] in splits)
    ]


def _class_name(name: str) -> str:
    return unicodedata.normalize("NFC", printable(name))


def _walk(root: Path) -> tuple[list[str], list[str], list[Note]]:
    """Files and folders below `root`, as relative POSIX paths. Links are followed; no folder is read twice."""
    files: list[str] = []
    folders: list[str] = []
    closed: list[str] = []
    repeated: list[str] = []
    seen: set[tuple[int, int]] = set()
    pending = [""]
    links: list[str] = []
    while pending or links:
        # Real folders come first, so that a link into the same tree is what is skipped, and not its goal.
        relative = pending.pop() if pending else links.pop()
        place = root / relative if relative else root
        try:
            state = place.stat()
            if (state.st_dev, state.st_ino) in seen and os.name == "posix":
                repeated.append(relative)
                continue
            seen.add((state.st_dev, state.st_ino))
            with os.scandir(place) as entries:
                found = [(entry, _kind(entry)) for entry in entries if not ignored(entry.name)]
        except OSError as error:
            if not relative:
                raise SightlineError(f"the folder cannot be read ({error.strerror})", str(root)) from None
            closed.append(relative)
            continue
        for entry, kind in sorted(found, key=lambda pair: pair[0].name, reverse=True):
            name = f"{relative}/{entry.name}" if relative else entry.name
            if kind == "file":
                files.append(name)
            elif kind:
                folders.append(name)
                (pending if kind == "folder" else links).append(name)
    notes = (
        _note("unreadable_folder", closed, "folder", "that may not be read left out"),
        _note("repeated_folder", repeated, "link", "to a folder that was already read left out"),
    )
    return files, folders, [note for note in notes if note[2]]


def _kind(entry: os.DirEntry[str]) -> str:
    """`folder`, `link` (to a folder), `file`, or "" for what must not be opened (pipes, devices).

    A link that leads nowhere counts as a file: reading it fails, is counted and listed.
    """
    try:
        if entry.is_dir():
            return "link" if entry.is_symlink() else "folder"
        if entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists()):
            return "file"
    except OSError:  # a link that leads to itself
        return "file"
    return ""
