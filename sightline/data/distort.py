"""What corruptions are made of: blurs, bilinear sampling, clouds and frost, in numpy and Pillow alone.

Images are float32 (height, width, channel) in 0..1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Floats = NDArray[np.float32]
FROST = 512
"""Side of a frost texture in pixels."""


def mirror(places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Whole places outside 0..count-1 folded back: 2 1 | 0 1 2 … (the border itself is not repeated)."""
    period = max(2 * (count - 1), 1)
    folded = places % period
    return np.where(folded < count, folded, period - folded)


@lru_cache(maxsize=32)
def smoother(count: int, sigma: float) -> Floats:
    """(count, count) matrix that blurs along an axis by a Gaussian, cut at 4 sigma; borders are reflected."""
    reach = int(4 * sigma + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / max(sigma, 1e-6)) ** 2)
    places = (np.arange(count)[:, None] + offsets) % (2 * count)
    places = np.where(places < count, places, 2 * count - 1 - places)
    matrix = np.zeros((count, count))
    np.add.at(matrix, (np.arange(count)[:, None], places), weights / weights.sum())
    return matrix.astype(np.float32)


def gaussian(x: Floats, sigma: float) -> Floats:
    """Blurred by a Gaussian of `sigma` pixels."""
    height, width, channels = x.shape
    rows = smoother(height, sigma) @ x.reshape(height, width * channels)
    return np.matmul(smoother(width, sigma), rows.reshape(height, width, channels))


def disk(radius: float, alias: float) -> Floats:
    """The kernel of a lens out of focus: a disk, its edge softened by a Gaussian of `alias` pixels; it adds up to 1."""
    reach = int(radius)
    line = np.arange(-reach - 1, reach + 2)
    inside = ((line[:, None] ** 2 + line**2) <= radius**2).astype(np.float64)
    soft = np.exp(-0.5 * (np.arange(-1, 2) / alias) ** 2)
    soft /= soft.sum()
    for axis in (0, 1):
        inside = sum(weight * np.roll(inside, move, axis) for move, weight in zip((-1, 0, 1), soft, strict=True))
    return (inside / np.sum(inside)).astype(np.float32)


def convolve(x: Floats, kernel: Floats) -> Floats:
    """x by a symmetric kernel (odd, odd), its borders mirrored; by Fourier's way, as kernels grow with the image."""
    reach = len(kernel) // 2
    around = [mirror(np.arange(-reach, count + reach, dtype=np.int64), count) for count in x.shape[:2]]
    padded = x[around[0]][:, around[1]]
    shape = (len(around[0]), len(around[1]))
    spectrum = np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel, shape)[..., None]
    return np.fft.irfft2(spectrum, shape, axes=(0, 1))[2 * reach :, 2 * reach :].astype(np.float32)


def motion(x: Floats, radius: float, sigma: float, degrees: float) -> Floats:
    """Smeared to one side along a line: 2 radius + 1 taps, weighted by half a Gaussian; borders are repeated."""
    taps = 2 * max(1, round(radius)) + 1
    weights = np.exp(-0.5 * (np.arange(taps) / sigma) ** 2)
    weights /= weights.sum()
    angle = np.deg2rad(degrees)
    down = np.rint(np.arange(taps) * np.sin(angle)).astype(int)
    right = np.rint(np.arange(taps) * np.cos(angle)).astype(int)
    around = int(max(np.abs(down).max(), np.abs(right).max()))
    padded = np.pad(x, ((around, around), (around, around), (0, 0)), "edge")
    height, width = x.shape[:2]
    out = np.zeros_like(x)
    for weight, i, j in zip(weights.astype(np.float32), around + down, around + right, strict=True):
        out += weight * padded[i : i + height, j : j + width]
    return out


def sample(x: Floats, rows: Floats, columns: Floats, mirrored: bool = True) -> Floats:
    """x at real places (height, width) by bilinear interpolation; outside it is mirrored, or the border repeated."""
    height, width = x.shape[:2]
    top, left = np.floor(rows), np.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]

    def at(row: Floats, column: Floats) -> Floats:
        i, j = row.astype(np.int64), column.astype(np.int64)
        if mirrored:
            return x[mirror(i, height), mirror(j, width)]
        return x[np.clip(i, 0, height - 1), np.clip(j, 0, width - 1)]

    upper = at(top, left) * (1 - right) + at(top, left + 1) * right
    lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return (upper * (1 - down) + lower * down).astype(np.float32)


