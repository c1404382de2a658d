"""Reading one image: the rules are written here, and tested.

- EXIF orientation is applied. An animated or multi-page image gives its first frame.
- Grey stays grey (height, width, 1); everything else becomes RGB (height, width, 3). RGB whose three channels
  are equal in every pixel is grey.
- Transparency is laid over white. CMYK and palettes are converted by Pillow.
- 16-bit integers are scaled (v / 257), not clipped. 32-bit integers and floats are scaled from 0..1, 0..255 or
  0..65535, the smallest of these that holds them; what fits none is stretched from its minimum to its maximum.
  Floats may rise above by a hundredth of the range, as interpolation leaves them: that is cut off.
- No more than `max_pixels` are decoded.
- A JPEG may be decoded at a reduced scale, never below twice the wanted size, nor below 512 px.
- The one resize is Pillow's BILINEAR: a triangle filter that widens as it shrinks (antialiased).
"""

from __future__ import annotations

import importlib.util
import io
import re
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from sightline.core.errors import SightlineError
from sightline.data import png

Pixels = NDArray[np.uint8]
MAX_PIXELS = 200_000_000
STRIP = 2**24
"""Pixels of an image that are copied or compared at a time."""
HASHED_SIDE = 256
"""A JPEG is never decoded below twice this side: its pixel hash must not depend on a network's input."""
SUFFIXES = frozenset(
    ".jpg .jpeg .jfif .png .bmp .gif .tif .tiff .webp .ppm .pgm .pbm .pnm .jp2 .j2k .avif .tga .ico".split()  # noqa: SIM905
)
FORMATS: list[str] = ["JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "TIFF", "WEBP", "JPEG2000", "ICO", "TGA"]
"""The only decoders that are let near a file, the common ones first: Pillow has others that start programs (EPS)."""
if importlib.util.find_spec("PIL.AvifImagePlugin"):
    FORMATS.append("AVIF")
ImageFile.LOAD_TRUNCATED_IMAGES = False


Source = str | Path | bytes | NDArray[Any] | Image.Image


def read(source: Source, least: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS) -> Pixels:
    """The pixels of an image file, its bytes, an array or a Pillow image: uint8 (height, width, 1 or 3).

    least: (width, height) that the caller will resize to; a large JPEG is then decoded at a reduced scale of at
    least twice that. Raises SightlineError for what is no image, is damaged or too large.
    """
    return read_sized(source, least, max_pixels)[0]


def read_sized(
    source: Source, least: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[Pixels, tuple[int, int]]:
    """`read`, and the (width, height) of the whole image as it is seen, whatever the scale of the pixels."""
    if isinstance(source, np.ndarray):
        pixels = from_array(source)
        return pixels, (pixels.shape[1], pixels.shape[0])
    where = str(source) if isinstance(source, str | Path) else ""
    try:
        plain = None if isinstance(source, Image.Image) else png.read_plain(source, max_pixels)
        if plain is not None:
            return _as_grey(plain) if plain.shape[2] == 3 else plain, (plain.shape[1], plain.shape[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata: Pillow warns, the pixels are what counts
            if isinstance(source, Image.Image):
                if source.width * source.height > max_pixels:
                    raise _too_large(source.width * source.height, max_pixels, where)
                return _pixels(source, source.size)
            Image.MAX_IMAGE_PIXELS = max_pixels  # Pillow raises at twice this, for what an icon hides inside, too
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                size = image.size
                if size[0] * size[1] > max_pixels:
                    raise _too_large(size[0] * size[1], max_pixels, where)
                if least and image.format in ("JPEG", "MPO"):
                    # Turned images are measured on the other side; the larger of both serves either way. The least
                    # side is fixed for small inputs: training, which also hashes, and predicting see the same pixels.
                    side = 2 * max(*least, HASHED_SIDE)
                    image.draft(None, (side, side))
                return _pixels(image, size)
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))
        raise _too_large(int(found[0]) if found else 2 * max_pixels, max_pixels, where) from None
    except SightlineError as error:
        raise SightlineError(error.what, where, error.fix) from None
    except FileNotFoundError:
        raise SightlineError("the image does not exist", where) from None
    except IsADirectoryError:
        raise SightlineError("this is a folder, not an image", where) from None
    except PermissionError:
        raise SightlineError("the image may not be read", where) from None
    except UnidentifiedImageError:
        raise SightlineError(_unidentified(source), where) from None
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise SightlineError(f"the image is damaged ({_brief(error)})", where) from None


def size_of(source: Path | bytes) -> tuple[int, int]:
    """(width, height) of an image file as it is seen, turned as its EXIF says, from its head alone.

    Raises SightlineError for what is no image.
    """
    where = str(source) if isinstance(source, Path) else ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata
            Image.MAX_IMAGE_PIXELS = None  # nothing is decoded: no size is too large
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                turned = image.format != "TIFF" and _orientation(image) > 4  # Pillow turns a TIFF itself
                return (image.height, image.width) if turned else (image.width, image.height)
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise SightlineError(f"the image cannot be read ({_brief(error)})", where) from None


def suffix_of(data: bytes) -> str:
    """What to call a file of these bytes: `.jpg`, `.png` … Raises SightlineError for what is no image."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            kind = image.format or "PNG"
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise SightlineError(f"the image cannot be read ({_brief(error)})") from None
    return {"JPEG": ".jpg", "MPO": ".jpg", "JPEG2000": ".jp2", "TIFF": ".tif"}.get(kind, f".{kind.lower()}")


def _too_large(count: int, max_pixels: int, where: str) -> SightlineError:
    return SightlineError(
        f"the image has {count:,} pixels, more than the limit of {max_pixels:,}",
        where,
        f"if it is genuine, allow it: --max-pixels {count}",
    )


def _unidentified(source: Source) -> str:
    size = len(source) if isinstance(source, bytes) else Path(cast("str", source)).stat().st_size
    return "the image file is empty (0 bytes)" if size == 0 else "this is no image, or of an unknown format"


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _pixels(image: Image.Image, size: tuple[int, int]) -> tuple[Pixels, tuple[int, int]]:
    array = _convert(image)
    orientation = _orientation(image)  # after the pixels: a PNG may carry its EXIF behind them
    if image.format == "TIFF":  # Pillow has turned it already
        return array, (array.shape[1], array.shape[0])
    if orientation > 1:
        array = _turn(array, orientation)
    return array, (size[1], size[0]) if orientation > 4 else size


def _orientation(image: Image.Image) -> int:
    # Reading EXIF costs more than decoding a small PNG; only these formats can carry an orientation.
    if image.format == "PNG" and "exif" not in image.info and "Raw profile type exif" not in image.info:
        return 1
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # EXIF that lies is no reason to lose the image
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


_TURNS: dict[int, tuple[int, bool]] = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}
"""EXIF orientation to (quarter turns counter-clockwise, then mirrored left to right)."""


def _turn(array: Pixels, orientation: int) -> Pixels:
    turns, mirrored = _TURNS[orientation]
    array = np.rot90(array, turns)
    return np.ascontiguousarray(array[:, ::-1] if mirrored else array)


def _convert(image: Image.Image) -> Pixels:
    mode = image.mode
    if mode == "L" and "transparency" not in image.info:
        return _array(image)
    if mode == "1" and "transparency" not in image.info:
        return np.asarray(image.convert("L"))[:, :, None]
    if mode == "F" or mode.startswith("I"):
        array, clear = np.asarray(image), image.info.get("transparency")
        return from_array(np.where(array == clear, 65535, array) if isinstance(clear, int) else array)
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return _as_grey(_array(image if image.mode == "RGB" else image.convert("RGB")))


def _array(image: Image.Image) -> Pixels:
    """(height, width, channel) of a grey or RGB image; of a large one strip by strip, as Pillow would copy it twice."""
    width, height = image.size
    if width * height <= STRIP:
        array = np.asarray(image)
        return array[:, :, None] if array.ndim == 2 else array
    image.load()
    array = np.empty((height, width, len(image.getbands())), np.uint8)
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        part = np.asarray(image.crop((0, top, width, min(height, top + rows))))
        array[top : top + rows] = part.reshape(len(part), width, -1)
    return array


def _as_grey(rgb: Pixels) -> Pixels:
    # A few single pixels tell most colour images apart before all are compared.
    height, width = rgb.shape[:2]
    for y, x in ((height // 2, width // 2), (height // 4, width // 4), (0, 0)):
        red, green, blue = rgb[y, x].tolist()
        if not red == green == blue:
            return rgb
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        part = rgb[top : top + rows]
        if (part[..., 0] != part[..., 1]).any() or (part[..., 0] != part[..., 2]).any():
            return rgb
    return np.ascontiguousarray(rgb[..., :1])


def from_array(array: NDArray[Any]) -> Pixels:
    """uint8 (height, width, 1 or 3) from (height, width) or (height, width, 1, 3 or 4) of any real dtype, 0..255.

    Integers of more than 8 bits and floats are scaled as the rules above say. Raises SightlineError for other shapes.
    """
    if array.dtype.kind not in "buif":
        raise SightlineError(f"an image array holds real numbers, not {array.dtype}")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise SightlineError(
            f"an image array has shape (height, width) or (height, width, 1, 3 or 4), not {tuple(array.shape)}"
        )
    if array.dtype != np.uint8:
        array = _to_bytes(array)
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.uint16)
        array = ((array[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return _as_grey(cast("Pixels", array)) if array.shape[2] == 3 else cast("Pixels", array)


def _to_bytes(array: NDArray[Any]) -> Pixels:
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:  # of either byte order
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise SightlineError("the image holds values that are not finite numbers")
    low, high = float(values.min()), float(values.max())
    slack, tops = (0.01, (1, 255, 65535)) if array.dtype.kind == "f" else (0.0, (255, 65535))
    top = next((top for top in tops if low >= 0 and high <= (1 + slack) * top), None)
    if top is None:
        return np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    return np.rint(values.clip(max=top) * (255 / top)).astype(np.uint8)


def to_channels(pixels: Pixels, channels: int) -> Pixels:
    """Grey (1) or RGB (3) from either; grey by the ITU-R 601 luma that Pillow uses."""
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    return np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]


def resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """uint8 (height, width, channel) stretched to `size` (width, height) by the one specified filter."""
    height, width, channels = pixels.shape
    if (width, height) == size:
        return pixels
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    array = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    return array[:, :, None] if channels == 1 else array


def resize_map(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """float32 (height, width) stretched to `size` (width, height) by the same filter, without rounding."""
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def to_image(pixels: Pixels | Image.Image) -> Image.Image:
    """A Pillow image of (height, width, 1 or 3) pixels."""
    if isinstance(pixels, Image.Image):
        return ImageOps.exif_transpose(pixels).convert("RGB")
    pixels = from_array(pixels)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
