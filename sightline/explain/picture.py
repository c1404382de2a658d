"""Pictures of explanations: the image, and beside it what the answer rests on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.data.image import Pixels, resize_map, to_image

LEAST, MOST = 336, 720
"""Pixels: a panel's shorter side is enlarged to about the first, its longer side is at most the second."""
MARGIN, GAP = 24, 16
PAPER, INK, FAINT = (20, 20, 24), (245, 245, 245), (165, 165, 175)
BAR = 10
Values = NDArray[np.float32] | NDArray[np.float64]


def overlay(pixels: Pixels, values: Values, lines: Sequence[str] = ()) -> Image.Image:
    """The image, and beside it the map laid over a grey copy: the brighter, the more it speaks for the answer.

    pixels: uint8 (height, width, 1 or 3); values: float (height, width) of the same shape or scale, of which what is
    above 0 is drawn; lines: up to two lines of text below.
    """
    return _page([panel(pixels), blend(pixels, values)], lines, bar=True)


def blend(pixels: Pixels, values: Values, least: int = LEAST, most: int = MOST) -> Image.Image:
    """The map laid over a grey copy of the image, without frame or text: for pages that bring their own.

    pixels, values: as for `overlay`; least, most: pixels of the sides, as for `panel`.
    """
    base = panel(pixels, least, most)
    strength = strengths(resize_map(np.asarray(values, np.float32), base.size))
    grey = np.asarray(base.convert("L"), np.float64)[..., None] * 0.6
    alpha = (0.8 * strength**0.6)[..., None]
    mixed = grey * (1 - alpha) + ramp()[np.rint(strength * 255).astype(np.int64)] * alpha
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def layer(values: Values, most: int = MOST) -> Image.Image:
    """The map alone, to be laid over the image: RGBA, its longer side at most `most` pixels; what says nothing is
    clear."""
    height, width = values.shape
    scale = min(1.0, most / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    strength = strengths(resize_map(np.asarray(values, np.float32), size))
    alpha = (0.8 * strength**0.6)[..., None] * 255
    colour = ramp()[np.rint(strength * 255).astype(np.int64)]
    return Image.fromarray(np.rint(np.concatenate((colour, alpha), axis=2)).astype(np.uint8))


def tiles(pixels: Pixels, values: Values, maps: Values, lines: Sequence[str] = ()) -> Image.Image:
    """The image, and beside it the feature maps as a grid, each from its own least (dark) to its own most (bright).

    maps: (n, height, width).
    """
    left = panel(pixels)
    columns = int(np.ceil(np.sqrt(len(maps))))
    rows = -(-len(maps) // columns)
    side = ((left.width + 2) // columns, (left.height + 2) // columns)
    grid = Image.new("RGB", (columns * side[0] - 2, rows * side[1] - 2), PAPER)
    for number, one in enumerate(maps):
        low, high = float(one.min()), float(one.max())
        scaled = (one - low) / (high - low) if high > low else np.zeros_like(one)
        tile = Image.fromarray(ramp()[np.rint(scaled * 255).astype(np.int64)].astype(np.uint8))
        tile = tile.resize((max(1, side[0] - 2), max(1, side[1] - 2)), Image.Resampling.NEAREST)
        grid.paste(tile, (number % columns * side[0], number // columns * side[1]))
    return _page([left, grid], lines)


def gallery(pixels: Pixels, others: Sequence[tuple[Pixels, str]], lines: Sequence[str] = ()) -> Image.Image:
    """The image, and beside it other images with a caption each."""
    left = panel(pixels)
    height = left.height
    shown = [left]
    for other, caption in others:
        picture = panel(other)
        picture = picture.resize((max(1, round(picture.width * height / picture.height)), height))
        shown.append(_captioned(picture, caption))
    return _page(shown, lines)


def panel(pixels: Pixels, least: int = LEAST, most: int = MOST) -> Image.Image:
    """The image in RGB, small ones enlarged by a whole number so that every pixel can be seen, large ones reduced.

    The shorter side becomes about `least` pixels, the longer one at most `most`.
    """
    picture = to_image(pixels)
    factor = least // min(picture.size)
    if factor > 1 and factor * max(picture.size) <= most:
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    scale = min(most / max(picture.size), max(1.0, least / min(picture.size)))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)


def strengths(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """0..1: what is above 0 against the strongest half percent, so that one pixel does not darken all others."""
    positive = np.maximum(values.astype(np.float64), 0)
    if not positive.any():
        return positive
    top = float(np.quantile(positive, 0.995)) or float(positive.max())
    return np.minimum(positive / top, 1)


@cache
def ramp() -> NDArray[np.float64]:
    """(256, 3) sRGB 0..255 from deep violet over red and orange to pale yellow: equal steps look equally far apart.

    A straight line in the lightness of Oklab (Ottosson 2020), with hue and chroma that turn as smoothly.
    """
    t = np.linspace(0, 1, 256)
    lightness = 0.22 + 0.74 * t
    chroma = 0.04 + 0.16 * np.sin(np.pi * np.clip(0.12 + 0.80 * t, 0, 1)) ** 1.2
    hue = np.deg2rad(295 + 170 * t**0.85)
    for _ in range(30):  # less chroma where the screen has no such colour: clipping would bend the line
        linear = _linear_rgb(lightness, chroma, hue)
        chroma = np.where((linear.min(axis=1) < 0) | (linear.max(axis=1) > 1), 0.96 * chroma, chroma)
    linear = np.clip(_linear_rgb(lightness, chroma, hue), 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _linear_rgb(
    lightness: NDArray[np.float64], chroma: NDArray[np.float64], hue: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Oklab to linear sRGB, (n, 3); outside 0..1 where no such colour exists."""
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    cones = lab @ np.array([[1, 1, 1], [0.3963377774, -0.1055613458, -0.0894841775],
                            [0.2158037573, -0.0638541728, -1.2914855480]])  # fmt: skip
    return cones**3 @ np.array([[4.0767416621, -1.2684380046, -0.0041960863],
                                [-3.3077115913, 2.6097574011, -0.7034186147],
                                [0.2309699292, -0.3413193965, 1.7076147010]])  # fmt: skip


def _page(panels: Sequence[Image.Image], lines: Sequence[str], bar: bool = False) -> Image.Image:
    """Panels side by side on dark paper, the colour bar under the last of them, the text under all."""
    width = sum(one.width for one in panels) + GAP * (len(panels) - 1) + 2 * MARGIN
    height = max(one.height for one in panels)
    under = (BAR + 30 if bar else 0) + (38 * bool(lines) + 26 * (len(lines) > 1))
    page = Image.new("RGB", (width, height + 2 * MARGIN + under), PAPER)
    draw = ImageDraw.Draw(page)
    x = MARGIN
    for one in panels:
        page.paste(one, (x, MARGIN))
        x += one.width + GAP
    y = MARGIN + height
    if bar:
        last = panels[-1]
        _colour_bar(page, (width - MARGIN - last.width, y + 8), last.width)
        y += BAR + 30
    for number, text in enumerate(lines[:2]):
        size, colour = ((24, INK), (16, FAINT))[number]
        font = ImageFont.load_default(size)
        draw.text((MARGIN, y + 8), _fitted(draw, text, font, width - 2 * MARGIN), fill=colour, font=font)
        y += 36
    return page


def _colour_bar(page: Image.Image, place: tuple[int, int], width: int) -> None:
    colours = ramp()[np.linspace(0, 255, width).astype(np.int64)].astype(np.uint8)
    page.paste(Image.fromarray(np.repeat(colours[None], BAR, 0)), place)
    draw, font, y = ImageDraw.Draw(page), ImageFont.load_default(13), place[1] + BAR + 3
    draw.text((place[0], y), "no matter", fill=FAINT, font=font)
    text = "matters most"
    draw.text((place[0] + width - draw.textlength(text, font=font), y), text, fill=FAINT, font=font)


def _captioned(picture: Image.Image, text: str) -> Image.Image:
    page = Image.new("RGB", (picture.width, picture.height + 26), PAPER)
    page.paste(picture, (0, 0))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    draw.text((0, picture.height + 6), _fitted(draw, text, font, picture.width), fill=FAINT, font=font)
    return page


def _fitted(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, most: int) -> str:
    """The text on one line, cut with an ellipsis where it is wider than `most` pixels."""
    text = " ".join(text.split())
    if draw.textlength(text, font=font) <= most:
        return text
    while text and draw.textlength(text + "…", font=font) > most:
        text = text[:-1]
    return text + "…"
