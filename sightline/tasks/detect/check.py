"""What may be wrong with boxes."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sightline.core.boxes import Boxes
from sightline.core.task import Finding
from sightline.data.dataset import Dataset
from sightline.tasks.detect.geometry import LARGEST_SIDE

TINY = 8
"""Pixels of a side, in an input of the default size, below which a box is hard to learn: that of the finest cell."""
FEW = 30


def findings(dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
    """No boxes to learn from; boxes outside their image, of no area, twice, tiny; rare or unseen classes."""
    taught = [label for boxes in dataset.targets[splits == "train"] for label in boxes.labels]
    if not taught:
        return [Finding("no_boxes", "error", "there is no box in the train part: nothing to learn", count=1)]
    names = [dataset.images.name(i) for i in range(len(dataset))]
    kinds = {
        "outside": "boxes that reach outside their image",
        "no_area": "boxes without an area",
        "twice": "boxes that are there twice",
        "tiny": f"boxes with a side below {TINY} px in an input of {LARGEST_SIDE} px (--imgsz), hard to find",
    }
    lists: dict[str, list[str]] = {kind: [] for kind in kinds}
    for name, boxes, size in zip(names, dataset.targets, sizes.tolist(), strict=True):
        for kind, count in _of_image(boxes, size).items():
            if count:
                lists[kind].append(f"{name} ({count})")
    found = [
        Finding(kind, "note" if kind == "tiny" else "warning", f"{kinds[kind]}: {len(items)} images", tuple(items))
        for kind, items in lists.items()
        if items
    ]
    counts = Counter(taught)
    other = sorted({label for boxes in dataset.targets for label in boxes.labels} - set(counts))
    if other:
        text = "classes that only val or test hold, which cannot be learned: " + ", ".join(other[:8])
        found.append(Finding("unseen_class", "warning", text, tuple(other)))
    rare = sorted(name for name, count in counts.items() if count < FEW)
    if rare:
        text = f"classes with fewer than {FEW} boxes to learn from: " + ", ".join(rare[:8])
        found.append(Finding("rare_box", "warning", text, tuple(f"{name} ({counts[name]})" for name in rare)))
    return found


def _of_image(boxes: Boxes, size: list[int]) -> dict[str, int]:
    corners = boxes.corners
    if not len(corners):
        return {}
    width, height = size
    sides = corners[:, 2:] - corners[:, :2]
    outside = (corners[:, :2] < -1).any(1) | (corners[:, 2:] > np.array([width, height]) + 1).any(1)
    flat = (sides <= 0).any(1)
    scale = min(1.0, LARGEST_SIDE / max(width, height, 1))
    rows = Counter((label, *row) for label, row in zip(boxes.labels, corners.round(1).tolist(), strict=True))
    return {
        "outside": int(outside.sum()) if width else 0,
        "no_area": int(flat.sum()),
        "twice": sum(count - 1 for count in rows.values()),
        "tiny": int(((sides * scale < TINY).any(1) & ~flat).sum()),
    }
