"""Pictures inside the page."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from report_facts import noise

from sightline.report.pictures import LARGEST_SIDE, MOST_BYTES, Picture, picture


def opened(shown: Picture) -> Image.Image:
    head, data = shown.uri.split(",")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == f"data:image/{image.format.lower()};base64"
    return image


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_image_keeps_every_pixel(channels: int) -> None:
    pixels = noise(28, 0, channels)
    shown = picture(pixels)
    assert shown.tiny and (shown.width, shown.height) == (28, 28)
    assert np.array_equal(np.asarray(opened(shown).convert("RGB")), np.broadcast_to(pixels, (28, 28, 3)))


def test_a_photo_becomes_a_small_jpeg_of_bounded_size_and_the_same_shape() -> None:
    shown = picture(np.concatenate([noise(600, 0), noise(600, 1)], axis=1))
    image = opened(shown)
    assert image.format == "JPEG" and image.size == (LARGEST_SIDE, LARGEST_SIDE // 2) and not shown.tiny
    assert len(base64.b64decode(shown.uri.split(",")[1])) <= MOST_BYTES


def test_even_the_worst_square_of_noise_stays_within_the_bound() -> None:
    for side in (65, 100, 224, 500):
        assert len(base64.b64decode(picture(noise(side)).uri.split(",")[1])) <= MOST_BYTES


def test_an_overlay_from_pillow_is_taken_too() -> None:
    assert opened(picture(Image.new("RGBA", (10, 12), (255, 0, 0, 128)))).size == (10, 12)


def test_lines_of_text_keep_enough_of_their_length_to_be_read() -> None:
    line = picture(np.full((48, 1600, 1), 200, np.uint8))
    assert line.long and (line.width, line.height) == (720, 22)
    assert not picture(np.full((300, 400, 1), 200, np.uint8)).long
