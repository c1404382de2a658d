"""What can be wrong with a single image: blank, blurred, or saying where it was taken."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.core.task import Arrays
from sightline.data.alike import thumbnail
from sightline.data.image import FORMATS, Pixels, resize, to_channels

BLANK = 2.5
"""Standard deviation in grey levels below which an image shows nothing."""
BLUR_SIDE = 256
"""Blur that cannot be seen at this size matters to no network."""
LEAST_SIDE = 48
"""Below it, blurred and smooth cannot be told apart."""
BLURRED, SPREADS, LEAST_SPREAD, FAR = 0.65, 5.0, 0.02, 0.2
"""An image is blurred from the first value on, if it is also so many spreads, or FAR, above the median of all."""
ODD_SHAPE, ODD_AREA = 2.0, 16.0
"""How many times wider, or larger, than the median is odd; or so many times less."""
_WINDOW = 9
_SEARCHED = 2**17
_MARKS = re.compile(rb"exif", re.IGNORECASE)
_GPS, _LATITUDE, _LONGITUDE = 0x8825, 2, 4


def look(source: Path | bytes | Pixels, pixels: Pixels) -> Arrays:
    """What `check` keeps of an image: its thumbnail, `contrast` and `blur` (float32) and `position` (bool)."""
    contrast = float(pixels.reshape(-1, pixels.shape[2]).std(axis=0).max())
    return {
        **thumbnail(pixels),
        "contrast": np.float32(contrast),  # pyright: ignore[reportReturnType] (a scalar is an array of shape ())
        "blur": np.float32(blur(pixels)),
        "position": np.bool_(has_position(source)),
    }


def blur(pixels: Pixels) -> float:
    """How blurred an image is, 0 (sharp) to 1: how little of its changes a further blur takes away.

    Crété-Roffet et al. 2007, "The blur effect", for a window of 9 pixels on images of at most 256. Independent of
    brightness and contrast. Images with a side below LEAST_SIDE count as sharp.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIDE:
        return 0.0
    grey = to_channels(pixels, 1)
    scale = BLUR_SIDE / max(height, width)
    if scale < 1:
        grey = resize(grey, (max(1, round(width * scale)), max(1, round(height * scale))))
    plane = grey[..., 0].astype(np.float32)
    return max(_along_rows(plane), _along_rows(plane.T))


def _along_rows(plane: NDArray[np.float32]) -> float:
    changes = np.abs(np.diff(plane, axis=1))
    if plane.shape[1] <= _WINDOW or not changes.any():
        return 0.0
    padded = np.pad(plane, ((0, 0), (_WINDOW // 2 + 1, _WINDOW // 2)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    smooth = (sums[:, _WINDOW:] - sums[:, :-_WINDOW]) / _WINDOW
    lost = np.maximum(0, changes - np.abs(np.diff(smooth, axis=1)))
    return 1 - float(lost.sum() / changes.sum())


def has_position(source: Path | bytes | Pixels) -> bool:
    """Whether the file says where it was taken: latitude and longitude in its EXIF data. Damaged EXIF says nothing."""
    if isinstance(source, np.ndarray):
        return False
    try:
        if not _may_have_exif(source):
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                found: dict[int, Any] = dict(image.getexif().get_ifd(_GPS))
                places = [[abs(float(part)) for part in found[tag]] for tag in (_LATITUDE, _LONGITUDE)]
        return all(len(place) == 3 and all(np.isfinite(place)) for place in places) and any(map(any, places))
    except Exception:  # whatever Pillow raises on EXIF that lies
        return False


def _may_have_exif(source: Path | bytes) -> bool:
    """A look at the two ends of the file: most have none, and opening an image costs more."""
    if isinstance(source, bytes):
        head, tail = source[:_SEARCHED], source[-_SEARCHED:]
    else:
        with source.open("rb") as file:
            head = file.read(_SEARCHED)
            size = file.seek(0, 2)
            file.seek(max(len(head), size - _SEARCHED))
            tail = file.read()
    return head[:4] in (b"II*\0", b"MM\0*") or bool(_MARKS.search(head) or _MARKS.search(tail))


def blurred(blur: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,) which are clearly more blurred than the data usually are, from (n,) values of `blur`."""
    middle = float(np.median(blur))
    spread = max(1.4826 * float(np.median(np.abs(blur - middle))), LEAST_SPREAD)
    return (blur >= BLURRED) & (blur > middle + min(SPREADS * spread, FAR))


def odd_sizes(sizes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n,) which are of another shape, or far larger or smaller, than most, from (n, 2) width and height in pixels."""
    width, height = np.maximum(sizes, 1).astype(np.float64).T
    shape, area = np.log(width / height), np.log(width * height)
    wider = np.abs(shape - np.median(shape)) > np.log(ODD_SHAPE)
    return wider | (np.abs(area - np.median(area)) > np.log(ODD_AREA))
