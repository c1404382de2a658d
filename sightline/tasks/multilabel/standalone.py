"""The task as `sightline export --to python` writes it: any number of labels for each image."""

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
    probabilities, classes = outputs["probabilities"], spec["classes"]
    present = probabilities >= np.array(spec["extra"].get("thresholds") or [0.5] * len(classes))
    order = np.argsort(-probabilities, kind="stable").tolist()
    labels = [classes[i] for i in order if present[i]]
    return {
        "label": ";".join(sorted(labels)),
        "labels": labels,
        "confidence": round(float(np.where(present, probabilities, 1 - probabilities).prod(dtype=np.float64)), 6),
        "top": [{"label": classes[i], "confidence": round(float(probabilities[i]), 6)} for i in order[:5]],
    }
