"""The task as `sightline export --to python` writes it: a number for each image."""

# pyright: basic

from __future__ import annotations

import numpy as np

from sightline.data.standalone import resize, to_channels


def preprocess(pixels: np.ndarray, spec: dict) -> dict[str, np.ndarray]:
    """The inputs of the graph, without batch axis, from uint8 (height, width, 1 or 3)."""
    height, width, channels = spec["inputs"]["image"]["shape"]
    return {"image": to_channels(resize(pixels, (width, height)), channels)}


def postprocess(outputs: dict[str, np.ndarray], size: tuple[int, int], spec: dict, assets: dict[str, bytes]) -> dict:
    """The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis."""
    value, margin = float(outputs["value"]), spec["extra"].get("margin")
    low, high = (None, None) if margin is None else (value - margin, value + margin)
    return {
        key: None if end is None else float(f"{end:.7g}")
        for key, end in (("value", value), ("low", low), ("high", high))
    }
