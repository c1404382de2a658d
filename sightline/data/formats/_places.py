"""Where the images of an annotation lie: the files below a folder, and names that lead to one of them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sightline.data.formats._common import SPLIT_NAMES, is_file, natural_key
from sightline.data.formats.folder import ignored, is_image


def files_below(root: Path, suffixes: Sequence[str] | None = None) -> list[Path]:
    """The files below `root` with one of the suffixes (None: images), in natural order; hidden ones are ignored."""
    found = [path for path in _walk(root) if _wanted(path.name, suffixes)]
    return sorted(found, key=lambda path: natural_key(path.relative_to(root).as_posix()))


def files_in(folder: Path, suffixes: Sequence[str] | None = None) -> list[Path]:
    """The files directly in a folder, as `files_below`; none where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not ignored(entry.name) and _wanted(entry.name, suffixes)]
    except (OSError, ValueError):
        return []
    return [folder / name for name in sorted(names, key=natural_key) if is_file(folder / name)]


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in a folder, in natural order; hidden ones are ignored."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not ignored(entry.name) and entry.is_dir()]
    except (OSError, ValueError):
        return []
    return [folder / name for name in sorted(names, key=natural_key)]


def split_in(text: str) -> str:
    """The split that a name speaks of, such as `instances_train2017`; "" where it speaks of none."""
    words = re.findall("[a-z]+", text.casefold())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "")


def split_of_folders(path: Path, root: Path) -> str:
    """The split after which a folder between the root and the file is called; "" where none is."""
    parts = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    return next((SPLIT_NAMES[part.casefold()] for part in parts if part.casefold() in SPLIT_NAMES), "")


@dataclass(frozen=True)
class Pictures:
    """Finds images by the names that annotations give them: in `folders`, in this order, or else anywhere below `root`.

    split: images in the folders of other splits are not meant.
    """

    folders: Sequence[Path]
    root: Path
    split: str = ""

    def find(self, name: str) -> Path | None:
        """The one image of that name, which may hold folders, even those of another machine; None where there is none.

        Never leads out of the folders, whatever the name says.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        if not parts or not is_image(parts[-1]):
            return None
        for folder in self.folders:
            if is_file(folder.joinpath(*parts)):
                return folder.joinpath(*parts)
        for folder in self.folders if len(parts) > 1 else ():
            if is_file(folder / parts[-1]):
                return folder / parts[-1]
        return self._elsewhere(parts)

    def _elsewhere(self, parts: list[str]) -> Path | None:
        """The image with the longest tail of its path in common; None where several have it."""
        best: list[Path] = []
        longest = 0
        for path in self._by_name.get(unicodedata.normalize("NFC", parts[-1]), []):
            if split_of_folders(path, self.root) not in ("", self.split) and self.split:
                continue
            alike = zip(reversed(path.parts), reversed(parts), strict=False)
            tail = next((count for count, (one, other) in enumerate(alike) if one != other), len(parts))
            if tail >= longest:
                best = [path] if tail > longest else [*best, path]
                longest = tail
        return best[0] if len(best) == 1 else None

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in files_below(self.root):
            found.setdefault(unicodedata.normalize("NFC", path.name), []).append(path)
        return found


def _wanted(name: str, suffixes: Sequence[str] | None) -> bool:
    return is_image(name) if suffixes is None else name.lower().endswith(tuple(suffixes))


def _walk(root: Path) -> Iterator[Path]:
    """All files; links are followed, and no folder is read twice."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not ignored(name))
        yield from (Path(folder) / name for name in files if not ignored(name))
