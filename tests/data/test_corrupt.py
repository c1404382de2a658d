"""Corruptions: golden images, independent implementations of their parts, and what holds for every kind and size."""

from __future__ import annotations

import colorsys
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from sightline.core.errors import SightlineError
from sightline.data import distort
from sightline.data.corrupt import GROUPS, KINDS, SHIFTS, STRENGTHS, changed, corrupt, shift
from sightline.data.corrupt_constants import CONSTANTS

GOLDEN = Path(__file__).parent / "golden"
every_kind = pytest.mark.parametrize("kind", KINDS)


def scene(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Something like a photo: a sky, a ground, a few things with edges, and texture."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    sky = np.stack([0.4 + 0.3 * y, 0.5 + 0.25 * y, 0.75 - 0.1 * y], axis=2)
    ground = np.stack([0.35 + 0 * y, 0.3 + 0.2 * x, 0.2 + 0 * y], axis=2)
    image = np.where((y > 0.6)[..., None], ground, sky)
    for _ in range(5):
        top, left = random.uniform(0, 0.7, 2)
        inside = (np.abs(y - top - 0.1) < random.uniform(0.04, 0.15)) & (np.abs(x - left - 0.1) < 0.1)
        image[inside] = random.uniform(0.05, 0.95, 3)
    image += 0.03 * random.standard_normal((height, width, 1))
    pixels = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return pixels if channels == 3 else pixels.mean(axis=2, keepdims=True).astype(np.uint8)


def distance(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - two).mean())


def sheet(pixels: np.ndarray, strengths: tuple[int, ...]) -> np.ndarray:
    """A row a kind, a column a strength."""
    rows = [np.concatenate([corrupt(pixels, kind, s, 7) for s in strengths], axis=1) for kind in KINDS]
    return np.concatenate(rows)


SHEETS = {
    "grey16": (scene(16, 16, 1), STRENGTHS),
    "colour32": (scene(32, 32), (1, 5)),
    "colour48": (scene(46, 56), (3,)),
}


@pytest.mark.parametrize("name", SHEETS)
def test_the_images_are_those_that_were_looked_at(name: str) -> None:
    """Made anew, after a look at them, with: python tests/data/test_corrupt.py"""
    golden = np.asarray(Image.open(GOLDEN / f"corrupt_{name}.png"))
    found = sheet(*SHEETS[name])
    golden = golden.reshape(found.shape)
    side = SHEETS[name][0].shape[0]
    for row, kind in enumerate(KINDS):
        part = slice(row * side, (row + 1) * side)
        # Another version of libjpeg or of a maths library may round otherwise; another image is another image.
        assert distance(found[part], golden[part]) < 0.7, kind


def test_there_are_15_kinds_in_4_groups_with_constants_for_3_sizes() -> None:
    assert len(KINDS) == 15 == len(set(KINDS)) and list(map(len, GROUPS.values())) == [3, 4, 4, 4]
    for table in CONSTANTS.values():
        assert set(table) == set(KINDS) and all(len(values) == 5 for values in table.values())


@every_kind
@given(
    height=st.integers(8, 70), width=st.integers(8, 70), channels=st.sampled_from([1, 3]),
    strength=st.sampled_from(STRENGTHS), seed=st.integers(0, 99),
)  # fmt: skip
def test_shape_and_dtype_stay_and_chance_repeats(
    kind: str, height: int, width: int, channels: int, strength: int, seed: int
) -> None:
    pixels = scene(height, width, channels, seed)
    before = pixels.copy()
    found = corrupt(pixels, kind, strength, seed)
    assert found.shape == pixels.shape and found.dtype == np.uint8
    assert np.array_equal(pixels, before), "the image itself was changed"
    assert np.array_equal(found, corrupt(pixels, kind, strength, seed))


@every_kind
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3), (224, 160, 3)])
def test_stronger_is_farther_from_the_image(kind: str, shape: tuple[int, int, int]) -> None:
    count = 3 if shape[0] > 100 else 12
    images = [scene(*shape, seed=seed) for seed in range(count)]
    means = [
        float(np.mean([distance(corrupt(image, kind, s, i), image) for i, image in enumerate(images)]))
        for s in STRENGTHS
    ]
    assert min(means) > 0.2, "nothing happens"
    if kind not in ("elastic", "glass_blur", "frost"):  # the paper trades one of their constants for another
        assert means[-1] > means[0]
        # Flakes are few on 8 px, and a grid of boxes meets the edges by chance.
        slack = {"snow": 0.15, "pixelate": 0.3}.get(kind, 0.03)
        assert all(b >= (1 - slack) * a for a, b in itertools.pairwise(means)), means


@every_kind
def test_images_of_other_index_meet_another_chance(kind: str) -> None:
    pixels = scene(48, 48)
    same = np.array_equal(corrupt(pixels, kind, 4, 0), corrupt(pixels, kind, 4, 1))
    assert same == (kind in ("defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg"))


@every_kind
@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_images_are_no_trouble(kind: str, level: int) -> None:
    for shape in ((1, 1, 1), (2, 9, 3), (32, 32, 3)):
        assert corrupt(np.full(shape, level, np.uint8), kind, 5).shape == shape


def test_noise_is_as_strong_as_the_paper_says() -> None:
    grey = np.full((40, 40, 3), 128, np.uint8)
    many = np.stack([corrupt(grey, "gaussian_noise", 5, i) for i in range(30)]).astype(float)
    assert many.std() / 255 == pytest.approx(0.10, rel=0.03)
    many = np.stack([corrupt(grey, "shot_noise", 5, i) for i in range(30)]).astype(float)
    assert many.std() / 255 == pytest.approx(np.sqrt(128 / 255 / 50), rel=0.03)
    many = np.stack([corrupt(grey, "impulse_noise", 5, i) for i in range(60)])
    assert (many == 0).mean() == pytest.approx(0.035, rel=0.06) and (many == 255).mean() == pytest.approx(
        0.035, rel=0.06
    )


