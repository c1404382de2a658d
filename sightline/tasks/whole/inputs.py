"""The input of networks that see a whole image, and the order of class names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.spec import Input, Spec
from sightline.core.task import Arrays, Size, Tally
from sightline.data.dataset import Probe
from sightline.data.image import Pixels, resize, resize_map, to_channels

TUTORIAL_SIDE = 28
SMALLEST_SIDE, LARGEST_SIDE = 8, 224


def make_spec(
    task: str,
    network: str,
    classes: Sequence[str],
    probe: Probe,
    options: Mapping[str, Any],
    extra: Mapping[str, Any] | None = None,
) -> Spec:
    """A spec with a square input; `imgsz` among the options overrides its side. extra: what only the task needs."""
    side = options.get("imgsz") or (TUTORIAL_SIDE if network in ("cnn", "crnn") else _side(probe))
    mean, std = (127.5,) * probe.channels, (64.0,) * probe.channels
    shape = (int(side), int(side), probe.channels)
    # Where training mirrors images (colour ones, see learn.augment), `auto` looks at both views when it predicts.
    mirror = network == "auto" and probe.channels == 3 and options.get("augment", "none") != "none"
    more = {"mirror": mirror, **(extra or {})}
    return Spec(task, network, tuple(classes), {"image": Input("uint8", shape)}, mean, std, dict(options), extra=more)


def preprocess(image: Pixels, spec: Spec) -> Arrays:
    """{"image": uint8 (height, width, channel)}: stretched to the input's square, nothing is cut off."""
    height, width, channels = spec.inputs["image"].shape
    assert height and width and channels, "networks that see a whole image have a fixed input"
    return {"image": to_channels(resize(image, (width, height)), channels)}


def to_image(values: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """A map over the input as one over the image: it was stretched, so it is stretched back."""
    return resize_map(values, size)


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Each name once; 2 before 10, and texts as usual."""
    return sorted(set(names), key=_natural)


def tally(held: Iterable[Sequence[str]], splits: NDArray[np.str_]) -> Tally:
    """How many examples hold each name, by split; held: the names of each example. In natural order."""
    counts: dict[str, Counter[str]] = {}
    for names, split in zip(held, splits, strict=True):
        for name in names:
            counts.setdefault(name, Counter())[str(split)] += 1
    return {name: dict(counts[name]) for name in in_natural_order(counts)}


def some(names: Sequence[str], most: int = 8) -> str:
    """The first of many names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _side(probe: Probe) -> int:
    """The input of `auto`: the images' own shorter side up to 224, in steps of 8 above 32."""
    side = min(max(min(probe.width, probe.height), SMALLEST_SIDE), LARGEST_SIDE)
    return side if side <= 32 else side // 8 * 8
