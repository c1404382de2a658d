"""The embedded digits: the word `digits`, unless a file or folder of that name exists.

1,797 grey images of 8 x 8 pixels in ten classes, with fixed splits: 1,078 train, 359 val, 360 test. Stored in
`sightline/data/digits/digits.npz` as images (n, 8, 8) with values 0..16, labels (n,) and splits (n,), all uint8.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import SPLITS, ArrayImages, Dataset
from sightline.data.formats._common import is_file, is_folder

WORD = Path("digits")
BRIGHTEST = 16


def sniff(path: Path) -> bool:
    """Whether this is the word `digits` and nothing of that name lies in the current folder."""
    return path == WORD and not is_file(path) and not is_folder(path)


def load(path: Path) -> Dataset:
    """The embedded set: uint8 images (1797, 8, 8) with values 0..255. Raises SightlineError for any other path."""
    if path != WORD:
        raise SightlineError(
            "the format `digits` is the embedded data set and reads no path", str(path), "type: digits"
        )
    with (resources.files("sightline.data") / "digits" / "digits.npz").open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        images, labels, splits = stored["images"], stored["labels"], stored["splits"]
    # The stored steps 0..16 are spread over a byte: round(v * 255 / 16).
    scaled = ((images.astype(np.uint16) * 255 + BRIGHTEST // 2) // BRIGHTEST).astype(np.uint8)
    return Dataset(
        images=ArrayImages(scaled, "digits"),
        target="label",
        targets=labels.astype(np.str_),
        splits=np.array(SPLITS, dtype="<U5")[splits],
        groups=None,
        name="digits",
        format="digits",
    )
