"""The task as `sightline export --to python` writes it: boxes with labels."""

# pyright: basic

from __future__ import annotations

import numpy as np

from sightline.data.standalone import resize, to_channels

GREY, LEAST, MOST = 127, 0.001, 100


def _fitted(size: tuple[int, int], spec: dict) -> tuple[int, int]:
    """The (width, height) of an image scaled into the input, its aspect kept."""
    height, width, _ = spec["inputs"]["image"]["shape"]
    scale = min(width / size[0], height / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def preprocess(pixels: np.ndarray, spec: dict) -> dict[str, np.ndarray]:
    """The inputs of the graph, without batch axis, from uint8 (height, width, 1 or 3)."""
    shape = spec["inputs"]["image"]["shape"]
    width, height = _fitted((pixels.shape[1], pixels.shape[0]), spec)
    canvas = np.full(shape, GREY, np.uint8)
    canvas[:height, :width] = to_channels(resize(pixels, (width, height)), shape[2])
    return {"image": canvas}


def postprocess(outputs: dict[str, np.ndarray], size: tuple[int, int], spec: dict, assets: dict[str, bytes]) -> dict:
    """The answer for one image, as `sightline predict --json` gives it; outputs: without batch axis."""
    height, width, _ = spec["inputs"]["image"]["shape"]
    inner, scores = _fitted(size, spec), outputs["scores"].astype(np.float64)
    rows = np.argsort(-scores, kind="stable")
    rows = rows[scores[rows] >= LEAST]
    scale = np.array([size[0] * width / inner[0], size[1] * height / inner[1]] * 2)
    corners = np.clip(outputs["boxes"][rows].astype(np.float64) * scale, 0, np.array([*size, *size], np.float64))
    labels, scores = np.rint(outputs["labels"][rows]).astype(np.int64), scores[rows]
    keep = [i for i in _suppressed(corners, labels, spec["options"].get("overlap") or 0.6)[:MOST]
            if (corners[i, 2:] > corners[i, :2]).all() and scores[i] >= spec["extra"]["threshold"]]  # fmt: skip
    names = [spec["classes"][labels[i]] for i in keep]
    counts = [f"{name} {names.count(name)}" for name in spec["classes"] if name in names]
    return {
        "label": ", ".join(counts) or "nothing",
        "confidence": round(float(scores[keep[0]]), 6) if keep else 0.0,
        "count": len(keep),
        "boxes": [
            {"label": name, "confidence": round(float(scores[i]), 6), "box": [round(float(v), 2) for v in corners[i]]}
            for i, name in zip(keep, names, strict=True)
        ],
    }


def _suppressed(corners: np.ndarray, labels: np.ndarray, most: float) -> list[int]:
    """The boxes that stay: each hides later ones of its class that overlap it by more than `most`."""
    areas, kept = (corners[:, 2:] - corners[:, :2]).prod(axis=1), []
    hidden = np.zeros(len(corners), bool)
    for i, box in enumerate(corners):
        if not hidden[i]:
            kept.append(i)
            low, high = np.maximum(corners[:, :2], box[:2]), np.minimum(corners[:, 2:], box[2:])
            inside = np.maximum(high - low, 0).prod(axis=1)
            hidden |= (labels == labels[i]) & (inside / np.maximum(areas + areas[i] - inside, 1e-12) > most)
    return kept
