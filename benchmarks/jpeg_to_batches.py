"""A folder of 12-megapixel JPEGs to 224 px uint8 batches: the first pass over the images, the one that decodes.

Ours is what `sightline train` does before its first epoch (decode, pixel hash, resize, keep). The peer is torchvision's
ImageFolder and DataLoader with two workers and the two transforms that tutorials show. Timed inside each process,
from opening the folder to the last batch: imports count for nobody. The files are in the page cache.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import HERE, data, in_turns, last_json, ratios, row, spread, timed, title
from peers import environment, versions
from PIL import Image

WIDTH, HEIGHT, TILE = 4000, 3000, 1000
PEERS = {"torchvision, Resize(256) + CenterCrop(224)": "crop", "torchvision, Resize((224, 224))": "stretch"}

OURS = """
import json, sys, time
from sightline.data.formats import open_data
from sightline.data.scan import scan
from sightline.verbs.common import infer_task
workers = int(sys.argv[2]) if len(sys.argv) > 2 else None
begun = time.perf_counter()
dataset = open_data(sys.argv[1])
task = infer_task(dataset)
spec = task.spec(dataset, dataset.probe(), "auto", {"imgsz": 224})
opened = time.perf_counter()
found = scan(dataset, lambda image: task.preprocess(image, spec), 224, workers)
images = found.cache["image"]
assert images.shape[1:] == (224, 224, 3) and images.dtype.name == "uint8" and not found.errors
count = sum(len(images[start:start + 32]) for start in range(0, len(images), 32))
ended = time.perf_counter()
print(json.dumps({"count": count, "seconds": ended - begun, "probe": opened - begun}))
"""


def write_photos(folder: Path, count: int) -> None:
    """JPEGs like photos: street scenes in tiles (large structures, real colours) under the grain of a sensor."""
    scenes = sorted(data("camvid").rglob("*.png")) + sorted(data("camvid").rglob("*.jpg"))
    scenes = [p for p in scenes if _is_colour(p)]
    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"class{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        canvas = Image.new("RGB", (WIDTH, HEIGHT))
        for left in range(0, WIDTH, TILE):
            for top in range(0, HEIGHT, TILE):
                scene = Image.open(scenes[rng.integers(len(scenes))]).convert("RGB")
                canvas.paste(scene.resize((TILE, TILE), Image.Resampling.BICUBIC), (left, top))
        pixels = np.asarray(canvas, np.int16)
        grain = rng.normal(0, 4, (HEIGHT, WIDTH, 1)).astype(np.int16)
        Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).save(place / f"{number:04}.jpg", quality=90)


def _is_colour(path: Path) -> bool:
    with Image.open(path) as image:
        return image.mode == "RGB"


def main() -> None:
    """Prints images a second and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--count", type=int, default=60, help="images; a photo is 2 to 5 MB")
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader; ours takes its default")
    parser.add_argument("--also-workers", type=int, help="a second run of ours with so many workers")
    parser.add_argument("--keep", type=Path, help="keep the photos in this folder, and use what is there")
    options = parser.parse_args()
    peer = environment("torchvision", ["torch", "torchvision", "pillow", "numpy"], 8)
    with tempfile.TemporaryDirectory() as temporary:
        place = (options.keep or Path(temporary)) / f"photos{options.count}"
        if not place.exists():
            write_photos(place, options.count)
        sizes = [path.stat().st_size / 1e6 for path in sorted(place.rglob("*.jpg")) if path.read_bytes()]

        def rate(command: list[str | Path]) -> float:
            found = last_json(timed(command)[1])
            assert found["count"] == len(sizes)
            return found["count"] / found["seconds"]

        contestants = {"ours": lambda: rate([sys.executable, "-c", OURS, place])}
        if options.also_workers is not None:
            extra = [sys.executable, "-c", OURS, place, str(options.also_workers)]
            contestants[f"ours, {options.also_workers} workers"] = lambda: rate(extra)
        for name, kind in PEERS.items():
            command = [peer, HERE / "peer_imagefolder.py", place, kind, str(options.workers)]
            contestants[name] = lambda command=command: rate(command)
        found = in_turns(contestants, options.repeat)
    megabytes = statistics.median(sizes)
    title(f"{len(sizes)} JPEGs of {WIDTH} x {HEIGHT} px, {megabytes:.1f} MB each, to 224 px uint8: images/s")
    print(f"  peer: {versions(peer, ['torch', 'torchvision', 'pillow'])}, {options.workers} workers")
    for name, rates in found.items():
        row(name, spread(rates, "images/s", 1))
    for name in contestants:
        if name not in PEERS:
            for other in PEERS:
                row(f"{name} / {other}", spread(ratios(found[name], found[other]), "x"))


if __name__ == "__main__":
    main()
