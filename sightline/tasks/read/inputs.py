"""The input of line readers: a line of fixed height and free width, its ink dark on light paper.

Lines are cut higher and lower than their letters are, so that the same letter is twice as large in one as in another.
They are therefore scaled by their ink: it lies in the middle of the input, and spreads as far up and down as in the
usual line of the training data. (OCRopus normalises lines to a like end: Breuel et al. 2013.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.spec import Input, Spec
from sightline.core.task import Arrays, Size
from sightline.data.image import Pixels, resize, resize_map, to_channels

HEIGHT = 48
"""Of the input, in px: enough for letters, and half the work of 64."""
WIDE, WIDE_HEIGHT = 16, 40
"""From how many px of such an input a letter on they are wide, and the height that is enough then."""
MARGIN, STEP = 8, 16
"""Paper on both sides of a line, and what its whole width is a multiple of, in px of the input."""
LEAST_WIDTH, MOST_WIDTH = 16, 8192
INK, PAPER = 20, 235
"""What the darkest hundredth and the paper of a line are stretched to."""
FLAT = 16
"""Lines with less contrast than this are blank: stretching would only show their noise."""
FAINT = 0.4
"""Of the contrast: what is fainter is not counted as ink, but may show through from the back of the page."""
STEEPEST = 0.06
"""The rise of a line, in px a px, that is left out when its spread is measured."""
LEAST_ZOOM, MOST_ZOOM = 0.55, 1.6
"""The height that is cut out, in units of that of the image."""
SURE_LENGTH = 4
"""Lines so many times as long as high are scaled half as far as their ink says, for few letters tell little."""


def line_input(height: int) -> dict[str, Input]:
    """The inputs of a spec: uint8, grey, of this height and any width."""
    return {"image": Input("uint8", (height, None, 1))}


def usual_height(size: Size, texts: Iterable[str]) -> int:
    """The height of the input for lines with these texts, most of them images of about this (width, height) in px."""
    lengths = [len(text) for text in texts if text]
    wide = bool(lengths) and size[0] * HEIGHT >= WIDE * size[1] * float(np.median(lengths))
    return WIDE_HEIGHT if wide else HEIGHT


@dataclass(frozen=True)
class Tone:
    """How grey values become ink and paper: whether they are inverted, and the darkest and the lightest of a line."""

    inverted: bool
    dark: float
    light: float

    @staticmethod
    def of(grey: Pixels) -> Tone:
        """Of a line, (height, width) or (height, width, 1) uint8."""
        counts = np.bincount(grey.ravel(), minlength=256)
        low, middle, high = (_percentile(counts, share) for share in (5, 50, 95))
        inverted = middle - low < high - middle  # most of a line is paper
        dark, light = (_percentile(counts[::-1] if inverted else counts, share) for share in (1, 95))
        return Tone(inverted, dark, light)

    @property
    def flat(self) -> bool:
        """Whether nothing stands out from the paper."""
        return self.light - self.dark < FLAT

    @property
    def upright(self) -> NDArray[np.uint8]:
        """(256,) what each value is when ink is dark."""
        values = np.arange(256, dtype=np.uint8)
        return values[::-1] if self.inverted else values

    def stretched(self, grey: Pixels) -> Pixels:
        """The same with ink at 20 and paper at 235; all of it paper where nothing stands out."""
        if self.flat:
            return np.full_like(grey, PAPER)
        values = (self.upright.astype(np.float32) - self.dark) * ((PAPER - INK) / (self.light - self.dark)) + INK
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)[grey]

    def ink(self) -> NDArray[np.float64]:
        """(256,) how much ink each value is, up to about 0.6; below 0 what is too faint to count."""
        return (self.light - self.upright.astype(np.float64)) / max(1.0, self.light - self.dark) - FAINT


def _percentile(counts: NDArray[np.int64], share: float) -> float:
    """Of values that occur so many times each, as np.percentile gives it."""
    ends = counts.cumsum()
    place = share / 100 * (int(ends[-1]) - 1)
    low = int(place)
    below, above = (float(v) for v in np.searchsorted(ends, (low, min(low + 1, int(ends[-1]) - 1)), "right"))
    part = place - low
    return below + (above - below) * part if part < 0.5 else above - (above - below) * (1 - part)


@dataclass(frozen=True)
class Band:
    """Where the ink of a line lies: its middle and its mean distance from that, as shares of the height."""

    middle: float
    spread: float

    @staticmethod
    def of(grey: Pixels, tone: Tone) -> Band:
        """Of a line, (height, width, 1) uint8. Ink far off, of the lines above and below, counts little."""
        height, width = grey.shape[:2]
        ink, flat = tone.ink(), grey.ravel()
        places = np.flatnonzero((ink > 0)[flat])
        if tone.flat or not len(places):
            return Band(0.5, 0.0)
        weights = ink[flat[places]]
        rows, columns = np.divmod(places, width)
        y = rows + 0.5
        if width > SURE_LENGTH * height:
            x = columns - _mean(columns, weights)
            y -= x * _slope(x, y, weights)
        middle = _mean(y, weights)
        near = weights
        for _ in range(5):
            spread = _mean(np.abs(y - middle), near)
            near = weights * np.exp(-0.5 * ((y - middle) / (2.5 * spread + 1e-6)) ** 2)
            middle = _mean(y, near)
        return Band(middle / height, _mean(np.abs(y - middle), near) / height)


def _mean(values: NDArray[Any], weights: NDArray[np.float64]) -> float:
    return float((values * weights).sum() / weights.sum())  # BLAS would wake a thread a processor for this


def _slope(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Of the straight line through the ink, by least squares; x has a mean of 0."""
    far = weights * x
    slope = float((far * (y - _mean(y, weights))).sum()) / max(1e-6, float((far * x).sum()))
    return min(max(slope, -STEEPEST), STEEPEST)


