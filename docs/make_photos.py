"""Cuts the folder of photos that the tutorial uses: python docs/make_photos.py FOLDER (needs scikit-image).

The three photos come with scikit-image and are in the public domain (CC0): a brick wall, grass, gravel. Tiles for
training come from the left five eighths of each photo, those for the test from the rest: no pixel is in both.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 96
"""Of a saved tile, in px; it shows 80 to 160 px of the photo."""
COUNTS = {"train": 60, "test": 20}


def main(root: Path) -> None:
    """Writes root/train/CLASS/NN.jpg and root/test/CLASS/NN.jpg; the same files each time."""
    from skimage import data

    for name in ("brick", "grass", "gravel"):
        photo = getattr(data, name)()
        border = photo.shape[1] * 5 // 8
        for split, region in (("train", photo[:, :border]), ("test", photo[:, border:])):
            folder = root / split / name
            folder.mkdir(parents=True, exist_ok=True)
            random = np.random.default_rng([*name.encode(), *split.encode()])
            for number in range(COUNTS[split]):
                side = int(random.integers(80, 161))
                top = int(random.integers(0, region.shape[0] - side + 1))
                left = int(random.integers(0, region.shape[1] - side + 1))
                tile = Image.fromarray(region[top : top + side, left : left + side])
                tile = tile.rotate(90 * int(random.integers(0, 4)))
                tile.resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(folder / f"{number:02d}.jpg", quality=88)
    # What happens in real folders: a photo copied into the wrong class, and one of the test among those of training.
    (root / "train" / "gravel" / "copy.jpg").write_bytes((root / "train" / "brick" / "07.jpg").read_bytes())
    (root / "train" / "grass" / "copy.jpg").write_bytes((root / "test" / "grass" / "03.jpg").read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
