"""What formats of boxes share where their polygons are wanted as masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, FileImages
from sightline.data.formats._common import Note
from sightline.data.masks import MaskKey, column_of
from sightline.data.shapes import ShapeMask


def as_mask_dataset(
    masks: Mapping[Path, tuple[ShapeMask, str]], key: MaskKey, path: Path, root: Path, format: str,
    notes: tuple[Note, ...],
) -> Dataset:  # fmt: skip
    """masks: image to its mask and split. Raises SightlineError where no mask has a shape."""
    if not any(mask.shapes for mask, _ in masks.values()):
        what = "no image here has a polygon or run lengths: there are no masks"
        raise SightlineError(what, str(path), "boxes alone are for a detector: train without --task")
    return Dataset(
        images=FileImages([*masks], root),
        target="mask",
        targets=column_of([mask for mask, _ in masks.values()]),
        splits=np.array([split for _, split in masks.values()], "<U5"),
        groups=None,
        name=str(path),
        format=format,
        classes=key.names,
        notes=notes,
    )