def test_brightness_raises_the_value_of_hsv() -> None:
    pixels = scene(6, 6)
    found = corrupt(pixels, "brightness", 5) / 255
    for before, after in zip(pixels.reshape(-1, 3) / 255, found.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        assert after == pytest.approx(colorsys.hsv_to_rgb(hue, saturation, min(1, value + 0.3)), abs=0.5 / 255 + 1e-6)


def test_contrast_draws_towards_the_mean() -> None:
    pixels = scene(30, 30)
    mean = pixels.mean(axis=(0, 1), keepdims=True)
    assert corrupt(pixels, "contrast", 4) == pytest.approx((pixels - mean) * 0.3 + mean, abs=0.51)


def test_jpeg_is_that_of_pillow() -> None:
    pixels, file = scene(224, 224), io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=7)
    assert np.array_equal(corrupt(pixels, "jpeg", 5), np.asarray(Image.open(file)))


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.3, 6.0, 40.0])
def test_the_gaussian_blur_is_that_of_scipy(sigma: float) -> None:
    x = scene(37, 52).astype(np.float32) / 255
    expected = ndimage.gaussian_filter(x, (sigma, sigma, 0), mode="reflect", truncate=4)
    assert distort.gaussian(x, sigma) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("radius", "alias"), [(0.3, 0.4), (1.5, 0.1), (6, 0.5)])
def test_the_blur_of_a_lens_is_a_convolution_with_a_disk(radius: float, alias: float) -> None:
    x = scene(33, 41).astype(np.float32) / 255
    kernel = distort.disk(radius, alias)
    assert kernel.sum() == pytest.approx(1) and np.array_equal(kernel, kernel[::-1, ::-1])
    expected = ndimage.convolve(x, kernel[..., None], mode="mirror")
    assert distort.convolve(x, kernel) == pytest.approx(expected, abs=1e-5)


def test_sampling_is_that_of_scipy() -> None:
    x = scene(21, 34).astype(np.float32) / 255
    random = np.random.default_rng(0)
    rows, columns = (random.uniform(-15, 45, (21, 34)).astype(np.float32) for _ in range(2))
    for mirrored, mode in ((True, "mirror"), (False, "nearest")):
        found = distort.sample(x, rows, columns, mirrored)
        for channel in range(3):
            expected = ndimage.map_coordinates(x[..., channel], [rows, columns], order=1, mode=mode)
            assert found[..., channel] == pytest.approx(expected, abs=1e-4)


def test_motion_smears_to_one_side_along_its_angle() -> None:
    x = np.zeros((21, 21, 1), np.float32)
    x[10, 10] = 1
    found = distort.motion(x, 4, 2, 0.0)[..., 0]
    assert found.sum() == pytest.approx(1) and set(np.nonzero(found)[0]) == {10}
    taps = found[10, 10::-1][:9]
    assert taps == pytest.approx(np.exp(-(np.arange(9) ** 2) / 8) / np.exp(-(np.arange(9) ** 2) / 8).sum(), abs=1e-6)


def test_clouds_fill_their_range_and_repeat_at_their_borders() -> None:
    clouds = distort.plasma(64, 2.0, np.random.default_rng(0))
    assert (clouds.min(), clouds.max()) == (0, 1)
    inner = np.abs(np.diff(clouds, axis=1)).mean()
    assert np.abs(clouds[:, 0] - clouds[:, -1]).mean() < 2 * inner
    rough = np.abs(np.diff(distort.plasma(64, 1.2, np.random.default_rng(0)), axis=1)).mean()
    assert rough > 2 * inner


def test_a_factor_of_one_and_no_turn_change_nothing() -> None:
    pixels = scene(20, 33)
    for kind, amount in (("exposure", 1.0), ("scale", 1.0), ("rotation", 0.0)):
        assert np.array_equal(shift(pixels, kind, amount), pixels)
        assert np.array_equal(changed(pixels, kind, amount), pixels)


def test_a_shift_is_what_it_says() -> None:
    dot = np.zeros((41, 41, 1), np.uint8)
    dot[20, 30] = 255  # ten to the right of the middle
    turned = np.argwhere(shift(dot, "rotation", 90) > 128).tolist()
    assert turned == [[10, 20, 0]]  # counter-clockwise: above it
    wide = np.argwhere(shift(dot, "scale", 2) == 255).tolist()
    assert wide == [[20, 40, 0]]
    assert shift(np.full((3, 3, 1), 80, np.uint8), "exposure", 2)[0, 0, 0] == 160
    for kind, amounts in SHIFTS.items():
        assert len(amounts) == 6 and list(amounts) == sorted(amounts), kind


def test_what_is_unknown_is_refused() -> None:
    pixels = scene(8, 8)
    with pytest.raises(SightlineError, match="unknown corruption 'gausian_noise'") as caught:
        corrupt(pixels, "gausian_noise", 1)
    assert "gaussian_noise" in caught.value.fix
    with pytest.raises(SightlineError, match="unknown shift"):
        shift(pixels, "shear", 1)
    with pytest.raises(ValueError, match="1 to 5"):
        corrupt(pixels, "fog", 6)


if __name__ == "__main__":
    for name, (pixels, strengths) in SHEETS.items():
        made = sheet(pixels, strengths)
        Image.fromarray(made[..., 0] if made.shape[2] == 1 else made).save(
            GOLDEN / f"corrupt_{name}.png", optimize=True
        )
