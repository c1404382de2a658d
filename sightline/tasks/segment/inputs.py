"""The input of segmenters: one fixed size for all images, which are stretched to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.core.spec import Input
from sightline.core.task import Arrays
from sightline.data.dataset import Probe
from sightline.data.image import Pixels, resize, to_channels

UNIT = 16
"""Both sides are multiples of it: so often do networks halve their maps."""
LARGEST_SIDE = 256


def input_of(probe: Probe, options: Mapping[str, Any]) -> dict[str, Input]:
    """The longer side by `imgsz` among the options, else the images' own up to 256; the other by their usual shape."""
    longest = max(probe.width, probe.height)
    scale = float(options.get("imgsz") or min(longest, LARGEST_SIDE)) / longest
    height, width = (max(UNIT, round(side * scale / UNIT) * UNIT) for side in (probe.height, probe.width))
    return {"image": Input("uint8", (height, width, probe.channels))}


def preprocess(image: Pixels, shape: tuple[int | None, ...]) -> Arrays:
    """{"image": uint8 (height, width, channel)}: stretched, nothing is cut off."""
    height, width, channels = shape
    assert height and width and channels, "segmenters have a fixed input"
    return {"image": to_channels(resize(image, (width, height)), channels)}
