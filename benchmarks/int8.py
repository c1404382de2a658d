"""int8 bundles against the fp32 bundles that they were made of: the graph's time in turns, size, and what is lost.

    python benchmarks/int8.py --keep FOLDER

Bundles are trained quickly (minutes) unless FOLDER has them from the last time: NAME/NAME.sightline. What is lost is
measured by `sightline compress` on a test part that neither training nor calibration saw.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measure import SIGHTLINE, data, in_turns, last_json, ratios, row, spread, timed, title

from sightline.run.bundle import open_bundle
from sightline.run.runner import OnnxRunner
from sightline.verbs.compress import CompressOptions
from sightline.verbs.compress_parts import Piece, open_pieces

CASES: dict[str, tuple[str, list[str]]] = {
    "mnist": ("mnist", ["--network", "cnn", "--epochs", "2"]),
    "cifar": ("cifar10/train.zip", ["--time", "5m"]),
    "digits224": ("digits", ["--imgsz", "224", "--epochs", "2"]),
    "cells": ("bccd", ["--time", "3m"]),
    "streets": ("camvid", ["--time", "3m"]),
    "fraktur": ("fraktur-lines", ["--time", "5m"]),
}
"""A bundle's name to its data and how it is trained."""
CALLS = 20


def main() -> None:
    """Prints a table for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--batches", default="1,32")
    parser.add_argument("--cases", default=",".join(CASES), help="some of them")
    parser.add_argument("--max-drop", default="0.5")
    parser.add_argument("--keep", type=Path, help="keep the trained bundles here, and use what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.cases.split(","):
            compare(name, options.keep or Path(temporary), Path(temporary), options)


def compare(name: str, place: Path, temporary: Path, options: argparse.Namespace) -> None:
    """One case: trained where it is not there yet, compressed, timed."""
    where, how = CASES[name]
    source = where if where == "digits" else data(where)
    model = place / name / f"{name}.sightline"
    if not model.exists():
        timed([*SIGHTLINE, "train", source, *how, "--out", model.parent, "--progress", "none"])
    small = temporary / f"{name}-int8.sightline"
    words = ["compress", model, source, "--out", small, "--max-drop", options.max_drop, "--json"]
    seconds, text = timed([*SIGHTLINE, *words])
    found = last_json(text)
    card = open_bundle(model)
    title(f"int8 against fp32, {name}: {card.spec.task}, {card.spec.network}, {card.spec.inputs['image'].shape}")
    row("compress took", f"{seconds:.0f} s")
    count = found["layers"] - len(set(found["kept"]) - {"activations"})
    row("layers in int8 (of those that can be)", f"{count} of {found['layers']}", "; ".join(found["notes"]))
    for part in found["before"]["metrics"]:
        old, new = (found[side]["metrics"][part][found["metric"]] for side in ("before", "after"))
        row(f"{found['metric']} ({part})", f"{old:.4f} -> {new:.4f}", f"{100 * (new - old):+.2f} points")
    old, new = found["before"]["bytes"], found["after"]["bytes"]
    row("bundle", f"{old / 1e6:.2f} -> {new / 1e6:.2f} MB", f"{old / new:.1f}x")
    pieces = open_pieces(card, source if isinstance(source, str) else str(source), None, CompressOptions())
    for batch in map(int, options.batches.split(",")):
        graphs = {"fp32": card.graph, "int8": open_bundle(small).graph}
        times = in_turns({key: clock(graph, pieces.judge, batch) for key, graph in graphs.items()}, options.repeat)
        for key, values in times.items():
            row(f"graph, batches of {batch}, {key}", spread(values, "ms an image", 3))
        row(f"times as fast, batches of {batch}", spread(ratios(times["fp32"], times["int8"]), "x"))


def clock(graph: bytes, piece: Piece, batch: int) -> Callable[[], float]:
    """A call that gives milliseconds an image over 20 calls with the same batch."""
    runner = OnnxRunner(graph)
    many = piece.some(4 * batch)
    inputs = {name: values[:batch] for name, values in many[len(many) // 2].items()}
    runner(inputs)

    def once() -> float:
        begun = time.perf_counter()
        for _ in range(CALLS):
            runner(inputs)
        return 1000 * (time.perf_counter() - begun) / CALLS / len(next(iter(inputs.values())))

    return once


if __name__ == "__main__":
    main()
