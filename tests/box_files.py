"""Small data with boxes in each format, for the tests of reading and converting them."""

import json

import numpy as np
from PIL import Image

from sightline.core.boxes import Boxes, column
from sightline.data.dataset import Dataset, FileImages


def picture(path, size=(40, 20), seed=0):
    """An image file of noise; parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *path.name.encode()]).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def text(path, content):
    """A text file; parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def coco(path, images, annotations=(), categories=((1, "cat"), (2, "dog"))):
    """images: (id, file name); annotations: (image, category, bbox[, more])."""
    document = {
        "images": [{"id": number, "file_name": name, "width": 40, "height": 20} for number, name in images],
        "annotations": [
            {"id": place, "image_id": row[0], "category_id": row[1], "bbox": row[2], **(row[3] if row[3:] else {})}
            for place, row in enumerate(annotations, 1)
        ],
        "categories": [{"id": number, "name": name} for number, name in categories],
    }
    return text(path, json.dumps(document))


def voc(path, objects=(), filename="", more=""):
    """objects: (name, (xmin, ymin, xmax, ymax)[, difficult])."""
    parts = "".join(
        f"<object><name>{row[0]}</name><difficult>{int(row[2]) if row[2:] else 0}</difficult><bndbox>"
        + "".join(f"<{s}>{v}</{s}>" for s, v in zip(("xmin", "ymin", "xmax", "ymax"), row[1], strict=True))
        + "</bndbox></object>"
        for row in objects
    )
    return text(path, f"{more}<annotation><filename>{filename}</filename>{parts}</annotation>")


def by_name(data):
    """File name to (boxes as text, split)."""
    return {
        data.images.name(i).rpartition("/")[2]: (str(data.targets[i]), str(data.splits[i])) for i in range(len(data))
    }


def notes(data):
    """Code to what it names."""
    return {code: items for code, _, items in data.notes}


def dataset(root, boxes, splits=None, groups=None, classes=(), names=None):
    """A Dataset of `boxes`, with images that it writes below `root`."""
    names = names or [f"{place}.png" for place in range(len(boxes))]
    paths = [picture(root / name) for name in names]
    return Dataset(
        images=FileImages(paths, root),
        target="boxes",
        targets=column(boxes),
        splits=np.array(splits or [""] * len(boxes), "<U5"),
        groups=None if groups is None else np.array(groups),
        name=str(root),
        format="made",
        classes=tuple(classes),
    )


def boxes(*rows):
    """Boxes from (label, left, top, right, bottom[, hard])."""
    return Boxes(
        np.array([row[1:5] for row in rows], float).reshape(-1, 4),
        tuple(row[0] for row in rows),
        np.array([bool(row[5:] and row[5]) for row in rows]),
    )
