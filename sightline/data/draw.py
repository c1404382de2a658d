"""Drawing on images, for predictions and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.data.image import to_image

LEAST_SIDE = 192
"""Small images are enlarged (nearest) to this shorter side, so that a caption is legible."""


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