def enlarged(layer: Floats, factor: float) -> Floats:
    """The middle of a (height, width) layer, enlarged by `factor` >= 1 to the whole."""
    height, width = layer.shape
    half = (width / factor / 2, height / factor / 2)
    box = (width / 2 - half[0], height / 2 - half[1], width / 2 + half[0], height / 2 + half[1])
    return np.asarray(Image.fromarray(layer).resize((width, height), Image.Resampling.BILINEAR, box))


def plasma(side: int, decay: float, random: np.random.Generator) -> Floats:
    """(side, side) clouds in 0..1 by the diamond-square algorithm (Fournier et al. 1982), tileable.

    side: a power of two. From level to level the displacement shrinks by decay squared.
    """
    field = np.zeros((side, side))
    step, wobble = side, 1.0
    while step >= 2:
        half, cells = step // 2, side // step

        def moved(mean: NDArray[np.float64], size: float = wobble, cells: int = cells) -> NDArray[np.float64]:
            return mean + size * random.uniform(-1, 1, (cells, cells))

        corners = field[::step, ::step]
        right, down = np.roll(corners, -1, 1), np.roll(corners, -1, 0)
        middles = moved((corners + right + down + np.roll(right, -1, 0)) / 4)
        field[half::step, half::step] = middles
        field[::step, half::step] = moved((corners + right + middles + np.roll(middles, 1, 0)) / 4)
        field[half::step, ::step] = moved((corners + down + middles + np.roll(middles, 1, 1)) / 4)
        step, wobble = half, wobble / decay**2
    field -= field.min()
    return (field / max(float(field.max()), 1e-12)).astype(np.float32)


@lru_cache(maxsize=8)
def frost(which: int) -> Image.Image:
    """A frosted pane of 512 x 512, one of several: feathers of ice on a veil, drawn here instead of photographed."""
    random = np.random.Generator(np.random.Philox(key=[which, 0xF057]))
    canvas = Image.new("L", (2 * FROST, 2 * FROST))
    draw = ImageDraw.Draw(canvas)
    for _ in range(1400):
        size = 2 * FROST
        start, angle = random.uniform(0, size, 2), random.uniform(0, 2 * np.pi)
        _feather(draw, start, angle, float(random.gamma(2, size / 30)), int(random.integers(90, 256)))
    canvas = canvas.resize((FROST, FROST), Image.Resampling.BOX)
    ice = np.asarray(canvas, np.float32) / 255
    glow = np.asarray(canvas.filter(ImageFilter.GaussianBlur(5)), np.float32) / 255
    thick = np.clip(1.8 * plasma(FROST, 1.6, random) - 0.3, 0, 1)
    light = 0.9 * np.clip(0.12 + 0.2 * thick + (0.35 + 0.65 * thick) * (0.5 * ice + 0.8 * glow), 0, 1)
    tint = light[..., None] ** np.array([1.15, 1.0, 0.85], np.float32)
    return Image.fromarray(np.rint(255 * tint).astype(np.uint8))


def _feather(draw: ImageDraw.ImageDraw, start: NDArray[np.float64], angle: float, length: float, light: int) -> None:
    """One crystal: a stem with branches at 60 degrees that shorten towards its tip."""
    tip = start + length * np.array([np.cos(angle), np.sin(angle)])
    draw.line((*start.tolist(), *tip.tolist()), light, 3)
    for place in np.arange(0.06, 1, 10 / max(length, 20)):
        foot = start + place * (tip - start)
        for turn in (angle - np.pi / 3, angle + np.pi / 3):
            end = foot + 0.4 * length * (1 - place) * np.array([np.cos(turn), np.sin(turn)])
            draw.line((*foot.tolist(), *end.tolist()), int(0.8 * light), 2)
