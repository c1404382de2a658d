"""`sightline explain` of photos at 224 px, by every method: seconds an image, alone and one after another.

The network is `auto`, trained for an epoch at that size on street scenes against pictures of cells: how long a map
takes does not depend on how well the network learned. An image's seconds hold reading, the map, its scoring (deletion
and insertion beside random orders) and the three files.

    python explain_speed.py [--bundle MODEL.sightline] [--images 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from measure import SIGHTLINE, data, row, timed, title
from PIL import Image

METHODS = ("occlusion", "lime", "gradcam", "integrated-gradients", "activations")


def photos(folder: Path, count: int) -> None:
    """`count` photos of each of two kinds, as a folder of classes."""
    for name, pattern in (("camvid", "*.jpg"), ("bccd", "*.jpg")):
        found = [path for path in sorted(data(name).rglob(pattern)) if Image.open(path).mode == "RGB"]
        (folder / name).mkdir(parents=True)
        for path in found[:count]:
            with Image.open(path) as image:
                image.save(folder / name / f"{path.stem}.jpg", quality=92)


def main() -> None:
    """Prints a row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, help="a classifier of photos; default: one trained here")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--images", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        photos(place / "photos", 40)
        bundle = options.bundle or place / "run"
        if not options.bundle:
            chosen = ["--imgsz", options.side, "--epochs", "1", "--task", "classify"]
            timed([*SIGHTLINE, "train", place / "photos", *map(str, chosen), "--out", bundle])
        images = sorted((place / "photos").rglob("*.jpg"))[:: max(1, 80 // (options.images + 1))][: options.images + 1]
        found = {}
        for method in METHODS:

            def explain(some: list[Path], method: str = method) -> float:
                return timed([*SIGHTLINE, "explain", bundle, *some, "--method", method, "--out", place / method])[0]

            alone = [explain([image]) for image in images[:3]]
            together = explain(images)
            # What a process costs before its first image is in both: it falls out of the difference.
            found[method] = (statistics.median(alone), (together - statistics.median(alone)) / (len(images) - 1))
    title(
        f"explain at {options.side} px: seconds of a new process for one image, and of each further image", ("torch",)
    )
    for method, (alone, further) in found.items():
        row(method, f"{alone:.2f} s", f"{further:.2f} s")


if __name__ == "__main__":
    main()
