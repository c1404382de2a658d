"""Each rule that image.py writes down."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from sightline.core.errors import SightlineError
from sightline.data.image import from_array, read, read_sized, resize, to_channels, to_image


def encode(image, format="PNG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def colours(height=24, width=40):
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 255 // height, x * 255 // width, (x + y) * 255 // (height + width)], axis=-1).astype(np.uint8)


def png(size, depth=8, kind=0, chunks=()):
    """A PNG written by hand, without pixels enough for its size."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(*c) for c in chunks) + chunk(b"IEND", b"")


# What comes out


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "WEBP", "PPM"])
def test_colour_is_kept_by_every_lossless_format(format):
    array = colours()
    pixels = read(encode(Image.fromarray(array), format, **({"lossless": True} if format == "WEBP" else {})))
    assert pixels.dtype == np.uint8 and np.array_equal(pixels, array)


def test_path_string_bytes_array_and_pillow_image_are_the_same(tmp_path):
    array = colours()
    path = tmp_path / "a.png"
    path.write_bytes(encode(Image.fromarray(array)))
    for source in (path, str(path), path.read_bytes(), array, Image.fromarray(array)):
        pixels, size = read_sized(source)
        assert np.array_equal(pixels, array) and size == (40, 24)


def test_grey_stays_grey():
    grey = colours()[..., 0]
    assert np.array_equal(read(encode(Image.fromarray(grey))), grey[..., None])


def test_rgb_of_equal_channels_is_grey():
    grey = colours()[..., :1]
    assert np.array_equal(read(encode(Image.fromarray(grey.repeat(3, axis=2)))), grey)


def test_one_coloured_pixel_is_enough_for_rgb():
    array = colours()[..., :1].repeat(3, axis=2)
    array[5, 5] = (9, 9, 10)
    assert np.array_equal(read(encode(Image.fromarray(array))), array)


def test_palette_gives_its_colours():
    image = Image.fromarray(colours()).quantize(16)
    assert np.array_equal(read(encode(image)), np.asarray(image.convert("RGB")))


def test_palette_of_greys_is_grey():
    image = Image.fromarray(colours()[..., 0]).convert("P")
    assert read(encode(image)).shape == (24, 40, 1)


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_transparent_palette_entry_is_white(format):
    image = Image.new("P", (4, 2), 1)
    image.putpalette([0, 0, 0, 200, 10, 10])
    image.putpixel((0, 0), 0)
    pixels = read(encode(image, format, transparency=0))
    assert pixels[0, 0].tolist() == [255, 255, 255] and pixels[1, 3].tolist() == [200, 10, 10]


def test_rgba_is_laid_over_white():
    array = np.zeros((2, 2, 4), np.uint8)
    array[0, 0] = (255, 0, 0, 255)
    array[0, 1] = (255, 0, 0, 0)
    array[1, 0] = (0, 0, 0, 128)
    for source in (encode(Image.fromarray(array)), array):
        pixels = read(source).astype(int)
        assert pixels[0, 0].tolist() == [255, 0, 0] and pixels[0, 1].tolist() == [255, 255, 255]
        assert abs(pixels[1, 0] - 127).max() <= 1


def test_grey_with_alpha_is_laid_over_white_and_stays_grey():
    image = Image.merge("LA", (Image.new("L", (3, 2), 100), Image.new("L", (3, 2), 0)))
    image.putpixel((1, 0), (100, 255))
    assert read(encode(image))[0, :2, 0].tolist() == [255, 100]
    assert read(encode(image)).shape == (2, 3, 1)


@pytest.mark.parametrize("mode, value, clear", [("L", 7, 7), ("RGB", (1, 2, 3), (1, 2, 3)), ("1", 0, 0)])
def test_transparent_colour_of_a_png_without_alpha_is_white(mode, value, clear):
    pixels = read(encode(Image.new(mode, (3, 2), value), transparency=clear))
    assert (pixels == 255).all()


def test_transparent_grey_of_16_bits_is_white():
    rows = b"".join(b"\0" + struct.pack(">2H", 514, 25700) for _ in range(2))
    data = png((2, 2), 16, chunks=[(b"tRNS", struct.pack(">H", 514)), (b"IDAT", zlib.compress(rows))])
    assert read(data)[0, :, 0].tolist() == [255, 100]


