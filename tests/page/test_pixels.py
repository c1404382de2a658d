"""Reading and resizing in JavaScript: the same pixels as in Python, to the last bit."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.data import image
from sightline.export.images import made_files

from .conftest import array_of, pixels_of

PNG, RESIZE = "pixels/png.js", "pixels/resize.js"
MOST = 10**9


def png(array: np.ndarray, mode: str | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array, mode).save(file, "PNG", **options)
    return file.getvalue()


def test_made_images_are_read_alike(node: Callable[..., Any], tmp_path: Path) -> None:
    for path in made_files(tmp_path):
        if path.suffix == ".png" and not path.name.startswith("1600"):
            found = node(PNG, "readPng", path.read_bytes(), MOST)
            assert np.array_equal(array_of(found), image.read(path)), path.name


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_mode_and_orientation_is_read_alike(
    node: Callable[..., Any], tmp_path: Path, mode: str, orientation: int
) -> None:
    grey = (np.arange(12 * 9).reshape(12, 9) * 2).astype(np.uint8)
    if mode == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 250)
    else:
        picture = Image.fromarray(np.stack([grey, grey[::-1], 255 - grey], 2)).convert(mode)
    if "A" in mode:
        picture.putalpha(Image.fromarray(np.roll(grey, 5)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "it.png"
    picture.save(path, exif=exif.tobytes())
    assert np.array_equal(array_of(node(PNG, "readPng", path.read_bytes(), MOST)), image.read(path))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_with_and_without_transparency(node: Callable[..., Any], tmp_path: Path, bits: int) -> None:
    random = np.random.default_rng(bits)
    picture = Image.fromarray(random.integers(0, 2**bits, (7, 13), np.uint8), "L").convert("P")
    picture.putpalette(random.integers(0, 256, 3 * 2**bits, np.uint8).tobytes())
    for place, options in enumerate(({}, {"transparency": 1}, {"transparency": bytes([9, 200, 0])})):
        path = tmp_path / f"{place}.png"
        picture.save(path, bits=bits, **options)
        assert np.array_equal(array_of(node(PNG, "readPng", path.read_bytes(), MOST)), image.read(path))


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def interlaced(array: np.ndarray) -> bytes:
    """A PNG in seven passes: Pillow reads such, but writes none."""
    height, width, channels = array.shape
    raw = b""
    for left, top, right, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
    ):  # fmt: skip
        part = array[top::down, left::right]
        if part.size:
            raw += b"".join(b"\0" + line.tobytes() for line in part)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, colour, 0, 0, 1])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 8), (17, 5)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_interlaced_images(node: Callable[..., Any], size: tuple[int, int], channels: int) -> None:
    data = interlaced(np.random.default_rng(0).integers(0, 256, (*size, channels), np.uint8))
    assert np.array_equal(array_of(node(PNG, "readPng", data, MOST)), image.read(data))


def test_every_filter_of_lines(node: Callable[..., Any]) -> None:
    y, x = np.mgrid[:40, :60]
    smooth = np.stack([x * 4, y * 6, x + y], 2).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    for array in (smooth, noise, np.where(x[..., None] < 30, smooth, noise)):
        data = png(array)
        assert np.array_equal(array_of(node(PNG, "readPng", data, MOST)), array)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_an_error_or_read_no_crash(node: Callable[..., Any], seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(png(random.integers(0, 256, (9, 11, 3), np.uint8)))
    if seed % 3 == 0:
        data = data[: int(random.integers(8, len(data)))]
    else:
        for place in random.integers(8, len(data), 4):
            data[place] = int(random.integers(0, 256))
    found = node(PNG, "readPng", bytes(data), 10_000)
    assert "data" in found or found["problem"] in ("damaged", "too-large")


def test_too_many_pixels_are_not_unpacked(node: Callable[..., Any]) -> None:
    found = node(PNG, "readPng", png(np.zeros((100, 100), np.uint8)), 9_999)
    assert found == {"problem": "too-large", "values": {"pixels": 10_000, "most": 9_999}}


def test_resizing_is_pillows(node: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    for _ in range(60):
        width, height, wide, high = (int(v) for v in random.integers(1, 120, 4))
        pixels = random.integers(0, 256, (height, width, int(random.choice([1, 3]))), np.uint8)
        found = array_of(node(RESIZE, "resize", pixels_of(pixels), wide, high))
        wanted = image.resize(pixels, (wide, high))
        assert np.array_equal(found, wanted), (width, height, wide, high)


def test_maps_are_resized_alike(node: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        width, height, wide, high = (int(v) for v in random.integers(1, 60, 4))
        values = random.normal(size=(height, width)).astype(np.float32)
        found = node(RESIZE, "resizeMap", {"data": values, "width": width, "height": height}, wide, high)
        assert np.allclose(found["data"].reshape(high, wide), image.resize_map(values, (wide, high)), atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_turned_alike(node: Callable[..., Any], channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, channels), np.uint8)
    for wanted in (1, 3):
        found = array_of(node(RESIZE, "toChannels", pixels_of(pixels), wanted))
        assert np.array_equal(found, image.to_channels(pixels, wanted))


def test_a_jpeg_at_a_reduced_scale_is_near_what_its_decoder_gives(node: Callable[..., Any]) -> None:
    y, x = np.mgrid[:410, :650]
    pixels = np.stack([x * 255 // 650, y * 255 // 410, (x + y) % 256], 2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    whole = np.asarray(Image.open(file))
    for side in (2, 4, 8):
        with Image.open(file) as small:
            small.draft(None, (650 // side, 410 // side))
            wanted = np.asarray(small).astype(int)
        found = array_of(node(RESIZE, "reduced", pixels_of(whole), side)).astype(int)
        assert found.shape == wanted.shape and abs(found - wanted).mean() < 1.5


def test_halves_are_numpys(node: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.random(200), 10.0 ** random.uniform(-9, 4, 200), [0, 1, 2**-14, 2**-24]])
    for value in values.astype(np.float32).tolist():
        assert node("numbers.js", "toHalf", value) == float(np.float16(np.float32(value))), value
