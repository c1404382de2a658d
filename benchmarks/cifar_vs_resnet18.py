"""CIFAR-10 within a time on this machine: `sightline train --time T` against a plain ResNet-18 loop of the same length.

One in ten of CIFAR-10's train images, by a hash of the name, is the test part on both sides (the published test part is
not used). Both read the same NPZ, and are timed from process start; the loop does not pay for its final scoring.
Runs in turns, a seed a turn.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from measure import HERE, SIGHTLINE, data, last_json, row, spread, timed, title
from PIL import Image


def write_npz(path: Path) -> None:
    """x_train, y_train, x_test, y_test: uint8 (n, 32, 32, 3) and class names."""
    found: dict[str, list] = {key: [] for key in ("x_train", "y_train", "x_test", "y_test")}
    with zipfile.ZipFile(data("cifar10/train.zip")) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".jpg"):
                part = "test" if hashlib.sha256(name.encode()).digest()[0] * 10 < 256 else "train"
                found["x_" + part].append(np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")))
                found["y_" + part].append(name.split("/")[0])
    np.savez(path, **{key: np.array(values) for key, values in found.items()})


def in_seconds(text: str) -> float:
    """90s, 5m, 2h."""
    match = re.fullmatch(r"([\d.]+)([smh])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 5m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def main() -> None:
    """Prints accuracies on the held-out part, and the time each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=in_seconds, default="30m", help="of each training (default: 30m; 5m is a proxy)")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--network", default="auto")
    options, extra = parser.parse_known_args()
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as temporary:
        npz = Path(temporary) / "cifar10.npz"
        write_npz(npz)
        for seed in range(options.seeds):
            words = ["train", npz, "--network", options.network, "--time", f"{options.time:g}s", "--seed", str(seed)]
            words += ["--out", Path(temporary) / f"run{seed}", "--json", *extra]
            seconds, out = timed([*SIGHTLINE, *words])
            card = last_json(out)
            ours.append({"accuracy": card["scores"]["test"]["metrics"]["accuracy"], "seconds": seconds})
            print(f"  seed {seed}, ours: {ours[-1]}, {card['plan']}", file=sys.stderr, flush=True)
            loop = [sys.executable, HERE / "peer_resnet18.py", npz, str(options.time), str(seed)]
            theirs.append(last_json(timed(loop)[1]))
            print(f"  seed {seed}, ResNet-18: {theirs[-1]}", file=sys.stderr, flush=True)
    title(f"CIFAR-10 in {options.time:g} s, one in ten of train held out: accuracy there, seconds", ("numpy", "torch"))
    for name, runs in ((f"ours, {options.network}", ours), ("plain ResNet-18", theirs)):
        row(name, spread([r["accuracy"] for r in runs], digits=4), spread([r["seconds"] for r in runs], "s", 0))
    points = [100 * (a["accuracy"] - b["accuracy"]) for a, b in zip(ours, theirs, strict=True)]
    row("ours - ResNet-18, points", spread(points))


if __name__ == "__main__":
    main()
