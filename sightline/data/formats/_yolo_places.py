"""Where YOLO data keeps its images and label files: data.yaml, lists of images, and the folders beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.data.formats._boxes import Troubles, clean
from sightline.data.formats._common import SPLIT_NAMES, is_file, is_folder
from sightline.data.formats._places import files_below, folders_in
from sightline.data.formats._yaml import parse
from sightline.data.formats.folder import is_image

MOST_BYTES = 1 << 20
"""No data.yaml is larger."""


@dataclass(frozen=True)
class Config:
    """What a data.yaml says. named: it has names, if none; parts: split to places as written; base: its `path`."""

    folder: Path
    names: dict[int, str] = field(default_factory=dict[int, str])
    parts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    base: str = ""
    keypoints: bool = False
    named: bool = False


def read_config(file: Path) -> Config:
    """The data.yaml. Raises SightlineError where it cannot be read; what is not understood in it is passed over."""
    try:
        with file.open("rb") as stream:
            text = stream.read(MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(f"the YAML cannot be read ({error})", str(file), "save it as UTF-8") from None
    found = parse(text)
    parts: dict[str, list[str]] = {}
    for key, split in SPLIT_NAMES.items():
        places = found.get(key, "")
        listed = [places] if isinstance(places, str) else [*places]
        if any(listed):
            parts.setdefault(split, []).extend(filter(None, listed))
    base = found.get("path", "")
    names = _names(found.get("names", ""))
    return Config(
        file.parent, names, parts, base if isinstance(base, str) else "", "kpt_shape" in found, "names" in found
    )


def sources(root: Path, config: Config | None, troubles: Troubles) -> list[tuple[Path, str | None]]:
    """The folders and lists of images, each with its split; None where the folder of each image tells.

    Raises SightlineError where data.yaml names places, and none of them is there.
    """
    if config is None or not config.parts:
        inside = [root / "images", *(folder / "images" for folder in folders_in(root) if _is_split(folder.name))]
        return [(folder, None) for folder in [f for f in inside if is_folder(f)] or [root]]
    found: dict[Path, list[str]] = {}
    for split, places in config.parts.items():
        for text in places:
            place = _place(config, text)
            if place is None:
                troubles.add("absent_part", f"{split}: {text}")
            else:
                found.setdefault(place, []).append(split)
    if not found:
        named = ", ".join(text for places in config.parts.values() for text in places)
        raise SightlineError(
            f"none of the folders is there that data.yaml names: {named}"[:300], str(config.folder), "correct its paths"
        )
    # One folder for several splits, as where there is no val part: its own name tells, or nothing does.
    return [(place, splits[0] if len(splits) == 1 else None) for place, splits in found.items()]


def source_images(source: Path, troubles: Troubles) -> Iterator[Path]:
    """The images below a folder in natural order, or those of a list in its order."""
    if is_folder(source):
        yield from files_below(source)
        return
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(f"the list cannot be read ({error})", str(source), "save it as UTF-8") from None
    for line in filter(None, map(str.strip, lines)):
        path = source.parent / line.replace("\\", "/")
        if is_file(path) and is_image(path.name):
            yield path
        else:
            troubles.add("absent_image", line)


def label_folder(folder: Path) -> Path:
    """Where the label files of the images in a folder lie: `labels` for the last `images` in its path, or beside."""
    parts = [*folder.parts]
    for place in range(len(parts) - 1, -1, -1):
        if parts[place].casefold() == "images":
            parts[place] = "labels"
            other = Path(*parts)
            return other if is_folder(other) else folder
    return folder


def _names(value: str | list[str] | dict[str, str]) -> dict[int, str]:
    pairs = [*value.items()] if isinstance(value, dict) else [*enumerate([] if isinstance(value, str) else value)]
    numbered = [(int(key), clean(name)) for key, name in pairs if isinstance(key, int) or _is_number(key)]
    return {number: name or str(number) for number, name in sorted(numbered)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _place(config: Config, text: str) -> Path | None:
    """The folder or list that is meant: below `path`, beside data.yaml, or there without a leading `../`."""
    text = text.replace("\\", "/")
    inner = text
    while inner.startswith(("../", "./")):  # Roboflow writes ../train/images for what lies beside the file
        inner = inner.partition("/")[2]
    base = config.folder / config.base.replace("\\", "/")
    for candidate in (base / text, config.folder / text, base / inner, config.folder / inner):
        if is_folder(candidate) or (is_file(candidate) and candidate.suffix.lower() == ".txt"):
            return _normal(candidate)
    return None


def _normal(path: Path) -> Path:
    """Without `.` and, where it goes no way around, `..`: the same folder has one name."""
    try:
        return path.resolve() if ".." in path.parts else path
    except (OSError, RuntimeError):
        return path


def _is_split(name: str) -> bool:
    return name.casefold() in SPLIT_NAMES
