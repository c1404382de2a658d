"""Images with a mask each: PNGs whose values, palette indices or colours say the class of each pixel.

    ROOT/images/*.jpg + ROOT/masks/*.png                 flat; equal names but for the suffix
    ROOT/{train,val,test}/images/… + …/masks/…           with splits, above or below `images` and `masks`

The folders may also be called as IMAGE_FOLDERS and MASK_FOLDERS say (`JPEGImages` and `SegmentationClass` among them,
whose `ImageSets/Segmentation/*.txt` name the splits). What the values mean stands in classes.txt or another of TABLES,
at the root or beside the folders: see `_mask_classes`. Without one, all masks are looked at: every value is a class,
and 255 is ignored. Images without a mask, and masks without an image, are left out and noted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, FileImages
from sightline.data.formats._common import SPLIT_NAMES, Note, is_file, is_folder, natural_key, plural
from sightline.data.formats._mask_classes import references
from sightline.data.formats.folder import ignored, is_image
from sightline.data.masks import SUFFIXES

IMAGE_FOLDERS = frozenset(("images", "image", "imgs", "img", "jpegimages", "photos"))
MASK_FOLDERS = frozenset(("masks", "mask", "labels", "label", "annotations", "annotation", "segmentationclass"))
TAILS = ("_mask", "_masks", "_label", "_labels", "_seg", "_gt", "_l", "-mask", "-label")
"""What the name of a mask may have behind that of its image."""
KINDS = ("mask",)
DEPTH = 2
LOOKED_AT = 200
LAYOUT = "lay them out as ROOT/images/NAME.jpg and ROOT/masks/NAME.png, or with train/ and val/ above both"


def sniff(path: Path) -> bool:
    """Whether a folder of images and one of masks lie side by side in it."""
    return is_folder(path) and any(_side_by_side(folder) for folder in _folders(path))


def load(path: Path, kind: str | None = None) -> Dataset:
    """The images that have a mask. Raises SightlineError where there are none."""
    if not is_folder(path):
        raise SightlineError("this is no folder", str(path), "give the folder that holds images and masks")
    images, masks = _found(path)
    pairs = {stem: masks[stem] for stem in images.keys() & masks.keys()}
    for stem in images.keys() - pairs.keys():
        for tail in TAILS:
            if stem + tail in masks:
                pairs[stem] = masks[stem + tail]
                break
    if not pairs:
        found = f"{plural(len(images), 'image')} and {plural(len(masks), 'mask')}, but no pair of them"
        raise SightlineError(found, str(path), LAYOUT)
    stems = sorted(pairs, key=natural_key)
    targets, classes = references(path, [pairs[stem] for stem in stems])
    lonely = sorted(set(masks.values()) - set(pairs.values()), key=natural_key)
    bare = sorted((images[stem] for stem in images.keys() - pairs.keys()), key=natural_key)
    notes: list[Note] = [
        ("no_mask", f"{plural(len(bare), 'image')} without a mask left out", tuple(bare)),
        ("no_image", f"{plural(len(lonely), 'mask')} without an image left out", tuple(lonely)),
    ]
    return Dataset(
        images=FileImages([path / images[stem] for stem in stems], path),
        target="mask",
        targets=targets,
        splits=_splits(path, stems),
        groups=None,
        name=str(path),
        format="masks",
        classes=classes,
        notes=tuple(note for note in notes if note[2]),
    )


def _folders(root: Path) -> Iterator[Path]:
    """The folder and those in it, two levels deep: as many as tell what this is."""
    pending = [(root, 0)]
    for number, (folder, depth) in enumerate(pending):
        yield folder
        if depth < DEPTH and number < LOOKED_AT:
            pending += [(inside, depth + 1) for inside in _subfolders(folder)]


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if not ignored(entry.name) and entry.is_dir())
    except OSError:
        return []


def _side_by_side(folder: Path) -> bool:
    inside = {one.name.casefold(): one for one in _subfolders(folder)}
    if not IMAGE_FOLDERS & inside.keys():
        return False
    return any(_holds_masks(inside[name]) for name in MASK_FOLDERS & inside.keys())


def _holds_masks(folder: Path) -> bool:
    for inside in (folder, *_subfolders(folder)):
        for number, one in enumerate(os.scandir(inside)):
            if Path(one.name).suffix.lower() in SUFFIXES and not ignored(one.name):
                return True
            if number > LOOKED_AT:
                break
    return False


def _found(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Images and masks by what names both: the path without `images` or `masks` and without its suffix."""
    images: dict[str, str] = {}
    masks: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not ignored(name))
        parts = [] if Path(folder) == root else list(Path(folder).relative_to(root).parts)
        kinds = [part.casefold() for part in parts]
        for known, found in ((IMAGE_FOLDERS, images), (MASK_FOLDERS, masks)):
            place = next((i for i, kind in enumerate(kinds) if kind in known), None)
            if place is None:
                continue
            rest = [*parts[:place], *parts[place + 1 :]]
            for name in sorted(files):
                good = Path(name).suffix.lower() in SUFFIXES if found is masks else is_image(name)
                if good and not ignored(name):
                    found.setdefault("/".join([*rest, name.rpartition(".")[0]]), "/".join([*parts, name]))
            break
    return images, masks


def _splits(root: Path, stems: list[str]) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """By the folders' names; else by the lists of VOC."""
    found = [next((SPLIT_NAMES[part.casefold()] for part in stem.split("/")[:-1] if part.casefold() in SPLIT_NAMES), "")
             for stem in stems]  # fmt: skip
    if not any(found):
        listed: dict[str, str] = {}
        for name in ("test", "val", "train"):
            file = root / "ImageSets" / "Segmentation" / f"{name}.txt"
            if is_file(file):
                listed |= dict.fromkeys(file.read_text(encoding="utf-8", errors="replace").split(), name)
        found = [listed.get(stem.rpartition("/")[2], "") for stem in stems]
    return np.array(found, "<U5")
