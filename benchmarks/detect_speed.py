"""Boxes, images a second: a bundle against Ultralytics' own ONNX export of YOLO11n, both at the same input side.

Files in, boxes out: decoding, the graph and suppression. In a process each that has warmed up, by turns. Both learn for
a few minutes on the same images first, so that both find what is there; `detect_vs_yolo.py` says how well in earnest.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import SIGHTLINE, data, in_turns, last_json, ratios, row, spread, timed, title
from peers import environment

PACKAGES = ["torch", "torchvision", "ultralytics", "onnx", "onnxruntime", "onnxslim"]
OURS = """
import json, sys, time
from pathlib import Path
import sightline
model = sightline.load(sys.argv[1])
names = sorted(str(p) for p in Path(sys.argv[2]).iterdir())
for _ in range(2):
    begun = time.perf_counter()
    model.predict(names)
    seconds = time.perf_counter() - begun
print(json.dumps({"images": len(names), "seconds": seconds}))
"""


def speed(command: list[str]) -> float:
    """Images a second that a contestant says it did."""
    found = last_json(timed(command)[1])
    return found["images"] / found["seconds"]


def main() -> None:
    """Prints images a second of both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="bccd")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--bundle", type=Path, help="a bundle of that side, instead of training one")
    options = parser.parse_args()
    folder, side = data(options.data), str(options.side)
    python, peer = str(environment("ultralytics-onnx", PACKAGES, needs_gib=8)), Path(__file__).parent
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        bundle = options.bundle or place / "ours" / "ours.sightline"
        if not options.bundle:
            short = [f"{options.minutes * 60:.0f}s", "--imgsz", side, "--task", "detect", "--out", place / "ours"]
            timed([*SIGHTLINE, "train", folder, "--time", *short, "--json"])
        timed([*SIGHTLINE, "convert", folder, "--to", "yolo", "--out", place / "yolo", "--copy"])
        learn = [peer / "peer_yolo.py", place / "yolo" / "data.yaml", options.minutes, side, 0, place / "run"]
        timed([python, *map(str, learn)])
        weights = place / "run" / "run" / "weights" / "best.pt"
        graph = timed([python, str(peer / "peer_yolo_speed.py"), "export", str(weights), side])[1].split()[-1]
        images = place / "yolo" / "images" / "train"
        contestants = {
            "ours": lambda: speed([sys.executable, "-c", OURS, str(bundle), str(images)]),
            "YOLO11n": lambda: speed([python, str(peer / "peer_yolo_speed.py"), "run", graph, str(images), side]),
        }
        found = in_turns(contestants, options.repeat)
    title(f"{options.data}, {side} px: images a second, files in and boxes out")
    for name, values in found.items():
        row(name, spread(values, "images/s", 1))
    row("ours / YOLO11n", spread(ratios(found["ours"], found["YOLO11n"]), "x"))


if __name__ == "__main__":
    main()
