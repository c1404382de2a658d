"""Boxes in numpy: how an image is fitted into the input, and suppression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightline.core.geometry import Floats, overlaps
from sightline.core.task import Size
from sightline.data.image import Pixels, resize, to_channels

LARGEST_SIDE = 320
"""Pixels of the input's longer side, where `--imgsz` does not say."""
PAPER = 127
"""Grey of what the image does not fill of the input: the mean that normalisation takes away."""


def fitted(size: Size, frame: Size) -> Size:
    """(width, height) of an image scaled, its aspect kept, to the largest that the frame holds."""
    scale = min(frame[0] / size[0], frame[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def letterbox(image: Pixels, frame: Size, channels: int) -> Pixels:
    """The image scaled into the frame's top left corner, grey elsewhere: uint8 (height, width, channel)."""
    height, width = image.shape[:2]
    canvas = np.full((frame[1], frame[0], channels), PAPER, np.uint8)
    inner = fitted((width, height), frame)
    canvas[: inner[1], : inner[0]] = to_channels(resize(image, inner), channels)
    return canvas


def suppressed(corners: Floats, labels: NDArray[np.int64], most: float) -> NDArray[np.int64]:
    """Places of the boxes that stay, of boxes sorted best first: each box hides later ones of its own class whose
    overlap with it exceeds `most`."""
    alike = (overlaps(corners, corners) > most) & (labels[:, None] == labels[None])
    hidden = np.zeros(len(corners), np.bool_)
    for place in range(len(corners)):
        if not hidden[place]:
            hidden[place + 1 :] |= alike[place, place + 1 :]
    return np.flatnonzero(~hidden)
