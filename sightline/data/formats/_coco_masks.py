"""COCO JSON as a label for each pixel: polygons and run lengths; what nothing covers is the background."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset
from sightline.data.formats import coco
from sightline.data.formats._boxes import Troubles, clean, numbers
from sightline.data.formats._shape_masks import as_mask_dataset
from sightline.data.image import size_of
from sightline.data.masks import MaskKey
from sightline.data.shapes import Shape, ShapeMask, key_of_names, runs_of


def load_masks(path: Path) -> Dataset:
    """All images that the JSON lists, each with its regions. Raises SightlineError as boxes do.

    A crowd counts as any other region: its objects are not told apart, but its pixels are of its class.
    """
    files = coco.json_files(path)
    if not files:
        raise SightlineError("there is no COCO JSON here", str(path), "name it: ROOT/annotations/instances_train.json")
    troubles = Troubles()
    documents = [(file, split, coco.read_document(file)) for file, split in files]
    key = key_of_names(coco.categories([document for _, _, document in documents], troubles))
    root = path.parent if path.is_file() else path
    masks: dict[Path, tuple[ShapeMask, str]] = {}
    for file, split, document in documents:
        for image, mask in _masks(document, coco.pictures(file, split, root), key, file.name, troubles):
            if image in masks and masks[image][1] != split:
                two = f"{masks[image][1] or 'none'} and {split or 'none'}"
                raise SightlineError(f"an image stands in two splits, {two}", str(image), "keep it in one of them")
            if image in masks:
                mask = ShapeMask(mask.size, masks[image][0].shapes + mask.shapes, key, mask.name)
            masks[image] = mask, split
    return as_mask_dataset(masks, key, path, root, "coco", troubles.notes())


def _masks(
    document: dict[str, Any], places: Any, key: MaskKey, where: str, troubles: Troubles
) -> list[tuple[Path, ShapeMask]]:
    names = {entry["id"]: _name(entry) for entry in document["categories"] if coco.is_id(entry.get("id"))}
    shapes: dict[Any, list[Shape]] = {}
    sizes: dict[Any, tuple[int, int]] = {}
    images: dict[Any, Path] = {}
    for entry in document["images"]:
        name, number = entry.get("file_name"), entry.get("id")
        if not coco.is_id(number):
            troubles.add("strange_image", f"{where}: image {number!r}"[:100])
            continue
        image = places.find(name) if isinstance(name, str) else None
        if image is None:
            troubles.add("absent_image", str(name))
            continue
        images[number], shapes[number], sizes[number] = image, [], _size(entry, image)
    for entry in document["annotations"]:
        here = f"{where}: annotation {entry.get('id')!r}"[:100]
        number, category = entry.get("image_id"), entry.get("category_id")
        name = names.get(category) if coco.is_id(category) else None
        if not coco.is_id(number) or number not in images:
            troubles.add("unknown_image", here)
            continue
        if name is None:
            troubles.add("unknown_class", here)
            continue
        value = key.names.index(name) if name in key.names else 0
        shape = _shape(entry.get("segmentation"), value, sizes[number])
        if shape is None:
            troubles.add("strange_box", here)
        else:
            shapes[number].append(shape)
    return [
        (image, ShapeMask(sizes[number], tuple(shapes[number]), key, image.name)) for number, image in images.items()
    ]


def _size(entry: Mapping[str, Any], image: Path) -> tuple[int, int]:
    """(width, height) as the JSON says, in which its outlines are written; else the image's own."""
    width, height = entry.get("width"), entry.get("height")
    if isinstance(width, int) and isinstance(height, int) and 0 < width * height < 10**9 and width > 0:
        return width, height
    try:
        return size_of(image)
    except SightlineError:  # reading its pixels will fail too, and is counted there
        return 1, 1


def _shape(found: Any, number: int, size: tuple[int, int]) -> Shape | None:
    """The region that `segmentation` writes; None where it cannot be read."""
    if isinstance(found, dict):
        try:
            return Shape(number, runs=runs_of(cast("dict[str, Any]", found).get("counts"), size))
        except SightlineError:
            return None
    if not isinstance(found, list):
        return None
    parts = [numbers(part, len(part)) for part in cast("list[Any]", found) if isinstance(part, list)]  # pyright: ignore[reportUnknownArgumentType]
    good = [part for part in parts if part and len(part) >= 6 and len(part) % 2 == 0 and np.isfinite(part).all()]
    return Shape(number, tuple(good)) if good else None


def _name(category: Mapping[str, Any]) -> str:
    name = category.get("name")
    return clean(name.strip()) if isinstance(name, str) else ""
