"""The task as `sightline export --to python` writes it: the text of each line image, from left to right."""

# pyright: basic

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from sightline.data.standalone import resize, to_channels

MARGIN, STEP, INK, PAPER, COLUMN = 8, 16, 20, 235, 4


def preprocess(pixels: np.ndarray, spec: dict) -> dict[str, np.ndarray]:
    """The inputs of the graph, without batch axis, from uint8 (height, width, 1 or 3)."""
    height = spec["inputs"]["image"]["shape"][0]
    width = _width(pixels.shape[1::-1], height)
    grey = resize(to_channels(pixels, 1), (width, height))
    low, middle, high = np.percentile(grey, (5, 50, 95))
    grey = 255 - grey if middle - low < high - middle else grey
    dark, light = (float(v) for v in np.percentile(grey, (1, 95)))
    ink = (grey.astype(np.float32) - dark) * ((PAPER - INK) / max(light - dark, 1)) + INK
    line = np.full((height, -(-(width + 2 * MARGIN) // STEP) * STEP, 1), PAPER, np.uint8)
    line[:, MARGIN : MARGIN + width] = PAPER if light - dark < 16 else np.clip(np.rint(ink), 0, 255)
    return {"image": line}


def _width(size: tuple[int, int], height: int) -> int:
    return max(8, round(size[0] * height / max(1, size[1])))


def postprocess(outputs: dict[str, np.ndarray], size: tuple[int, int], spec: dict, assets: dict[str, bytes]) -> dict:
    """The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis."""
    probabilities, height = outputs["probabilities"], spec["inputs"]["image"]["shape"][0]
    found = greedy(probabilities)
    if spec["extra"].get("search"):
        from sightline.tasks.read.standalone_search import searched

        found = searched(probabilities, found, spec, assets)
    found = folded(found, spec["classes"].index(" ") + 1 if " " in spec["classes"] else 0)
    log = sum(math.log(max(peak, 1e-9)) for _, peak, _, _ in found)
    scale = size[0] / _width(size, height)
    characters = [
        {
            "text": spec["classes"][index - 1],
            "confidence": round(peak, 4),
            "x": [round(min(max(0.0, (step * COLUMN - MARGIN) * scale), float(size[0])), 1) for step in steps],
        }
        for index, peak, *steps in found
    ]
    return {
        "text": "".join(one["text"] for one in characters),
        "confidence": round(math.exp(spec["extra"].get("certainty", 1.0) * log), 6),
        "characters": characters,
    }


def folded(found: list, space: int) -> list:
    """Without spaces at the ends, and without a second one in a row."""
    kept: list = []
    for one in found:
        if one[0] != space or (kept and kept[-1][0] != space):
            kept.append(one)
    return kept[:-1] if kept and kept[-1][0] == space else kept


def greedy(probabilities: np.ndarray) -> list[tuple[int, float, int, int]]:
    """(class, probability, first step, step after) of each character: repeats merged, blanks (0) dropped."""
    best, peaks = probabilities.argmax(1), probabilities.max(1)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1)).tolist()
    return [(int(best[b]), float(peaks[b:e].max()), b, e) for b, e in pairwise(edges) if best[b]]
