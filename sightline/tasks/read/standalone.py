"""The task as `sightline export --to python` writes it: the text of each line image, from left to right."""

# pyright: basic

import math
from itertools import pairwise

import numpy as np

from sightline.data.standalone import resize, to_channels

MARGIN, STEP, INK, PAPER, COLUMN = 8, 16, 20, 235, 4
FAINT, STEEPEST, SURE_LENGTH = 0.4, 0.06, 4


def preprocess(pixels: np.ndarray, spec: dict) -> dict[str, np.ndarray]:
    """The inputs of the graph, without batch axis, from uint8 (height, width, 1 or 3)."""
    height = spec["inputs"]["image"]["shape"][0]
    grey = to_channels(pixels, 1)
    rows, columns = grey.shape[:2]
    small = grey if rows <= height else resize(grey, (max(1, round(columns * height / rows)), height))
    inverted = np.less(*np.diff(np.percentile(small, (5, 50, 95))))  # light ink on dark paper
    grey, small = (255 - grey, 255 - small) if inverted else (grey, small)
    dark, light = (float(v) for v in np.percentile(small, (1, 95)))
    top, tall = window(small, dark, light, rows, columns, spec["extra"].get("spread", 0.0))
    shown = np.full((tall, columns, 1), 255 - round(255 - light) if inverted else round(light), np.uint8)
    shown[max(0, -top) : rows - top] = grey[max(0, top) : top + tall]
    width = max(STEP, round(columns * height / tall / STEP) * STEP)
    ink = (resize(shown, (width, height)).astype(np.float32) - dark) * ((PAPER - INK) / max(light - dark, 1)) + INK
    line = np.full_like(ink, PAPER) if light - dark < 16 else np.clip(np.rint(ink), 0, 255)
    return {"image": np.pad(line.astype(np.uint8), ((0, 0), (MARGIN, MARGIN), (0, 0)), constant_values=PAPER)}


def window(small: np.ndarray, dark: float, light: float, rows: int, columns: int, usual: float) -> tuple[int, int]:
    """The first row of the image and the number of rows that the input shows: its ink is spread as is usual."""
    ink = (light - small[..., 0].astype(np.float64)) / max(1.0, light - dark) - FAINT
    ys, xs = np.nonzero(ink > 0)
    if not usual or light - dark < 16 or not len(ys):
        return 0, rows
    weights, x, y = ink[ys, xs], xs - np.average(xs, weights=ink[ys, xs]), ys + 0.5
    if small.shape[1] > SURE_LENGTH * small.shape[0]:
        slope = (weights * x * (y - np.average(y, weights=weights))).sum() / max(1e-6, (weights * x * x).sum())
        y = y - x * min(max(slope, -STEEPEST), STEEPEST)
    middle, near = np.average(y, weights=weights), weights
    for _ in range(5):
        spread = np.average(np.abs(y - middle), weights=near)
        near = weights * np.exp(-0.5 * ((y - middle) / (2.5 * spread + 1e-6)) ** 2)
        middle = np.average(y, weights=near)
    spread = np.average(np.abs(y - middle), weights=near) / small.shape[0]
    trust = columns / rows / (columns / rows + SURE_LENGTH) if spread else 0.0
    zoom = min(max(spread / usual, 0.55), 1.6) ** trust
    top = 0.5 + (middle / small.shape[0] - 0.5) * trust - zoom / 2
    return round(float(top) * rows), max(1, round(float(zoom) * rows))


def postprocess(outputs: dict[str, np.ndarray], size: tuple[int, int], spec: dict, assets: dict[str, bytes]) -> dict:
    """The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis."""
    found = greedy(probabilities := outputs["probabilities"])
    if spec["extra"].get("search"):
        from sightline.tasks.read.standalone_search import searched

        found = searched(probabilities, found, spec, assets)
    found = folded(found, spec["classes"].index(" ") + 1 if " " in spec["classes"] else 0)
    scale = size[0] / (len(probabilities) * COLUMN - 2 * MARGIN)
    ends = [[min(max(0.0, (step * COLUMN - MARGIN) * scale), float(size[0])) for step in one[2:]] for one in found]
    texts, xs = [spec["classes"][one[0] - 1] for one in found], [[round(x, 1) for x in pair] for pair in ends]
    characters = [{"text": t, "confidence": round(o[1], 4), "x": x} for t, o, x in zip(texts, found, xs, strict=True)]
    if spec["extra"].get("bidi"):
        from sightline.data.bidi import typed

        characters = typed(characters)
    sure = round(math.exp(spec["extra"].get("certainty", 1.0) * sum(math.log(max(one[1], 1e-9)) for one in found)), 6)
    return {"text": "".join(one["text"] for one in characters), "confidence": sure, "characters": characters}


def folded(found: list, space: int) -> list:
    """Without spaces at the ends, and without a second one in a row."""
    kept = [one for i, one in enumerate(found) if one[0] != space or (i and found[i - 1][0] != space)]
    return kept[:-1] if kept and kept[-1][0] == space else kept


def greedy(probabilities: np.ndarray) -> list[tuple[int, float, int, int]]:
    """(class, probability, first step, step after) of each character: repeats merged, blanks (0) dropped."""
    best, peaks = probabilities.argmax(1), probabilities.max(1)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1)).tolist()
    return [(int(best[b]), float(peaks[b:e].max()), b, e) for b, e in pairwise(edges) if best[b]]