def test_cmyk_becomes_rgb():
    pixels = read(encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert pixels.shape == (8, 8, 3)
    assert pixels[4, 4, 0] > 240 and pixels[4, 4, 1] < 15 and pixels[4, 4, 2] < 15


def test_one_bit_is_black_and_white():
    image = Image.new("1", (3, 1))
    image.putpixel((1, 0), 1)
    assert read(encode(image))[0, :, 0].tolist() == [0, 255, 0]


def test_16_bit_png_is_scaled_not_clipped():
    values = np.array([[0, 257, 25700, 65535]], np.uint16)
    assert read(encode(Image.fromarray(values)))[0, :, 0].tolist() == [0, 1, 100, 255]


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_dark_16_bit_image_stays_dark_in_both_byte_orders(dtype):
    values = np.array([[0, 100, 200]], dtype)
    assert from_array(values)[0, :, 0].tolist() == [0, 0, 1]


def test_big_endian_16_bit_tiff():
    image = Image.frombytes("I;16B", (3, 1), struct.pack(">3H", 0, 128, 257))
    assert read(encode(image, "TIFF"))[0, :, 0].tolist() == [0, 0, 1]


def test_float_tiff_is_scaled_from_the_smallest_range_that_holds_it():
    for top in (1.0, 255.0, 65535.0):
        image = Image.fromarray(np.array([[0, top / 5, top]], np.float32))
        assert read(encode(image, "TIFF"))[0, :, 0].tolist() == [0, 51, 255]


def test_values_outside_of_every_range_are_stretched():
    assert from_array(np.array([[-1.0, 0.0, 1.0]]))[0, :, 0].tolist() == [0, 128, 255]
    assert from_array(np.array([[0, 10**6]], np.int64))[0, :, 0].tolist() == [0, 255]


def test_integers_0_and_1_are_not_stretched_but_floats_and_bools_are():
    assert from_array(np.array([[0, 1]], np.int32)).max() == 1
    assert from_array(np.array([[0, 1]], np.float32)).max() == 255
    assert from_array(np.array([[False, True]])).max() == 255


def test_first_frame_of_an_animation_and_first_page_of_a_tiff():
    first, second = Image.new("RGB", (6, 5), (255, 0, 0)), Image.new("RGB", (6, 5), (0, 0, 255))
    for format in ("GIF", "TIFF", "WEBP", "PNG"):
        data = encode(
            first, format, save_all=True, append_images=[second], **({"lossless": True} if format == "WEBP" else {})
        )
        assert read(data)[2, 2].tolist() == [255, 0, 0], format


# Orientation

TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""EXIF orientation to Pillow's Transpose."""


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP", "AVIF"])
def test_exif_orientation_is_applied(format, orientation):
    if format == "AVIF" and ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow knows no AVIF")
    image = Image.fromarray(colours())
    expected = image.transpose(TURNS[orientation]) if orientation in TURNS else image
    options = {"lossless": True} if format == "WEBP" else {"quality": 95} if format in ("JPEG", "AVIF") else {}
    pixels, size = read_sized(encode(image, format, exif=turned(orientation), **options))
    assert size == expected.size == pixels.shape[1::-1]
    assert np.abs(pixels.astype(int) - np.asarray(expected)).max() <= (0 if format in ("PNG", "TIFF", "WEBP") else 20)


def test_png_whose_exif_follows_the_pixels():
    data = png((2, 1), chunks=[(b"IDAT", zlib.compress(b"\0\x0a\x14")), (b"eXIf", turned(6).tobytes()[6:])])
    assert read(data)[:, :, 0].tolist() == [[10], [20]]


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_orientation_that_means_nothing_is_ignored(value):
    assert read(encode(Image.fromarray(colours()), exif=turned(value))).shape == (24, 40, 3)


def test_damaged_exif_costs_nothing():
    data = encode(Image.fromarray(colours()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fgarbage")
    assert read(data).shape == (24, 40, 3)


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
@pytest.mark.parametrize("least", [(32, 32), (50, 20), (100, 100), (300, 10)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_reduced_jpeg_is_never_below_twice_the_target(format, least, orientation):
    image = Image.fromarray(colours(640, 900))
    options = {"save_all": True, "append_images": [image]} if format == "MPO" else {}
    data = encode(image, format, exif=turned(orientation), **options)
    pixels, size = read_sized(data, least)
    assert size == ((900, 640) if orientation == 1 else (640, 900))
    assert min(pixels.shape[:2]) >= min(2 * max(least), 640)
    assert pixels.shape[0] < 640 or 4 * max(least) > 640 // 2


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
