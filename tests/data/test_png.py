"""The short way to small PNGs: whatever it takes it reads as Pillow does, and what is out of the ordinary it leaves."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, PngImagePlugin

from sightline.data import png
from sightline.data.image import read

PIXELS = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def encoded(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        array = np.asarray(image)
    return array.reshape(*array.shape[:2], -1)


@given(PIXELS, st.sampled_from(["L", "RGB"]))
def test_reads_as_pillow_does(pixels: np.ndarray, mode: str) -> None:
    data = encoded(Image.fromarray(pixels).convert(mode))
    found = png.read_plain(data)
    assert found is not None
    np.testing.assert_array_equal(found, by_pillow(data))


@given(PIXELS, st.sampled_from(["L", "RGB"]), st.data())
def test_damage_is_left_to_pillow(pixels: np.ndarray, mode: str, draw: st.DataObject) -> None:
    data = bytearray(encoded(Image.fromarray(pixels).convert(mode)))
    for _ in range(draw.draw(st.integers(1, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] ^= draw.draw(st.integers(1, 255))
    data = bytes(data[: draw.draw(st.integers(0, len(data)))])
    found = png.read_plain(data)
    if found is not None:
        np.testing.assert_array_equal(found, by_pillow(data))


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "I;16"])
def test_other_modes_are_left_to_pillow(mode: str) -> None:
    assert png.read_plain(encoded(Image.new(mode, (4, 4)))) is None


def test_what_changes_the_pixels_is_left_to_pillow() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", "")
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = Image.new("L", (4, 3), 7)
    for options in ({"transparency": 7}, {"exif": exif}, {"pnginfo": text}):
        assert png.read_plain(encoded(grey, **options)) is None
    assert read(encoded(grey, exif=exif)).shape == (4, 3, 1)


def test_several_chunks_of_pixels_and_harmless_ones() -> None:
    whole = encoded(Image.new("RGB", (5, 5), (1, 2, 3)), dpi=(72, 72))
    at = whole.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", whole, at)
    packed = whole[at + 8 : at + 8 + length]
    split = whole[:at] + chunk(b"IDAT", packed[:5]) + chunk(b"IDAT", packed[5:]) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(png.read_plain(split), by_pillow(whole))
    assert png.read_plain(whole[:at] + chunk(b"IDAT", packed[:5]) + chunk(b"IEND", b"")) is None
    assert png.read_plain(whole[:at] + chunk(b"fdAT", packed) + whole[at:]) is None


def test_what_claims_to_be_large_is_left_to_pillow() -> None:
    head = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    assert png.read_plain(bomb) is None
