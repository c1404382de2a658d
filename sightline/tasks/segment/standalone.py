"""The task as `sightline export --to python` writes it: a class for each pixel."""

# pyright: basic

from __future__ import annotations

import numpy as np
from PIL import Image

from sightline.data.standalone import resize, to_channels

STRIP = 2**19
"""Pixels that are stretched at a time."""


def preprocess(pixels: np.ndarray, spec: dict) -> dict[str, np.ndarray]:
    """The inputs of the graph, without batch axis, from uint8 (height, width, 1 or 3)."""
    height, width, channels = spec["inputs"]["image"]["shape"]
    return {"image": to_channels(resize(pixels, (width, height)), channels)}


def postprocess(outputs: dict[str, np.ndarray], size: tuple[int, int], spec: dict, assets: dict[str, bytes]) -> dict:
    """The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis."""
    labels, sure = most_probable(outputs["probabilities"].astype(np.float16), size)
    pixels = np.bincount(labels.ravel(), minlength=len(spec["classes"]))
    classes = []
    for number in np.argsort(-pixels, kind="stable").tolist():
        if pixels[number]:
            inside = labels == number
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            classes.append({
                "label": spec["classes"][number],
                "share": round(int(pixels[number]) / labels.size, 6),
                "confidence": round(float(sure[inside].mean()) / 255, 6),
                "box": [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1],
            })  # fmt: skip
    flat = labels.ravel()
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]) + 1, len(flat))
    runs = np.stack([flat[ends - 1].astype(np.int64), np.diff(ends, prepend=0)], axis=1)
    return {
        "label": ";".join(one["label"] for one in classes),
        "confidence": round(float(sure.mean()) / 255, 6),
        "size": list(size),
        "classes": classes,
        "names": spec["classes"],
        "rle": runs.ravel().tolist(),
    }


def most_probable(probabilities: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The most probable class of each pixel of the whole image, and its probability in 255ths."""
    width, height = size
    maps = [Image.fromarray(np.ascontiguousarray(one, np.float32)) for one in probabilities]
    labels, sure, step = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8), STRIP // width or 1
    for top in range(0, height, step):
        low = min(height, top + step)
        box = (0.0, top * maps[0].height / height, float(maps[0].width), low * maps[0].height / height)
        best = np.full((low - top, width), -1.0, np.float32)
        for number, one in enumerate(maps):
            value = np.asarray(one.resize((width, low - top), Image.Resampling.BILINEAR, box))
            labels[top:low][value > best] = number
            best = np.maximum(best, value)
        sure[top:low] = np.rint(np.clip(best, 0, 1) * 255)
    return labels, sure
