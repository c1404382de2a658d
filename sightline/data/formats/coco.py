"""COCO JSON: a file, or a folder with one file a split and the images.

    ROOT/annotations/instances_{train,val}.json + ROOT/images/…        or ROOT/train2017/…, as COCO itself
    ROOT/{train,valid,test}/_annotations.coco.json + images beside     as Roboflow writes it
    ROOT/anything.json + ROOT/images/…, ROOT/data/… or beside

`bbox` is left, top, width, height in px; where it is missing, the polygon's outermost points count. Classes stand in
the order of their ids, which may have gaps. Objects with `iscrowd` are hard: neither found nor missed. Listed images
without objects are kept; images on disk that no file lists are not part of the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset
from sightline.data.formats._boxes import Example, Row, Troubles, add_row, as_dataset, clean, numbers
from sightline.data.formats._common import SPLIT_NAMES, is_file, is_folder
from sightline.data.formats._places import Pictures, files_in, folders_in, split_in

KINDS = ("boxes", "mask")
_LOOKED_AT = 1 << 16
"""Bytes at the beginning and the end of a file that are looked at to see whether it is COCO."""
_MARKS = (b'"images"', b'"annotations"', b'"categories"', b'"file_name"', b'"bbox"', b'"category_id"')
_MARKS_NEEDED = 3
Document = dict[str, Any]


def sniff(path: Path) -> bool:
    """Whether this is such a file, or a folder with one in it."""
    return any(_looks(file) for file, _ in _candidates(path))


def load(path: Path, kind: str | None = None) -> Dataset:
    """All images that the JSON lists. Raises SightlineError for broken JSON, and where no image is there.

    kind: `mask` for a label for each pixel, from polygons and run lengths; else boxes.
    """
    if kind == "mask":
        from sightline.data.formats._coco_masks import load_masks

        return load_masks(path)
    files = json_files(path)
    if not files:
        raise SightlineError("there is no COCO JSON here", str(path), "name it: ROOT/annotations/instances_train.json")
    troubles = Troubles()
    documents = [(file, split, read_document(file)) for file, split in files]
    classes = categories([document for _, _, document in documents], troubles)
    root = _root(path)
    examples: dict[tuple[Path, str], Example] = {}
    for file, split, document in documents:
        for example in _examples(document, pictures(file, split, root), split, file.name, troubles):
            first = examples.setdefault((example.path, split), example)
            if first is not example:  # one file a class: the same image again
                first.rows.extend(example.rows)
    return as_dataset([*examples.values()], troubles, path, root, "coco", classes)


def json_files(path: Path) -> list[tuple[Path, str]]:
    """The COCO files of a path, each with its split; `instances_*` alone where COCO's other kinds lie beside them."""
    found = [(file, split) for file, split in _candidates(path) if is_file(path) or _looks(file)]
    instances = [pair for pair in found if pair[0].stem.casefold().startswith("instances")]
    return instances or found


