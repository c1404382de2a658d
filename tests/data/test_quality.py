"""Blank, blurred, oddly sized images, and those that say where they were taken."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from sightline.data.quality import BLANK, BLURRED, blur, blurred, has_position, look, odd_sizes

GPS = 0x8825


def scene(seed: int = 0, side: int = 128) -> Image.Image:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.NEAREST)


def encoded(image: Image.Image, format: str, position: Any = ((48.0, 51.0, 29.9), (2.0, 17.0, 40.2))) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    if position:
        exif.get_ifd(GPS).update({1: "N", 2: position[0], 3: "E", 4: position[1]})
    file = io.BytesIO()
    image.save(file, format, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_position_is_seen_in_files_and_bytes(format: str, tmp_path: Path) -> None:
    data = encoded(scene(), format)
    path = tmp_path / "image"
    path.write_bytes(data)
    assert has_position(data) and has_position(path)
    assert not has_position(encoded(scene(), format, None))


@pytest.mark.parametrize("position", [((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), ((48.0,), (2.0,))])
def test_an_empty_position_is_none(position: Any) -> None:
    assert not has_position(encoded(scene(), "JPEG", position))


def test_exif_that_lies_or_is_damaged_says_nothing() -> None:
    data = encoded(scene(), "JPEG")
    start = data.index(b"Exif\0\0") + 6
    for seed in range(60):
        random = np.random.default_rng(seed)
        broken = bytearray(data)
        for _ in range(4):
            broken[start + int(random.integers(0, 120))] = int(random.integers(0, 256))
        assert has_position(bytes(broken)) in (True, False)
    endless = data[: start + 4] + struct.pack(">I", 0xFFFFFFF0) + data[start + 8 :]
    assert not has_position(endless)
    assert not has_position(b"Exif") and not has_position(b"") and not has_position(Path("no such file"))
    assert not has_position(np.zeros((4, 4, 1), np.uint8))


def test_blur_grows_with_the_blur_and_not_with_the_light() -> None:
    image = scene()
    values = [blur(np.asarray(image.filter(ImageFilter.GaussianBlur(radius)))) for radius in (0, 1, 2, 3)]
    assert values == sorted(values) and values[0] < 0.5 and values[-1] > BLURRED
    dim = (np.asarray(image) * 0.3 + 20).astype(np.uint8)
    assert blur(dim) == pytest.approx(values[0], abs=0.01)
    assert blur(np.asarray(image.resize((1024, 1024), Image.Resampling.NEAREST))) < 0.5
    assert blur(np.zeros((64, 64, 1), np.uint8)) == 0 == blur(np.asarray(scene(0, 16)))


def test_only_what_is_more_blurred_than_the_others_is_blurred() -> None:
    sharp = np.random.default_rng(0).normal(0.35, 0.03, 50)
    assert blurred(np.append(sharp, 0.9).astype(np.float32)).tolist() == [False] * 50 + [True]
    assert not blurred(np.full(50, 0.8, np.float32)).any()


def test_odd_sizes_are_of_another_shape_or_far_off() -> None:
    sizes = np.array([(100, 80)] * 20 + [(90, 100), (400, 80), (100, 20), (20, 16), (1000, 800)], np.int32)
    assert odd_sizes(sizes).tolist() == [False] * 21 + [True] * 4


def test_a_look_sees_all_of_it() -> None:
    pixels = np.asarray(scene())
    found = look(pixels, pixels)
    assert found["grey"].shape == (32, 32) and found["colour"].shape == (8, 8, 2)
    assert found["contrast"] > BLANK and not found["position"]
    flat = np.full((64, 64, 3), (90, 20, 200), np.uint8)
    assert look(flat, flat)["contrast"] < BLANK
    dotted = flat.copy()
    dotted[30:34, 30:34] = 255
    assert look(dotted, dotted)["contrast"] > BLANK, "a small thing on an even ground is something"
