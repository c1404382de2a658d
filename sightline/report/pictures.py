"""Pictures inside the page: data URIs, each of bounded size."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.data.image import to_image

LARGEST_SIDE = 224
"""Larger images are made smaller to this longer side, in px."""
LONG, LONGEST_SIDE = 4, 720
"""Images so many times as long as high, such as lines of text, keep more of their length, to be read."""
PIXEL_SIDE = 64
"""Images up to this longer side, in px, are shown with their pixels as squares."""
MOST_BYTES = 20_000
"""No picture takes more bytes before base64: a hundred of them stay below 3 MB."""


@dataclass(frozen=True)
class Picture:
    """An image as a data URI; width and height in px, as encoded."""

    uri: str
    width: int
    height: int

    @property
    def tiny(self) -> bool:
        """Whether it should be enlarged with visible pixels."""
        return max(self.width, self.height) <= PIXEL_SIDE

    @property
    def long(self) -> bool:
        """Whether it needs a row of its own."""
        return self.width >= LONG * self.height


def picture(image: NDArray[np.uint8] | Image.Image) -> Picture:
    """From (height, width, 1 or 3) uint8 or a Pillow image: PNG where small, JPEG where it is photo sized."""
    shown = to_image(image)
    side = LONGEST_SIDE if shown.width >= LONG * shown.height else LARGEST_SIDE
    if max(shown.size) > side:
        shown.thumbnail((side, side), Image.Resampling.BILINEAR)
    if max(shown.size) <= PIXEL_SIDE:
        return _encoded(shown, "png", _saved(shown, "PNG"))
    for quality in (82, 70, 55, 40, 25):
        data = _saved(shown, "JPEG", quality=quality)
        if len(data) <= MOST_BYTES:
            break
    return _encoded(shown, "jpeg", data)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, optimize=True, **options)
    return file.getvalue()


def _encoded(image: Image.Image, kind: str, data: bytes) -> Picture:
    return Picture(f"data:image/{kind};base64,{base64.b64encode(data).decode()}", image.width, image.height)
