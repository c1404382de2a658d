"""Boxes from scratch: `sightline train DATA --time T` against Ultralytics' YOLO11n from its yaml, by turns.

map50 and map50_95 on val, which chose the best epoch on both sides; ours by `sightline evaluate`, theirs by their own
val. Theirs runs in an environment of its own (AGPL: the project never depends on it); --ours-only leaves it out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import SIGHTLINE, data, last_json, row, spread, timed, title
from peers import environment

PACKAGES = ["torch", "torchvision", "ultralytics"]


def ours(folder: Path, place: Path, minutes: float, side: int, seed: int) -> dict[str, float]:
    """The metrics on val after a training of that length."""
    options = ["--time", f"{minutes * 60:.0f}s", "--imgsz", side, "--seed", seed, "--task", "detect"]
    timed([*SIGHTLINE, "train", folder, *options, "--out", place, "--json"])
    _, out = timed([*SIGHTLINE, "evaluate", place, folder, "--split", "val", "--json"])
    return last_json(out)["metrics"]


def theirs(python: Path, folder: Path, place: Path, minutes: float, side: int, seed: int) -> dict[str, float]:
    """The same of the peer, on the same images converted to YOLO's format."""
    yolo = place / "data"
    timed([*SIGHTLINE, "convert", folder, "--to", "yolo", "--out", yolo, "--copy"])
    script = Path(__file__).with_name("peer_yolo.py")
    _, out = timed([str(python), str(script), yolo / "data.yaml", minutes, side, seed, place / "run"])
    return last_json(out)


def main() -> None:
    """Prints both metrics of both, with their spread over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="bccd")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ours-only", action="store_true")
    options = parser.parse_args()
    folder = data(options.data)
    python = None if options.ours_only else environment("ultralytics", PACKAGES, needs_gib=8)
    found: dict[str, list[dict[str, float]]] = {"ours": [], "YOLO11n": []}
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as temporary:
            common = (options.minutes, options.side, seed)
            found["ours"].append(ours(folder, Path(temporary) / "ours", *common))
            if python:
                found["YOLO11n"].append(theirs(python, folder, Path(temporary) / "theirs", *common))
        print(f"  seed {seed}: {found}", file=sys.stderr, flush=True)
    title(f"{options.data} val, {options.side} px, {options.minutes:g} min, {options.seeds} seeds", ("torch",))
    for name, results in found.items():
        if results:
            row(name, *(spread([100 * one[key] for one in results], key, 1) for key in ("map50", "map50_95")))


if __name__ == "__main__":
    main()
