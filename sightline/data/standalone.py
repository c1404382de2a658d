"""Reading an image as Sightline does, in numpy and Pillow alone: `sightline export --to python` copies this file."""

# pyright: basic

from __future__ import annotations

import numpy as np
from PIL import Image, features

FORMATS = ["JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "TIFF", "WEBP", "JPEG2000", "ICO", "TGA"]
TURNS = {2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (3, 1), 6: (3, 0), 7: (1, 1), 8: (1, 0)}
"""EXIF orientation to quarter turns counter-clockwise, and whether it is mirrored after them."""


def read(path: str, least: tuple[int, int], max_pixels: int = 200_000_000) -> tuple[np.ndarray, tuple[int, int]]:
    """uint8 (height, width, 1 or 3) and the (width, height) of the whole image; a large JPEG is decoded smaller.

    least: the (width, height) that it will be resized to.
    """
    with Image.open(path, formats=[*FORMATS, *(["AVIF"] if features.check("avif") else [])]) as image:
        size = image.size
        if size[0] * size[1] > max_pixels:
            raise ValueError(f"{path} has {size[0] * size[1]:,} pixels, more than {max_pixels:,}")
        if image.format in ("JPEG", "MPO"):
            side = 2 * max(*least, 256)
            image.draft(None, (side, side))
        pixels = _pixels(image)
        try:
            orientation = image.getexif().get(0x0112, 1)
        except Exception:  # EXIF that lies
            orientation = 1
    if image.format == "TIFF":  # Pillow has turned it already
        return pixels, (pixels.shape[1], pixels.shape[0])
    turns, mirrored = TURNS.get(orientation, (0, 0))
    pixels = np.rot90(pixels, turns)[:, :: -1 if mirrored else 1]
    return np.ascontiguousarray(pixels), (size[1], size[0]) if turns % 2 else size


def _pixels(image: Image.Image) -> np.ndarray:
    clear = image.info.get("transparency")
    if image.mode in ("L", "1") and clear is None:
        return np.asarray(image.convert("L"))[:, :, None]
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        return _to_bytes(np.where(values == clear, 65535, values) if isinstance(clear, int) else values)[:, :, None]
    if clear is not None or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    rgb = np.asarray(image.convert("RGB"))
    return rgb[..., :1] if (rgb == rgb[..., :1]).all() else rgb


def _to_bytes(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    values, is_float = values.astype(np.float64), values.dtype.kind == "f"
    low, high = values.min(), values.max()
    if low >= 0 and high <= 255 and not (is_float and high <= 1):
        return np.rint(values).astype(np.uint8)
    if low < 0 or high > 65535:
        return np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    return np.rint(values * (255 if is_float and high <= 1 else 1 / 257)).astype(np.uint8)


def resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (height, width, channel) stretched to (width, height) by an antialiased triangle filter."""
    if pixels.shape[1::-1] == tuple(size):
        return pixels
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR)).reshape(size[1], size[0], -1)


def to_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Grey (1) or RGB (3) from either."""
    if pixels.shape[2] == channels:
        return pixels
    return np.repeat(pixels, 3, 2) if channels == 3 else np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]
