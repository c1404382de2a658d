"""YOLO's polygons as a label for each pixel; what nothing covers is the background."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset
from sightline.data.formats import yolo
from sightline.data.formats._boxes import Troubles
from sightline.data.formats._common import is_file
from sightline.data.formats._places import split_of_folders
from sightline.data.formats._shape_masks import as_mask_dataset
from sightline.data.formats._yolo_places import label_folder, source_images, sources
from sightline.data.image import size_of
from sightline.data.masks import MaskKey
from sightline.data.shapes import Shape, ShapeMask, key_of_names

Outline = tuple[int, tuple[float, ...]]
"""The number of a class, and x, y, x, y, … as parts of the image."""


def load_masks(path: Path) -> Dataset:
    """All images that data.yaml or the folders name, each with its regions. Raises SightlineError as boxes do."""
    root = path.parent if is_file(path) else path
    config = yolo.config_of(path)
    names = config.names if config and config.names else yolo.listed_names(root)
    troubles = Troubles()
    found: dict[Path, tuple[str, list[Outline]]] = {}
    for source, split in sources(root, config, troubles):
        for image in source_images(source, troubles):
            if image not in found:
                known = split if split is not None else split_of_folders(image, root)
                found[image] = known, _outlines(image, root, names, troubles)
    yolo.note_orphans([*found], root, troubles)
    numbers = sorted(names) or sorted({number for _, outlines in found.values() for number, _ in outlines})
    key = key_of_names([names.get(number, str(number)) for number in numbers])
    places = {number: _place(names.get(number, str(number)), key) for number in numbers}
    masks = {image: (_mask(image, outlines, places, key), split) for image, (split, outlines) in found.items()}
    return as_mask_dataset(masks, key, path, root, "yolo", troubles.notes())


def _place(name: str, key: MaskKey) -> int:
    return key.names.index(name) if name in key.names else 0


def _mask(image: Path, outlines: list[Outline], places: dict[int, int], key: MaskKey) -> ShapeMask:
    try:
        width, height = size_of(image)
    except SightlineError:  # reading its pixels will fail too, and is counted there
        width, height = 1, 1
    shapes = tuple(
        Shape(places[number], (tuple(v * (height if i % 2 else width) for i, v in enumerate(points)),))
        for number, points in outlines
    )
    return ShapeMask((width, height), shapes, key, image.name)


def _outlines(image: Path, root: Path, names: dict[int, str], troubles: Troubles) -> list[Outline]:
    """The polygons of an image; rows of boxes have none, and are noted."""
    file = label_folder(image.parent) / f"{image.stem}.txt"
    shown = yolo.shown(file, root)
    if not is_file(file):
        troubles.add("no_annotation", image.name)
        return []
    try:
        lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        troubles.add("broken_file", f"{shown}: {error.strerror}")
        return []
    found: list[Outline] = []
    for line, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            number, *points = map(float, text.split())
            good = len(points) >= 6 and len(points) % 2 == 0 and bool(np.isfinite(points).all()) and number >= 0
        except ValueError:
            number, points, good = -1.0, list[float](), False
        if not good or number != int(number):
            troubles.add("strange_box", f"{shown}, line {line}")
        elif names and int(number) not in names:
            troubles.add("unknown_class", f"{shown}, line {line}: class {int(number)}")
        else:
            found.append((int(number), tuple(points)))
    return found
