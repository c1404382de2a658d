"""Each rule that image.py writes down."""

import struct
import zlib

import numpy as np
import pytest
from image_files import colours, encode, png, turned
from PIL import Image

from sightline.data.image import from_array, read, read_sized

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


def test_floats_that_overshoot_their_range_a_little_are_cut_off_rather_than_taken_for_another_range():
    for top in (1.0, 255.0):
        values = np.array([[0.0, 0.2, 1.0, 1.005]], np.float32) * np.float32(top)
        assert from_array(values)[0, :, 0].tolist() == [0, 51, 255, 255]
    assert from_array(np.array([[0.0, 1.1]]))[0, :, 0].tolist() == [0, 1]
    assert from_array(np.array([[-10.0, 1495.0, 3000.0]]))[0, :, 0].tolist() == [0, 128, 255], "stretched"


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