def usual_spread(images: Iterable[Pixels], height: int) -> float:
    """The median spread of the ink of some lines, as a share of their height; 0 where none has any."""
    found: list[float] = []
    for image in images:
        grey = _reduced(to_channels(image, 1), height)
        found.append(Band.of(grey, Tone.of(grey)).spread)
    return float(np.median([one for one in found if one])) if any(found) else 0.0


def window(image: Pixels, spec: Spec) -> tuple[int, int, Tone]:
    """The first row of the image and the number of rows that the input shows, and its tone.

    The rows may begin above the image and end below it. Without `spread` in the spec: all rows of the image.
    """
    rows, columns = image.shape[:2]
    small = _reduced(to_channels(image, 1), spec.inputs["image"].shape[0] or HEIGHT)
    tone, usual = Tone.of(small), float(spec.extra.get("spread", 0.0))
    band = Band.of(small, tone) if usual else Band(0.5, 0.0)
    if not band.spread:
        return 0, rows, tone
    length = columns / rows
    trust = length / (length + SURE_LENGTH)
    zoom = min(max(band.spread / usual, LEAST_ZOOM), MOST_ZOOM) ** trust
    middle = 0.5 + (band.middle - 0.5) * trust
    return round((middle - zoom / 2) * rows), max(1, round(zoom * rows)), tone


def preprocess(image: Pixels, spec: Spec) -> Arrays:
    """{"image": uint8 (height, width, 1)}: grey, its contrast stretched, scaled by its ink, paper on both sides.

    Light ink on dark paper is inverted. Raises SightlineError for what is too long to be one line.
    """
    height = spec.inputs["image"].shape[0]
    assert height
    rows, columns = image.shape[:2]
    if columns * height > MOST_WIDTH * rows:
        raise SightlineError(
            f"the line is {columns:,} px long, more than {MOST_WIDTH / height:.0f} times its height of {rows:,} px",
            fix="cut it into shorter lines",
        )
    top, tall, tone = window(image, spec)
    shown = _rows(to_channels(image, 1), top, tall, round(255 - tone.light if tone.inverted else tone.light))
    width = scaled_width((columns, tall), height)
    line = np.full((height, width + 2 * MARGIN, 1), PAPER, np.uint8)
    line[:, MARGIN : MARGIN + width] = tone.stretched(resize(shown, (width, height)))
    return {"image": line}


def _reduced(grey: Pixels, height: int) -> Pixels:
    """The line no higher than the input, which is enough to see its ink."""
    rows, columns = grey.shape[:2]
    return grey if rows <= height else resize(grey, (max(1, round(columns * height / rows)), height))


def _rows(grey: Pixels, top: int, tall: int, paper: int) -> Pixels:
    """Some rows of the image; paper above and below it."""
    shown = np.full((tall, *grey.shape[1:]), paper, np.uint8)
    first, last = max(0, top), min(len(grey), top + tall)
    shown[first - top : last - top] = grey[first:last]
    return shown


def scaled_width(size: Size, height: int) -> int:
    """The width of a line of this (width, height) when its height is that of the input: with its margins, a multiple
    of STEP, so that none of it is padding and the width alone tells the scale."""
    return max(LEAST_WIDTH, round(size[0] * height / max(1, size[1]) / STEP) * STEP)


def to_image(values: NDArray[np.float32], image: Pixels, size: Size, spec: Spec) -> NDArray[np.float32]:
    """A map over the input of an image as one over the image in another size: margins are cut off, the rest is scaled
    back to the rows that it was taken from; rows of the image that the input does not show are 0."""
    top, tall, _ = window(image, spec)
    inner = values[:, MARGIN : values.shape[1] - MARGIN]
    rows = image.shape[0]
    shown = resize_map(inner, (size[0], max(1, round(tall * size[1] / rows))))
    whole = np.zeros((size[1], size[0]), np.float32)
    above = round(top * size[1] / rows)
    first, last = max(0, above), min(size[1], above + len(shown))
    whole[first:last] = shown[first - above : last - above]
    return whole


def place_in_image(column: float, size: Size, width: int) -> float:
    """The x in the image's own pixels, within it, of an x in an input of this width."""
    return min(max(0.0, (column - MARGIN) * size[0] / (width - 2 * MARGIN)), float(size[0]))
