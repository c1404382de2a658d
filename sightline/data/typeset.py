"""Lines of text drawn with fonts, each in a size, ink and paper of chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sightline.core.errors import SightlineError
from sightline.data.bidi import direction

FONT_SUFFIXES = (".ttf", ".otf", ".ttc")
NOWHERE = "\U0010ffff"
"""A code point that no font draws: what it looks like is what a missing letter looks like."""


def fonts_in(folder: Path | None) -> Sequence[Path | None]:
    """The fonts below a folder; [None], which stands for the font that Pillow carries, where none is named.

    Raises SightlineError where there are none.
    """
    if folder is None:
        return [None]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES)
    if not found:
        raise SightlineError("there is no font in this folder", str(folder), f"fonts end in {', '.join(FONT_SUFFIXES)}")
    return found


def drawn(text: str, fonts: Sequence[Path | None], size: int, random: np.random.Generator) -> Image.Image | None:
    """The line in a font of chance that has its letters; None where none has.

    Raises SightlineError for a script from right to left where Pillow cannot write it.
    """
    height = round(size * random.uniform(0.8, 1.2))
    order: list[int] = random.permutation(len(fonts)).tolist()
    for font in _loaded([fonts[place] for place in order], height):
        if _has(font, text):
            break
    else:
        return None
    side = direction(text)  # Raqm, asked for none, would go by the first letter alone, and Read goes by most of them
    if side and font.layout_engine != ImageFont.Layout.RAQM:
        raise SightlineError(
            f"this Pillow cannot write from right to left, and the text does: {text[:40]}",
            fix="install FriBiDi (on Debian: apt install libfribidi0), or take these lines out",
        )
    left, top, right, bottom = (round(value) for value in font.getbbox(text, direction=side))
    margins = [round(height * random.uniform(0.1, 0.4)) for _ in range(4)]
    shape = (right - left + margins[0] + margins[2], bottom - top + margins[1] + margins[3])
    mask = Image.new("L", (max(8, shape[0]), max(8, shape[1])), 0)
    ImageDraw.Draw(mask).text((margins[0] - left, margins[1] - top), text, fill=255, font=font, direction=side)
    ink, paper = random.uniform(0, 90), random.uniform(190, 255)
    share = np.asarray(mask, np.float32) / 255
    pixels = paper + (ink - paper) * share + random.normal(0, random.uniform(0, 8), share.shape)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _loaded(paths: Sequence[Path | None], size: int) -> Iterator[Any]:
    """The fonts at that size; those that cannot be read are passed over."""
    for path in paths:
        try:
            yield ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)
        except OSError:
            continue


def _has(font: Any, text: str) -> bool:
    """Whether the font draws each letter of the text, by the look of a letter that it does not have."""
    missing = bytes(font.getmask(NOWHERE))
    return all(character.isspace() or bytes(font.getmask(character)) != missing for character in set(text))
