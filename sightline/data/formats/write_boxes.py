"""Boxes written as COCO JSON, YOLO, Pascal VOC or CSV, so that our own readers and the original tools read them back.

A writer makes no file: it says which texts stand where, and where each image belongs.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from sightline.core.boxes import Boxes
from sightline.data.dataset import SPLITS
from sightline.data.formats._common import plural

DECIMALS = 12
"""Of the parts of the image that YOLO writes: enough that a corner comes back to a millionth of a pixel."""


@dataclass(frozen=True)
class Page:
    """One image to be written. name: of its file, its stem without a like; size: (width, height)."""

    name: str
    size: tuple[int, int]
    boxes: Boxes
    split: str = ""
    group: str = ""


@dataclass(frozen=True)
class Written:
    """files: place to text; images: the place of each page's image; data: what to open; lost: what has no place."""

    files: dict[str, str]
    images: list[str]
    data: str = ""
    lost: list[str] = field(default_factory=list[str])


def coco(pages: Sequence[Page], classes: Sequence[str]) -> Written:
    """annotations/instances_SPLIT.json (`all` for no split) and images/; hard objects become `iscrowd`."""
    numbers = {name: number for number, name in enumerate(classes, 1)}
    categories = [{"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()]
    documents: dict[str, dict[str, list[Any]]] = {}
    annotation = 0
    for image, page in enumerate(pages, 1):
        document = documents.setdefault(page.split, {"images": [], "annotations": [], "categories": categories})
        width, height = page.size
        document["images"].append({"id": image, "file_name": page.name, "width": width, "height": height})
        for label, corners, hard in zip(page.boxes.labels, page.boxes.corners, page.boxes.hard, strict=True):
            annotation += 1
            x, y, w, h = map(_plain, _sized(corners.tolist()))
            document["annotations"].append(
                {
                    "id": annotation, "image_id": image, "category_id": numbers[label], "bbox": [x, y, w, h],
                    "area": w * h, "iscrowd": int(hard), "segmentation": [],
                }
            )  # fmt: skip
    files = {
        f"annotations/instances_{split or 'all'}.json": json.dumps(document, ensure_ascii=False) + "\n"
        for split, document in documents.items()
    }
    return Written(files, [f"images/{page.name}" for page in pages], lost=_groups(pages))


def yolo(pages: Sequence[Page], classes: Sequence[str]) -> Written:
    """data.yaml, images/SPLIT/ and labels/SPLIT/; hard objects are left out, as YOLO cannot say that they are."""
    numbers = {name: number for number, name in enumerate(classes)}
    splits = {page.split for page in pages}
    loose = "train" if len(splits) > 1 else ""
    folders = {split: f"/{split or loose}".rstrip("/") for split in splits}
    files: dict[str, str] = {}
    for page in pages:
        rows = [
            f"{numbers[label]} {' '.join(_parts(corners.tolist(), page.size))}\n"
            for label, corners, hard in zip(page.boxes.labels, page.boxes.corners, page.boxes.hard, strict=True)
            if not hard
        ]
        files[f"labels{folders[page.split]}/{_stem(page.name)}.txt"] = "".join(rows)
    known = {split or loose: f"images{folder}" for split, folder in folders.items()}
    first = next(iter(known.values()))
    # Ultralytics asks for both; where one is missing, the folder's own name tells our reader which part it is.
    places = {"train": known.get("train", first), "val": known.get("val", known.get("train", first))}
    places |= {"test": known["test"]} if "test" in known else {}
    names = "".join(f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for name, number in numbers.items())
    files["data.yaml"] = "".join(f"{split}: {place}\n" for split, place in places.items()) + f"names:\n{names}"
    lost = _groups(pages)
    hard = sum(int(page.boxes.hard.sum()) for page in pages)
    lost += [f"{hard:,} hard (difficult, iscrowd) objects: left out"] if hard else []
    bare = sum(not page.split for page in pages) if loose else 0
    lost += [f"{plural(bare, 'image')} of no split: put into train"] if bare else []
    return Written(files, [f"images{folders[page.split]}/{page.name}" for page in pages], lost=lost)


def voc(pages: Sequence[Page], classes: Sequence[str]) -> Written:
    """JPEGImages/, Annotations/ and, where there are splits, ImageSets/Main/; hard objects become `difficult`."""
    files = {f"Annotations/{_stem(page.name)}.xml": _annotation(page) for page in pages}
    if any(page.split for page in pages):
        for split in ("", *SPLITS):
            stems = [f"{_stem(page.name)}\n" for page in pages if page.split == split]
            if stems:
                files[f"ImageSets/Main/{split or 'default'}.txt"] = "".join(stems)
    return Written(files, [f"JPEGImages/{page.name}" for page in pages], lost=_groups(pages))


def table(pages: Sequence[Page], classes: Sequence[str]) -> Written:
    """boxes.csv and images/: image,x,y,width,height,label and, where they say something, hard, split and group."""
    places = [f"images/{page.name}" for page in pages]
    return Written({"boxes.csv": table_text(pages, places)}, places, "boxes.csv")


def table_text(pages: Sequence[Page], places: Sequence[str], delimiter: str = ",") -> str:
    """The table itself; places: what it calls the image of each page. An image without boxes has a row of its own."""
    more = [
        name
        for name, used in (
            ("hard", any(page.boxes.hard.any() for page in pages)),
            ("split", any(page.split for page in pages)),
            ("group", any(page.group for page in pages)),
        )
        if used
    ]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    writer.writerow(["image", "x", "y", "width", "height", "label", *more])
    for page, place in zip(pages, places, strict=True):
        boxes = zip(page.boxes.labels, page.boxes.corners, page.boxes.hard, strict=True)
        rows = [([*map(_plain, _sized(corners.tolist())), label], str(int(hard))) for label, corners, hard in boxes]
        for box, hard in rows or [([""] * 5, "")]:
            held = {"hard": hard, "split": page.split, "group": page.group}
            writer.writerow([place, *box, *(held[name] for name in more)])
    return text.getvalue()


WRITERS: dict[str, Callable[[Sequence[Page], Sequence[str]], Written]] = {
    "coco": coco,
    "yolo": yolo,
    "voc": voc,
    "csv": table,
}


def _groups(pages: Sequence[Page]) -> list[str]:
    return ["groups: this format has no place for them"] if any(page.group for page in pages) else []


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _plain(value: float) -> int | float:
    """A whole number without its `.0`."""
    return int(value) if value.is_integer() else value


def _sized(corners: list[float]) -> tuple[float, float, float, float]:
    """Left, top, width, height."""
    left, top, right, bottom = corners
    return left, top, _extent(left, right), _extent(top, bottom)


def _extent(low: float, high: float) -> float:
    """The width that, added to the left edge, gives the right one to the last bit where such a number exists."""
    width = high - low
    near = (width, math.nextafter(width, math.inf), math.nextafter(width, 0))
    return next((one for one in near if low + one == high), width)


def _parts(corners: list[float], size: tuple[int, int]) -> list[str]:
    """Centre and size as parts of the image's."""
    left, top, right, bottom = corners
    width, height = size
    values = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height)
    return [f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".") for value in values]


def _annotation(page: Page) -> str:
    width, height = page.size
    lines = [
        "<annotation>",
        f"  <filename>{escape(page.name)}</filename>",
        f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
        "  <segmented>0</segmented>",
    ]
    for label, corners, hard in zip(page.boxes.labels, page.boxes.corners, page.boxes.hard, strict=True):
        sides = zip(("xmin", "ymin", "xmax", "ymax"), map(_plain, corners.tolist()), strict=True)
        box = "".join(f"<{side}>{value!r}</{side}>" for side, value in sides)
        lines += [
            "  <object>",
            f"    <name>{escape(label)}</name>",
            f"    <pose>Unspecified</pose><truncated>0</truncated><difficult>{int(hard)}</difficult>",
            f"    <bndbox>{box}</bndbox>",
            "  </object>",
        ]
    return "\n".join([*lines, "</annotation>"]) + "\n"
