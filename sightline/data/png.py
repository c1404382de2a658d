"""The common small PNG, read without Pillow's opening of the file, which costs several times what its decoding does.

Only what is beyond doubt is taken: 8 bits, grey or RGB, not interlaced, whole, with right sums and with no chunk that
changes how the pixels are seen. All else is left to Pillow, and to its errors. (PNG specification, third edition,
sections 5 and 11.)
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST = 2**20
"""Bytes of a file, and pixels of an image, up to which opening counts beside decoding."""
_HEAD = struct.Struct(">8sI4sIIBBBBBI")
_CHUNK = struct.Struct(">I4s")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MODES = {0: "L", 2: "RGB"}
_HARMLESS = frozenset((b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"tIME", b"bKGD"))
"""Chunks that Pillow, too, leaves out of account for the pixels of these modes."""


def read_plain(source: str | Path | bytes, max_pixels: int = LARGEST) -> NDArray[np.uint8] | None:
    """uint8 (height, width, 1 or 3) of a PNG file or its bytes; None for what is large, another kind of PNG, or none.

    Raises OSError for a file named `.png` that cannot be read.
    """
    data = source if isinstance(source, bytes) else _small_file(os.fspath(source))
    mode, width, height = _head(data)
    packed = _packed_pixels(data) if 0 < width * height <= min(LARGEST, max_pixels) else None
    if packed is None:
        return None
    try:
        image = Image.frombytes(mode, (width, height), packed, "zip", mode, 0)
    except Exception:  # Pillow, asked again with the whole file, tells what is wrong
        return None
    return np.frombuffer(image.tobytes(), np.uint8).reshape(height, width, -1)


def _small_file(path: str) -> bytes:
    """The file's bytes if it is small and called a PNG, else none."""
    if path[-4:].lower() != ".png":
        return b""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        return file.read(size) if size <= LARGEST else b""


def _head(data: bytes) -> tuple[str, int, int]:
    """Pillow's mode, width and height of a PNG of the common kind; no pixels if it is another."""
    if not _HEAD.size <= len(data) <= LARGEST:
        return "", 0, 0
    signature, length, kind, width, height, bits, colour, *rest, total = _HEAD.unpack_from(data)
    common = signature == _SIGNATURE and (length, kind) == (13, b"IHDR") and total == zlib.crc32(data[12:29])
    if not common or colour not in _MODES or (bits, rest) != (8, [0, 0, 0]):
        return "", 0, 0
    return _MODES[colour], width, height


def _packed_pixels(data: bytes) -> bytes | None:
    """The contents of all IDAT chunks behind the head; None if anything is damaged or out of the ordinary."""
    parts: list[bytes] = []
    at = _HEAD.size
    while at + 12 <= len(data):
        length, kind = _CHUNK.unpack_from(data, at)
        end = at + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return None
        if kind == b"IEND":
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if kind == b"IDAT":
            parts.append(data[at + 8 : end])
        elif kind not in _HARMLESS:
            return None
        at = end + 4
    return None
