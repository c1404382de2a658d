"""The 15 corruptions of ImageNet-C and CIFAR-10-C at 5 strengths, and shifts of brightness, scale and rotation.

Written after Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (arXiv 1903.12261). Their constants are for images of 32, 64 and 224 pixels; an image takes the set of
the side nearest to its own shorter one, and lengths in pixels grow or shrink with its side (never below those for
32 px, where a blur would vanish). Differences: the ice of `frost` is drawn, not photographed; `elastic` interpolates
once where they do twice. Where their program differs from the paper, as in `glass_blur`, the program counts: it made
the images that others measured on.

Deterministic: chance is keyed by (index, kind) and is the same for all strengths of a kind.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from sightline.core.errors import unknown
from sightline.data import distort
from sightline.data.corrupt_constants import CONSTANTS
from sightline.data.distort import Floats
from sightline.data.image import Pixels

STRENGTHS = (1, 2, 3, 4, 5)
GROUPS = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic", "pixelate", "jpeg"),
}
KINDS = tuple(kind for kinds in GROUPS.values() for kind in kinds)
SHIFTS: dict[str, tuple[float, ...]] = {
    "exposure": (0.3, 0.5, 0.75, 1.33, 2.0, 3.0),
    "scale": (0.5, 0.7, 0.85, 1.18, 1.43, 2.0),
    "rotation": (-30, -20, -10, 10, 20, 30),
}
"""Brightness by a factor, size of what is seen by a factor, degrees counter-clockwise."""

Chance = np.random.Generator
_BOUNDS = ((45, 32), (120, 64))
"""Below the first side the set of the second; above all, that of 224."""
FROST_SCALE = {32: 3.2, 64: 2.4, 224: 2.3}
"""Side of the whole pane in shorter sides of the image."""


def corrupt(pixels: Pixels, kind: str, strength: int, index: int = 0) -> Pixels:
    """uint8 (height, width, 1 or 3) of the same shape. index: of the image, the key of its chance.

    Raises SightlineError for an unknown kind and ValueError for a strength that is not 1 to 5.
    """
    if kind not in KINDS:
        raise unknown("corruption", kind, KINDS)
    if strength not in STRENGTHS:
        raise ValueError(f"a strength is 1 to 5, not {strength}")
    base = _base(pixels)
    unit = min(pixels.shape[:2]) / base
    unit = max(unit, 1.0) if base == 32 else unit
    random = np.random.Generator(np.random.Philox(key=[index, KINDS.index(kind)]))
    return _bytes(_WAYS[kind](pixels, CONSTANTS[base][kind][strength - 1], unit, random))


def changed(pixels: Pixels, kind: str, amount: float, index: int = 0) -> Pixels:
    """`corrupt` at the strength `amount`, or `shift` by it."""
    return corrupt(pixels, kind, int(amount), index) if kind in KINDS else shift(pixels, kind, amount)


def shift(pixels: Pixels, kind: str, value: float) -> Pixels:
    """uint8 of the same shape, as if seen brighter or darker, nearer or farther, or turned (see SHIFTS).

    What comes into view at the borders repeats them. Raises SightlineError for an unknown kind.
    """
    if kind not in SHIFTS:
        raise unknown("shift", kind, SHIFTS)
    if kind == "exposure":
        return _bytes(_unit(pixels) * np.float32(value))
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    if kind == "scale":
        y, x = y / value, x / value
    else:
        angle = np.deg2rad(value)
        y, x = y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) - y * np.sin(angle)
    return _bytes(distort.sample(_unit(pixels), y + (height - 1) / 2, x + (width - 1) / 2, mirrored=False))


def _unit(pixels: Pixels) -> Floats:
    return pixels.astype(np.float32) / np.float32(255)


def _bytes(x: Any) -> Pixels:
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


def _gaussian_noise(pixels: Pixels, c: float, unit: float, random: Chance) -> Any:
    return _unit(pixels) + c * random.standard_normal(pixels.shape, np.float32)


def _shot_noise(pixels: Pixels, c: float, unit: float, random: Chance) -> Any:
    return random.poisson(_unit(pixels) * c) / c


def _impulse_noise(pixels: Pixels, c: float, unit: float, random: Chance) -> Any:
    chance, salt = random.random(pixels.shape, np.float32), random.random(pixels.shape, np.float32) < 0.5
    return np.where(chance < c, salt, _unit(pixels))


def _defocus_blur(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    return distort.convolve(_unit(pixels), distort.disk(c[0] * unit, c[1]))


def _glass_blur(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    sigma, reach = float(c[0]) * unit, max(1, round(float(c[1]) * unit))
    x = distort.gaussian(_unit(pixels), sigma)
    height, width = x.shape[:2]
    rows = np.arange(reach, height - reach, dtype=np.int64)[:, None]
    columns = np.arange(reach, width - reach, dtype=np.int64)[None]
    for _ in range(c[2]):
        # The program of the paper means to exchange neighbours, but each pixel only takes the value of one.
        down, right = random.integers(-reach, reach, (2, rows.shape[0], columns.shape[1]))
        x[rows, columns] = x[rows + down, columns + right]
    return distort.gaussian(x, sigma)


def _motion_blur(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    return distort.motion(_unit(pixels), c[0] * unit, c[1] * unit, random.uniform(-45, 45))


def _zoom_blur(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    factors = np.arange(1, float(c[0]), float(c[1]), dtype=np.float64).tolist()
    height, width, channels = pixels.shape
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    total = pixels.astype(np.float32)
    for factor in factors:
        box = (width * (1 - 1 / factor) / 2, height * (1 - 1 / factor) / 2)
        around = (*box, width - box[0], height - box[1])
        total += np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, around)).reshape(pixels.shape)
    return total / (255 * (len(factors) + 1))


def _snow(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    mean, spread, zoom, least, radius, sigma, keep = c
    x = _unit(pixels)
    layer = distort.enlarged(random.normal(mean, spread, x.shape[:2]).astype(np.float32), zoom)
    flakes = np.where(layer < least, 0, np.clip(layer, 0, 1)).astype(np.float32)[..., None]
    flakes = distort.motion(flakes, radius * unit, sigma * unit, random.uniform(-135, -45))
    grey = x @ np.array([0.299, 0.587, 0.114], np.float32) if x.shape[2] == 3 else x[..., 0]
    white = keep * x + (1 - keep) * np.maximum(x, grey[..., None] * 1.5 + 0.5)
    return white + flakes + np.rot90(flakes, 2)


def _frost(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    height, width = pixels.shape[:2]
    # The paper's photographs, too, are scaled down before a piece of them is laid over a small image.
    side = max(round(min(height, width) * FROST_SCALE[_base(pixels)]), height, width)
    pane = distort.frost(int(random.integers(5))).resize((side, side), Image.Resampling.BILINEAR)
    top, left = (int(random.random() * (side - length + 1)) for length in (height, width))
    ice = _unit(np.asarray(pane.crop((left, top, left + width, top + height)), np.uint8))
    return c[0] * _unit(pixels) + c[1] * (ice if pixels.shape[2] == 3 else ice.mean(axis=2, keepdims=True))


def _fog(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    height, width = pixels.shape[:2]
    x = _unit(pixels)
    clouds = distort.plasma(1 << (max(height, width, 2) - 1).bit_length(), c[1], random)[:height, :width, None]
    return (x + c[0] * clouds) * (x.max() / (x.max() + c[0]))


def _brightness(pixels: Pixels, c: float, unit: float, random: Chance) -> Any:
    # The value of HSV, the largest channel, rises by c; hue and saturation stay.
    x = _unit(pixels)
    value: Floats = x.max(axis=2, keepdims=True)
    raised = np.minimum(value + c, 1)
    return np.where(value > 0, x * (raised / np.maximum(value, 1e-6)), raised)


def _contrast(pixels: Pixels, c: float, unit: float, random: Chance) -> Any:
    x = _unit(pixels)
    mean: Floats = x.mean(axis=(0, 1), keepdims=True)
    return (x - mean) * c + mean


def _elastic(pixels: Pixels, c: Any, unit: float, random: Chance) -> Any:
    height, width = pixels.shape[:2]
    side = min(height, width)
    alpha, sigma, reach = (side * value for value in c)
    # A random affine map: three points around the middle move, and the rest follows.
    middle, arm = np.array([width // 2, height // 2]), max(side // 3, 1)
    points = middle + np.array([[arm, arm], [arm, -arm], [-arm, -arm]])
    moved = points + random.uniform(-reach, reach, (3, 2))
    back = np.linalg.solve(np.column_stack([moved, np.ones(3)]), points)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for axis in (x, y):
        noise = random.uniform(-1, 1, (height, width, 1)).astype(np.float32)
        axis += alpha * distort.gaussian(noise, sigma)[..., 0]
    columns, rows = np.moveaxis(np.stack([x, y, np.ones_like(x)], axis=2) @ back.astype(np.float32), 2, 0)
    return distort.sample(_unit(pixels), rows, columns)


def _pixelate(pixels: Pixels, c: float, unit: float, random: Chance) -> Any:
    height, width, channels = pixels.shape
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    small = image.resize((max(1, int(width * c)), max(1, int(height * c))), Image.Resampling.BOX)
    return _unit(np.asarray(small.resize((width, height), Image.Resampling.BOX)).reshape(pixels.shape))


def _jpeg(pixels: Pixels, c: int, unit: float, random: Chance) -> Any:
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "JPEG", quality=c)
    return _unit(np.asarray(Image.open(file)).reshape(pixels.shape))


def _base(pixels: Pixels) -> int:
    side = min(pixels.shape[:2])
    return next((base for bound, base in _BOUNDS if side < bound), 224)


_WAYS: dict[str, Callable[[Pixels, Any, float, Chance], Any]] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "defocus_blur": _defocus_blur,
    "glass_blur": _glass_blur,
    "motion_blur": _motion_blur,
    "zoom_blur": _zoom_blur,
    "snow": _snow,
    "frost": _frost,
    "fog": _fog,
    "brightness": _brightness,
    "contrast": _contrast,
    "elastic": _elastic,
    "pixelate": _pixelate,
    "jpeg": _jpeg,
}
