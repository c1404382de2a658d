"""A small network that learns from a large one, against the same network with the same epochs that learns alone.

    python benchmarks/distill.py --keep FOLDER

The teacher is the task's `auto`; it is trained once a case, and kept in FOLDER. Scores are those of the test part where
the data has one, else of val.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from cifar_vs_resnet18 import write_npz
from measure import SIGHTLINE, data, last_json, row, spread, timed, title

from sightline.run.bundle import headline, open_bundle
from sightline.verbs.common import task_named

CIFAR = "cifar10.npz"
"""With a test part of its own: splits by seed would give the teacher what its pupil is judged on."""
CASES: dict[str, tuple[str, list[str], list[str]]] = {
    "digits": ("digits", ["--epochs", "40"], ["--epochs", "40"]),
    "cifar": (CIFAR, ["--epochs", "16"], ["--epochs", "10"]),
    "cells": ("bccd", ["--time", "5m"], ["--epochs", "40"]),
    "streets": ("camvid", ["--time", "5m"], ["--epochs", "10"]),
    "fraktur": ("fraktur-lines", ["--time", "10m"], ["--epochs", "5"]),
}
"""A name to its data, how the teacher is trained, and how the small network is."""


def main() -> None:
    """Prints a table for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cases", default="cifar", help=f"some of {','.join(CASES)}")
    parser.add_argument("--keep", type=Path, help="keep the teachers here, and use what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.cases.split(","):
            compare(name, options.keep or Path(temporary), Path(temporary), options.seeds)


def found_at(where: str, place: Path) -> str | Path:
    """The data of a case."""
    if where == "digits":
        return where
    if where == CIFAR:
        if not (place / CIFAR).exists():
            write_npz(place / CIFAR)
        return place / CIFAR
    return data(where)


def compare(name: str, place: Path, temporary: Path, seeds: int) -> None:
    """One case: both ways in turns, a pair a seed."""
    where, large, small = CASES[name]
    teacher, source = place / name, found_at(where, place)
    if not teacher.exists():
        timed([*SIGHTLINE, "train", source, *large, "--out", teacher, "--progress", "none"])
    card = open_bundle(teacher).card
    metric = task_named(open_bundle(teacher).spec.task).metric
    part = headline(card)
    title(f"small networks with and without a teacher, {name}: {metric} on {part}")
    row("the teacher", f"{100 * card['scores'][part]['metrics'][metric]:.2f}")
    found: dict[str, list[float]] = {"alone": [], "taught": []}
    for seed in range(seeds):
        for way, more in (("alone", []), ("taught", ["--teacher", teacher])):
            out = temporary / f"{name}-{way}-{seed}"
            words = ["--network", "small", *small, *more, "--seed", str(seed), "--out", out, "--json"]
            seconds, text = timed([*SIGHTLINE, "train", source, *words])
            score = 100 * last_json(text)["scores"][part]["metrics"][metric]
            found[way].append(score)
            row(f"seed {seed}, {way}", f"{score:.2f}", f"{seconds:.0f} s")
    for way, scores in found.items():
        row(way, spread(scores, "%", 2))
    gains = [taught - alone for alone, taught in zip(found["alone"], found["taught"], strict=True)]
    row("what the teacher gives", f"{sum(gains) / len(gains):+.2f} points", spread(gains, "points", 2))


if __name__ == "__main__":
    main()