def read_document(file: Path) -> Document:
    """The JSON with its lists `images`, `annotations` and `categories`. Raises SightlineError where it is none."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SightlineError(f"the JSON cannot be read ({error})"[:300], str(file), "save it again, as UTF-8") from None
    if not isinstance(found, dict):
        raise SightlineError("the JSON is no object with images, annotations and categories", str(file))
    document = cast("Document", found)
    for key in ("images", "annotations", "categories"):
        if not isinstance(document.get(key), list):
            raise SightlineError(f"the JSON has no list {key!r}", str(file), "export it as COCO, for object detection")
        document[key] = [entry for entry in document[key] if isinstance(entry, dict)]
    return document


def categories(documents: list[Document], troubles: Troubles) -> list[str]:
    """The classes of all files in the order of their ids; files may number them differently.

    A class without objects whose name is but the group of all others (as Roboflow adds one) is left out and noted.
    """
    entries = [e for document in documents for e in document["categories"] if is_id(e.get("id")) and _name(e)]
    entries.sort(key=lambda entry: (isinstance(entry["id"], str), entry["id"]))
    found = list(dict.fromkeys(map(_name, entries)))
    used = {e["category_id"] for d in documents for e in d["annotations"] if is_id(e.get("category_id"))}
    used_names = {_name(entry) for entry in entries if entry["id"] in used}
    for name in [name for name in found if name not in used_names]:
        others = [entry.get("supercategory") for entry in entries if _name(entry) != name]
        if others and all(group == name for group in others):
            troubles.add("unused_class", name)
            found.remove(name)
    return found


def pictures(file: Path, split: str, root: Path) -> Pictures:
    """Where the images of one JSON file are looked for."""
    named = file.stem.rpartition("_")[2]
    called = [named, *(name for name, meaning in SPLIT_NAMES.items() if meaning == split)]
    folders = [file.parent] if file.parent not in (root, root / "annotations") else []
    folders += [base / name for name in called for base in (root / "images", root)]
    folders += [root / "images", root / "data", root, file.parent / "images", file.parent]
    return Pictures(tuple(dict.fromkeys(folder for folder in folders if is_folder(folder))), root, split)


def _examples(document: Document, places: Pictures, split: str, where: str, troubles: Troubles) -> list[Example]:
    names = {entry["id"]: _name(entry) for entry in document["categories"] if is_id(entry.get("id")) and _name(entry)}
    images: dict[Any, Example | None] = {}
    for entry in document["images"]:
        number, name = entry.get("id"), entry.get("file_name")
        if not is_id(number) or not isinstance(name, str):
            troubles.add("strange_image", f"{where}: image {number!r}"[:100])
        elif number in images:
            troubles.add("repeated_image", f"{where}: image {number}")
        else:
            path = places.find(name)
            images[number] = Example(path, split) if path else None
            if path is None:
                troubles.add("absent_image", name)
    for entry in document["annotations"]:
        here = f"{where}: annotation {entry.get('id')!r}"[:100]
        number, category = entry.get("image_id"), entry.get("category_id")
        if not is_id(number) or number not in images:
            troubles.add("unknown_image", here)
        elif (image := images[number]) is not None:
            corners = _corners(entry)
            if corners is None:
                troubles.add("strange_box", here)
            elif not is_id(category) or category not in names:
                troubles.add("unknown_class", here)
            else:
                add_row(image.rows, Row(names[category], corners, bool(entry.get("iscrowd"))), here, troubles)
    return [image for image in images.values() if image is not None]


def _corners(entry: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    box = numbers(entry.get("bbox"), 4)
    if box is not None:
        x, y, width, height = box
        return x, y, x + width, y + height
    polygons = entry.get("segmentation")
    if entry.get("bbox") or not isinstance(polygons, list):
        return None
    parts = cast("list[Any]", polygons)
    found = [numbers(part, len(part)) for part in parts if isinstance(part, list)]  # pyright: ignore[reportUnknownArgumentType]
    flat = [value for part in found if part for value in part]
    if len(flat) < 4 or len(flat) % 2:
        return None
    return min(flat[::2]), min(flat[1::2]), max(flat[::2]), max(flat[1::2])


def _name(category: Mapping[str, Any]) -> str:
    name = category.get("name")
    return clean(name.strip()) if isinstance(name, str) else ""


def is_id(value: object) -> bool:
    """Whether this may be the id of an image or a category."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def _root(path: Path) -> Path:
    """The folder that holds annotations and images."""
    folder = path.parent if is_file(path) else path
    return folder.parent if is_file(path) and folder.name.casefold() == "annotations" else folder


def _candidates(path: Path) -> list[tuple[Path, str]]:
    if is_file(path):
        return [(path, "")] if path.suffix.lower() == ".json" else []
    beside = [file for folder in (path / "annotations", path) for file in files_in(folder, [".json"])]
    found = [(file, split_in(file.stem)) for file in beside]
    for folder in folders_in(path):
        if folder.name.casefold() in SPLIT_NAMES:
            found += [(file, SPLIT_NAMES[folder.name.casefold()]) for file in files_in(folder, [".json"])]
    return found


def _looks(file: Path) -> bool:
    """Whether the beginning and the end of a file speak of COCO."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_LOOKED_AT)
            if len(text) == _LOOKED_AT:
                stream.seek(max(stream.seek(0, 2) - _LOOKED_AT, 0))
                text += stream.read(_LOOKED_AT)
    except OSError:
        return False
    return sum(mark in text for mark in _MARKS) >= _MARKS_NEEDED
