"""Images that are refused, reduced scales, and anything at all."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import colours, encode, png, turned
from PIL import Image, ImageOps

from sightline.core.errors import SightlineError
from sightline.data.image import read, read_sized, resize, to_channels, to_image

# What is refused


def test_truncated_files_of_every_format():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    for format in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
        data = encode(image, format)
        with pytest.raises(SightlineError, match=r"damaged|no image"):
            read(data[: len(data) // 2])


def test_truncated_pillow_image_is_no_traceback(tmp_path):
    data = encode(Image.fromarray(colours(200, 200)), "JPEG")
    with pytest.raises(SightlineError, match="damaged"):
        read(Image.open(io.BytesIO(data[: len(data) // 2])))


def test_empty_text_missing_and_folder(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("this is a note, not a photo\n" * 20)
    for name, message in (
        ("empty.jpg", "empty"),
        ("text.jpg", "no image"),
        ("missing.jpg", "does not exist"),
        ("", "folder"),
        ("a\0b.jpg", "null byte"),
        ("x" * 5000, "too long"),
    ):
        with pytest.raises(SightlineError, match=message) as caught:
            read(tmp_path / name)
        assert str(tmp_path) in caught.value.where
    with pytest.raises(SightlineError, match="empty"):
        read(b"")


def test_no_decoder_runs_that_starts_programs():
    with pytest.raises(SightlineError, match="no image"):
        read(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")


def test_size_is_checked_before_decoding():
    data = png((100_000, 100_000), chunks=[(b"IDAT", zlib.compress(b"\0"))])
    with pytest.raises(SightlineError, match="10,000,000,000 pixels") as caught:
        read(data)
    assert "--max-pixels 10000000000" in caught.value.fix
    array = colours()
    assert read(encode(Image.fromarray(array)), max_pixels=960).shape == array.shape
    for source in (encode(Image.fromarray(array)), Image.fromarray(array)):
        with pytest.raises(SightlineError, match="more than the limit of 959"):
            read(source, max_pixels=959)


def test_large_image_in_a_small_icon_is_seen_through():
    inner = png((60_000, 60_000), chunks=[(b"IDAT", zlib.compress(b"\0"))])
    icon = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22) + inner
    with pytest.raises(SightlineError, match="3,600,000,000 pixels"):
        read(icon)
    assert read(encode(Image.new("RGBA", (16, 16), "red"), "ICO", sizes=[(16, 16)])).shape == (16, 16, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2, 2), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((2, 2, 3, 1), np.uint8),
        np.array([["a", "b"]]),
        np.array([[None, 1]]),
        np.ones((2, 2), complex),
        np.array([[np.nan, 1]]),
        np.array([[np.inf, 1]]),
    ],
    ids=str,
)
def test_arrays_that_are_no_images(array):
    with pytest.raises(SightlineError):
        read(array)


# A reduced scale


@pytest.mark.parametrize("format", ["JPEG", "MPO"])
@pytest.mark.parametrize("least", [(32, 32), (50, 20), (300, 300), (700, 10)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_reduced_jpeg_is_never_below_twice_the_target(format, least, orientation):
    image = Image.fromarray(colours(1500, 2000))
    options = {"save_all": True, "append_images": [image]} if format == "MPO" else {}
    data = encode(image, format, exif=turned(orientation), **options)
    pixels, size = read_sized(data, least)
    assert size == ((2000, 1500) if orientation == 1 else (1500, 2000))
    assert min(pixels.shape[:2]) >= min(2 * max(*least, 256), 1500)
    assert min(pixels.shape[:2]) < 1500 or 4 * max(*least, 256) > 1500


def test_other_formats_are_never_reduced():
    assert read(encode(Image.fromarray(colours(640, 900))), (8, 8)).shape == (640, 900, 3)


# Helpers


def test_to_channels():
    grey = colours()[..., :1]
    assert np.array_equal(to_channels(grey, 3), grey.repeat(3, axis=2))
    assert to_channels(grey, 1) is grey
    assert np.array_equal(to_channels(colours(), 1)[..., 0], np.asarray(Image.fromarray(colours()).convert("L")))


def test_resize_is_antialiased_and_keeps_what_fits():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, (8, 8))
    assert small.shape == (8, 8, 1) and abs(small.astype(int) - 128).max() < 12
    assert resize(stripes, (64, 64)) is stripes
    assert resize(colours(), (7, 9)).shape == (9, 7, 3)


def test_to_image():
    assert np.array_equal(np.asarray(to_image(colours())), colours())
    assert to_image(colours()[..., :1]).mode == "RGB"
    image = Image.open(io.BytesIO(encode(Image.fromarray(colours()), exif=turned(6))))
    assert to_image(image).size == ImageOps.exif_transpose(image).size == (24, 40)


# Anything at all

SEEDS = [
    encode(Image.fromarray(colours(9, 11)), format)
    for format in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "JPEG2000")
]


def readable_or_refused(data):
    try:
        pixels = read(data, (16, 16), max_pixels=10**6)
    except SightlineError:
        return
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] in (1, 3)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_load_or_are_refused(data):
    readable_or_refused(data)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    st.integers(0, 99),
)
def test_mutated_images_load_or_are_refused(data, changes, cut):
    mutable = bytearray(data)
    for place, value in changes:
        mutable[place % len(mutable)] = value
    readable_or_refused(bytes(mutable[: len(mutable) - (cut if cut < 50 else 0)]))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["?", "u1", "<u2", ">u2", "i2", "u4", "i8", "f2", "f4", "f8"]),
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.binary(min_size=1, max_size=64),
)
def test_arbitrary_arrays_load_or_are_refused(dtype, shape, data):
    with np.errstate(all="ignore"):
        readable_or_refused(np.resize(np.frombuffer((data * 8)[: 64 - 64 % np.dtype(dtype).itemsize], dtype), shape))
