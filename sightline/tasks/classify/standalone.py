"""The task as `sightline export --to python` writes it: a label for each image."""

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
    probabilities = outputs["probabilities"]
    order = np.argsort(-probabilities, kind="stable")[:5].tolist()
    top = [{"label": spec["classes"][i], "confidence": round(float(probabilities[i]), 6)} for i in order]
    return {**top[0], "top": top}
