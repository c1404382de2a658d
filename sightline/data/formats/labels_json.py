"""A folder with labels.json beside images/: {"NAME.jpg": "its text", …}, the layout of docTR.

    ROOT/labels.json + ROOT/images/NAME.jpg             flat
    ROOT/{train,val,test}/labels.json + images/         with splits; see SPLIT_NAMES for what else they may be called

Instead of the text alone there may be an object that holds it as `text` or `label`. Names are relative to `images`, or
to the file's own folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, FileImages
from sightline.data.formats._common import SPLIT_NAMES, Note, is_file, is_folder, natural_key, plural

NAME = "labels.json"


def sniff(path: Path) -> bool:
    """Whether this is such a file or folder."""
    return (is_file(path) and path.name == NAME) or (is_folder(path) and bool(_files(path)))


def load(path: Path) -> Dataset:
    """All images that labels.json names. Raises SightlineError for broken JSON, and where there is none."""
    root = path.parent if is_file(path) else path
    found = [(path, "")] if is_file(path) else _files(path)
    if not found:
        raise SightlineError(f"there is no {NAME} here", str(path), f"beside images/ lies {NAME}")
    paths: list[Path] = []
    texts: list[str] = []
    splits: list[str] = []
    strange: list[str] = []
    for file, split in found:
        for name, text in sorted(_pairs(file).items(), key=lambda pair: natural_key(pair[0])):
            if text is None or ".." in Path(name).parts or Path(name).is_absolute():
                strange.append(name)
                continue
            inside = file.parent / "images" / name
            paths.append(inside if is_file(inside) or not is_file(file.parent / name) else file.parent / name)
            texts.append(text)
            splits.append(split)
    if not paths:
        raise SightlineError(f"no entry of {NAME} can be used", str(path), 'an entry reads: "line.jpg": "its text"')
    notes: list[Note] = []
    if strange:
        notes.append(
            ("strange_entry", f"{plural(len(strange), 'entry')} without a text or a place left out", tuple(strange))
        )
    return Dataset(
        images=FileImages(paths, root),
        target="text",
        targets=np.array(texts, np.str_),
        splits=np.array(splits, "<U5"),
        groups=None,
        name=str(path),
        format="labels_json",
        notes=tuple(notes),
    )


def _files(root: Path) -> list[tuple[Path, str]]:
    """The files, each with its split."""
    if is_file(root / NAME):
        return [(root / NAME, "")]
    return [(root / folder / NAME, split) for folder, split in SPLIT_NAMES.items() if is_file(root / folder / NAME)]


def _pairs(file: Path) -> dict[str, str | None]:
    try:
        table: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SightlineError(f"the JSON cannot be read ({error})", str(file), "save it as UTF-8") from None
    if not isinstance(table, dict):
        raise SightlineError("the JSON is not an object of names and texts", str(file))
    return {name: _text(value) for name, value in cast("dict[str, Any]", table).items()}


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        pair = cast("dict[str, Any]", value)
        value = pair.get("text", pair.get("label"))
    return value if isinstance(value, str) else None
