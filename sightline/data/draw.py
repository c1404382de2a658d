"""Drawing on images, for predictions and reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.data.image import to_image

LEAST_SIDE = 192
"""Small images are enlarged (nearest) to this shorter side, so that a caption is legible."""
LARGEST = 2**25
"""Pixels of a drawing: of a larger image every second, third … pixel is shown."""


def caption(image: Image.Image | NDArray[np.uint8], text: str) -> Image.Image:
    """The image in RGB, enlarged if small, with `text` in a dark strip below it."""
    picture = to_image(image)
    factor = max(1, round(LEAST_SIDE / min(picture.size)))
    if factor > 1:
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    size = max(12, picture.width // 24)
    font = ImageFont.load_default(size)
    strip = size * 2
    canvas = Image.new("RGB", (picture.width, picture.height + strip), (24, 24, 27))
    canvas.paste(picture, (0, 0))
    ImageDraw.Draw(canvas).text((size // 2, picture.height + size // 3), text, fill=(250, 250, 250), font=font)
    return canvas


def outlined(image: Image.Image | NDArray[np.uint8], polygons: Sequence[NDArray[Any]]) -> Image.Image:
    """The image in RGB with the outlines of polygons, (n, 2) x and y each."""
    picture = to_image(image).copy()
    pen, width = ImageDraw.Draw(picture), max(1, picture.width // 600)
    for polygon in polygons:
        pen.polygon([(float(x), float(y)) for x, y in polygon], outline=(220, 40, 40), width=width)
    return picture


def class_colour(number: int) -> tuple[int, int, int]:
    """A colour for each class number, neighbours far apart: steps of the golden angle, at three lightnesses."""
    import colorsys

    light, strong = ((0.55, 0.75), (0.4, 0.85), (0.72, 0.7))[number // 8 % 3]
    red, green, blue = colorsys.hls_to_rgb(number * 0.381966 % 1, light, strong)
    return round(255 * red), round(255 * green), round(255 * blue)


def boxed(
    image: Image.Image | NDArray[np.uint8],
    corners: Sequence[NDArray[Any]] | NDArray[Any],
    numbers: Sequence[int],
    texts: Sequence[str],
) -> Image.Image:
    """The image in RGB, enlarged if small, with boxes in the colours of their class numbers, a text above each.

    corners: n times left, top, right, bottom in pixels; the first is drawn last, on top.
    """
    step = _step(image.size if isinstance(image, Image.Image) else (image.shape[1], image.shape[0]))
    picture = _thinned(image, step)
    factor: float = max(1, round(LEAST_SIDE / min(picture.size)))
    picture = picture.resize((int(picture.width * factor), int(picture.height * factor)), Image.Resampling.NEAREST)
    factor /= step
    size = max(10, round(min(picture.size) / 40))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for place in reversed(range(len(numbers))):
        left, top, right, bottom = (factor * float(v) for v in corners[place])
        colour = class_colour(numbers[place])
        pen.rectangle((left, top, max(left, right), max(top, bottom)), outline=colour, width=max(2, size // 6))
        where = (left + 2, max(0.0, top - size - 3))
        pen.rectangle(pen.textbbox(where, texts[place], font=font), fill=colour)
        pen.text(where, texts[place], fill="white", font=font)
    return picture


def painted(image: Image.Image | NDArray[np.uint8], labels: NDArray[np.uint8], opacity: float = 0.55) -> Image.Image:
    """The image in RGB with the colour of each pixel's class over it; labels: (height, width), 255 stays bare."""
    step = _step((labels.shape[1], labels.shape[0]))
    picture, labels = _thinned(image, step), labels[::step, ::step]
    if picture.size != (labels.shape[1], labels.shape[0]):
        picture = picture.resize((labels.shape[1], labels.shape[0]), Image.Resampling.BILINEAR)
    over = Image.fromarray(
        np.ascontiguousarray(labels)
    )  # painted by Pillow: an image of 12 megapixels needs no copy in floats
    over.putpalette([part for number in range(256) for part in class_colour(number)])
    cover = Image.fromarray(np.where(labels == 255, 0, round(255 * opacity)).astype(np.uint8))
    return Image.composite(over.convert("RGB"), picture, cover)


def _step(size: tuple[int, int]) -> int:
    """Of an image of this width and height every so many-th pixel is drawn."""
    return math.ceil(math.sqrt(size[0] * size[1] / LARGEST))


def _thinned(image: Image.Image | NDArray[np.uint8], step: int) -> Image.Image:
    """The image in RGB; every `step`-th pixel of it, taken before it is copied."""
    if isinstance(image, Image.Image):
        size = -(-image.width // step), -(-image.height // step)
        return to_image(image.resize(size, Image.Resampling.NEAREST) if step > 1 else image)
    return to_image(np.ascontiguousarray(image[::step, ::step]) if step > 1 else image)


def legend(picture: Image.Image, classes: Sequence[tuple[int, str]]) -> Image.Image:
    """The picture, enlarged if small, with a strip below that names the colours of classes (number, name)."""
    factor = max(1, round(LEAST_SIDE / min(picture.size)))
    if factor > 1:
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    size = max(12, picture.width // 40)
    font, gap = ImageFont.load_default(size), size // 2
    pen = ImageDraw.Draw(picture)
    places: list[tuple[int, int]] = []
    x, y = gap, gap
    for _, name in classes:
        width = round(pen.textlength(name, font=font)) + 3 * gap + size
        if x > gap and x + width > picture.width:
            x, y = gap, y + size + gap
        places.append((x, y))
        x += width
    canvas = Image.new("RGB", (picture.width, picture.height + y + size + gap), (24, 24, 27))
    canvas.paste(picture, (0, 0))
    pen = ImageDraw.Draw(canvas)
    for (number, name), (left, top) in zip(classes, places, strict=True):
        top += picture.height
        pen.rectangle((left, top, left + size, top + size), fill=class_colour(number))
        pen.text((left + size + gap, top), name, fill=(250, 250, 250), font=font)
    return canvas
