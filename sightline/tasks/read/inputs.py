"""The input of line readers: a line of fixed height and free width, its ink dark on light paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.spec import Input, Spec
from sightline.core.task import Arrays, Size
from sightline.data.image import Pixels, resize, resize_map, to_channels

LOW, HIGH = 48, 64
"""Heights of the input: lines lower than the mean of both are read at the first."""
MARGIN, STEP = 8, 16
"""Paper on both sides of a line, and what its whole width is a multiple of, in px of the input."""
LEAST_WIDTH, MOST_WIDTH = 8, 8192
INK, PAPER = 20, 235
"""What the darkest hundredth and the paper of a line are stretched to."""
FLAT = 16
"""Lines with less contrast than this are blank: stretching would only show their noise."""


def line_input(height: int) -> dict[str, Input]:
    """The inputs of a spec: uint8, grey, of this height and any width."""
    return {"image": Input("uint8", (height, None, 1))}


def preprocess(image: Pixels, spec: Spec) -> Arrays:
    """{"image": uint8 (height, width, 1)}: grey, its contrast stretched, its height fixed, paper on both sides.

    Light ink on dark paper is inverted. Raises SightlineError for what is too long to be one line.
    """
    height = spec.inputs["image"].shape[0]
    assert height
    rows, columns = image.shape[:2]
    width = scaled_width((columns, rows), height)
    if width > MOST_WIDTH:
        raise SightlineError(
            f"the line is {columns:,} px long, more than {MOST_WIDTH / height:.0f} times its height of {rows:,} px",
            fix="cut it into shorter lines",
        )
    grey = resize(to_channels(image, 1), (width, height))
    whole = -(-(width + 2 * MARGIN) // STEP) * STEP
    line = np.full((height, whole, 1), PAPER, np.uint8)
    line[:, MARGIN : MARGIN + width] = stretched(grey)
    return {"image": line}


def stretched(grey: Pixels) -> Pixels:
    """The same with ink at 20 and paper at 235, whichever of both was the lighter one."""
    low, middle, high = (float(v) for v in np.percentile(grey, (5, 50, 95)))
    if middle - low < high - middle:  # most of a line is paper
        grey = 255 - grey
    dark, light = (float(v) for v in np.percentile(grey, (1, 95)))
    if light - dark < FLAT:
        return np.full_like(grey, PAPER)
    scaled = (grey.astype(np.float32) - dark) * ((PAPER - INK) / (light - dark)) + INK
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def scaled_width(size: Size, height: int) -> int:
    """The width of a line of this (width, height) when its height is that of the input."""
    return max(LEAST_WIDTH, round(size[0] * height / max(1, size[1])))


def to_image(values: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """A map over the input as one over the image: the margins are cut off, the rest is scaled back."""
    width = scaled_width(size, values.shape[0])
    return resize_map(values[:, MARGIN : MARGIN + width], size)


def place_in_image(column: float, size: Size, height: int) -> float:
    """The x in the image's own pixels, within it, of an x in the input."""
    return min(max(0.0, (column - MARGIN) * size[0] / scaled_width(size, height)), float(size[0]))
