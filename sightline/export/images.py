"""Image files to compare answers on: examples of a data set, or made ones of many kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sightline.data.dataset import Dataset
from sightline.data.image import read
from sightline.run.files import make_folder, write_whole

SIZES = ((640, 480), (97, 131), (33, 32), (400, 60), (28, 28), (1600, 900))
KINDS = ("RGB", "L", "RGBA", "I;16", "JPEG")


def files_of(dataset: Dataset, most: int, folder: Path) -> list[Path]:
    """At most `most` images, spread evenly over the test part where there is one; those in memory are written."""
    places = np.flatnonzero(dataset.splits == "test")
    places = places if len(places) else np.arange(len(dataset))
    chosen = places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)]
    return [_file(dataset.images.load(int(place)), folder / f"{place:06d}") for place in chosen]


def _file(source: Any, stem: Path) -> Path:
    """The path of an image; one that is not in a file of its own is written beside the others."""
    if isinstance(source, Path):
        return source
    make_folder(stem.parent)
    if isinstance(source, bytes):
        write_whole(stem, lambda file: file.write(source))
        return stem
    pixels = read(source)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    path = stem.with_suffix(".png")
    write_whole(path, lambda file: picture.save(file, "PNG"))
    return path


def made_files(folder: Path) -> list[Path]:
    """30 drawings: every size in colour, grey, with transparency, in 16 bits, and as a turned JPEG."""
    make_folder(folder)
    return [_made(folder / f"{width}x{height}-{kind.replace(';', '')}", (width, height), kind)
            for width, height in SIZES for kind in KINDS]  # fmt: skip


def _made(stem: Path, size: tuple[int, int], kind: str) -> Path:
    random = np.random.default_rng([*size, len(kind)])
    width, height = size
    y, x = np.mgrid[:height, :width]
    ground = np.stack([x * 80 // width + 120, y * 80 // height + 120, (x + y) % 60 + 150], axis=2)
    picture = Image.fromarray((ground + random.integers(0, 30, ground.shape)).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(4):
        left, top = int(random.integers(0, width)), int(random.integers(0, height))
        right, bottom = left + width // 4, top + height // 3
        colour = tuple(int(v) for v in random.integers(0, 255, 3))
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)((left, top, right, bottom), fill=colour)
    draw.text((width // 10, height // 10), "Sightline 0123", fill=(10, 10, 30), font_size=max(8, height // 2))
    if kind == "JPEG":
        exif = Image.Exif()
        exif[0x0112] = int(random.integers(1, 9))
        path = stem.with_suffix(".jpg")
        write_whole(path, lambda file: picture.save(file, "JPEG", exif=exif.tobytes()))
        return path
    if kind == "RGBA":
        picture.putalpha(Image.fromarray((x * 255 // width).astype(np.uint8)))
    elif kind == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    else:
        picture = picture.convert(kind)
    path = stem.with_suffix(".png")
    write_whole(path, lambda file: picture.save(file, "PNG"))
    return path
