"""convert: boxes from any format that is read into COCO JSON, YOLO, Pascal VOC or CSV."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline import tables
from sightline.core.boxes import Boxes
from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.data.dataset import Dataset
from sightline.data.formats import open_data
from sightline.data.formats._boxes import clean
from sightline.data.formats._common import plural
from sightline.data.formats.write_boxes import WRITERS, Page
from sightline.data.image import Pixels, from_array, size_of, suffix_of, to_image
from sightline.run.files import make_folder, write_text, write_whole


@dataclass(frozen=True)
class ConvertOptions:
    """Options of `convert`."""

    to: str | None = option(None, "the format to write", choices=WRITERS)
    out: Path = option(Path("converted"), "folder for annotations and images; it must be empty or not there")
    copy: bool = option(False, "copy the images, instead of linking them where the disk can")
    format: str | None = option(None, "the format of the data (default: sniffed)", choices=tables.FORMATS)


@dataclass(frozen=True)
class Converted:
    """What was written: images and boxes, where, what to open there, what had no place, and what was left out."""

    images: int
    boxes: int
    data: Path
    lost: list[str]
    unreadable: list[str]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "data": str(self.data)}


def convert(data: Any, **given: Any) -> Converted:
    """Writes data with boxes anew, in another format, its images beside it.

    data: what `train` takes. Raises SightlineError for data without boxes, an unknown format, and a folder that holds
    something already.
    """
    options = resolve(ConvertOptions, given)
    if options.to is None:
        raise SightlineError("which format?", fix=f"say it: --to {'|'.join(WRITERS)}")
    dataset = open_data(data, options.format)
    if dataset.target != "boxes":
        raise SightlineError(f"convert writes boxes, and this data holds {dataset.target}", dataset.name)
    if options.out.is_dir() and any(options.out.iterdir()):
        raise SightlineError("the folder is not empty", str(options.out), "name another one: --out FOLDER")
    pages, indices, unreadable = _pages(dataset)
    if not pages:
        raise SightlineError("none of the images can be read", dataset.name, unreadable[0] if unreadable else "")
    labels = {label for page in pages for label in page.boxes.labels}
    classes = [*dict.fromkeys([*map(clean, dataset.classes), *sorted(labels)])]
    written = WRITERS[options.to](pages, classes)
    for index, place in zip(indices, written.images, strict=True):
        _put(dataset, index, options.out / place, options.copy)
    for place, text in written.files.items():
        make_folder((options.out / place).parent)
        write_text(options.out / place, text)
    return Converted(
        images=len(pages),
        boxes=sum(len(page.boxes) for page in pages),
        data=options.out / written.data,
        lost=written.lost,
        unreadable=unreadable,
        notes=[message for _, message, _ in dataset.notes],
    )


def _pages(dataset: Dataset) -> tuple[list[Page], list[int], list[str]]:
    """The images that can be read as pages, their places in the data, and the names of the others."""
    pages: list[Page] = []
    indices: list[int] = []
    unreadable: list[str] = []
    taken: set[str] = set()
    for index in range(len(dataset)):
        try:
            source = dataset.images.load(index)
            size = size_of(source) if isinstance(source, Path | bytes) else _array_size(source)
            name = _free_name(dataset.images.name(index), _suffix(source), taken)
        except SightlineError as error:
            unreadable.append(f"{dataset.images.name(index)}: {error.what}")
            continue
        target: Boxes = dataset.targets[index]
        boxes = Boxes(target.corners, tuple(clean(label) or "object" for label in target.labels), target.hard)
        group = "" if dataset.groups is None else clean(str(dataset.groups[index]))
        pages.append(Page(name, size, boxes, str(dataset.splits[index]), group))
        indices.append(index)
    return pages, indices, unreadable


def _array_size(pixels: Pixels) -> tuple[int, int]:
    height, width = from_array(pixels).shape[:2]
    return width, height


def _suffix(source: Path | bytes | Pixels) -> str:
    if isinstance(source, Path):
        return source.suffix
    return suffix_of(source) if isinstance(source, bytes) else ".png"


def _free_name(name: str, suffix: str, taken: set[str]) -> str:
    """A file name like the image's own; with more of its path, or a number, where another one has it already.

    Stems differ, and not in case alone: annotations are called by them, on any disk.
    """
    parts = [part for part in clean(name).replace("\\", "/").split("/") if part not in ("", ".", "..")] or ["image"]
    parts[-1] = parts[-1].removesuffix(suffix) if suffix else parts[-1]
    for count in range(1, len(parts) + 1):
        stem = "_".join(parts[-count:]).strip().lstrip(".") or "image"
        if stem.casefold() not in taken:
            break
    else:
        stem = "_".join(parts).strip().lstrip(".") or "image"
        number = next(n for n in range(2, len(taken) + 3) if f"{stem}_{n}".casefold() not in taken)
        stem = f"{stem}_{number}"
    taken.add(stem.casefold())
    return stem + suffix


def _put(dataset: Dataset, index: int, place: Path, copy: bool) -> None:
    """The image itself, byte by byte: a second name of the same file where that is allowed, or a copy."""
    make_folder(place.parent)
    source = dataset.images.load(index)
    if isinstance(source, bytes):
        write_whole(place, lambda file: file.write(source))
    elif not isinstance(source, Path):
        write_whole(place, lambda file: to_image(source).save(file, "PNG"))
    elif copy or not _linked(source, place):
        with source.open("rb") as stream:
            write_whole(place, lambda file: shutil.copyfileobj(stream, file))


def _linked(source: Path, place: Path) -> bool:
    try:
        os.link(source.resolve(), place)
    except OSError:  # another disk, or one that has no links
        return False
    return True


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline convert DATA --to FORMAT`: what was written, what had no place there, and what to type next."""
    from sightline.verbs.common import print_json, say

    if len(target) != 1:
        raise SightlineError("convert takes one data set", fix="type: sightline convert DATA --to coco --out FOLDER")
    found = convert(target[0], **given)
    if as_json:
        print_json(found.to_dict())
        return 0
    for message in found.notes:
        say(f"! {message}")
    if found.unreadable:
        say(
            f"! {plural(len(found.unreadable), 'image')} left out that cannot be read, the first: {found.unreadable[0]}"
        )
    for message in found.lost:
        say(f"! has no place in this format: {message}")
    boxes = "1 box" if found.boxes == 1 else f"{found.boxes:,} boxes"
    print(f"{plural(found.images, 'image')} with {boxes} in {found.data}")
    print(f"\nnext:\n  sightline check {found.data}")
    return 0
