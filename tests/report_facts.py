"""Made-up facts of a report with every section, for the tests of the page."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from sightline.report.facts import Facts, Found, Shown
from sightline.report.pictures import picture

NASTY = ("<script>alert(1)</script>", "🙂 café", "汉字", "עברית שמאלה", "a&b \"q\" 'r'", "x" * 200)
"""Class names that a page must survive."""


def noise(side: int = 32, seed: int = 0, channels: int = 3) -> np.ndarray:
    """(side, side, channels) uint8: what compresses worst."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), dtype=np.uint8)


def scores(names: tuple[str, ...] = ("cat", "dog", "bird"), support: int = 100) -> dict[str, Any]:
    """Scores in the shape that `evaluate` gives: 80 % right, the rest taken for the next class."""
    count, hits = len(names), int(0.8 * support)
    confusion = (np.eye(count, dtype=int) * hits + np.roll(np.eye(count, dtype=int), 1, 1) * (support - hits)).tolist()
    row = {"precision": 0.8, "recall": 0.8, "f1": 0.8, "support": support}
    ends = {f"{key}_ci": [0.71, 0.87] for key in ("precision", "recall", "f1")}
    return {
        "metrics": {"accuracy": 0.8, "macro_f1": 0.8, "nll": 0.6, "ece": 0.02, "ece_uncalibrated": 0.11},
        "intervals": {"accuracy": [0.75, 0.84]},
        "per_class": [{"class": name, **row, **ends} for name in names],
        "confusion": confusion,
        "curves": {
            "reliability": {"confidence": [0.5, 0.7, 0.95], "accuracy": [0.3, 0.6, 0.99], "count": [30, 70, 200]},
            "risk_coverage": {"coverage": [0.1, 0.5, 0.8, 1.0], "risk": [0.0, 0.01, 0.1, 0.2], "aurc": 0.05},
        },
        "robust": robust(),
        "compare": {
            "names": ["mine", "yours"],
            "metric": "accuracy",
            "this": 0.8,
            "that": 0.83,
            "difference": 0.03,
            "interval": [0.01, 0.05],
            "p": 0.004,
            "shown": True,
        },
        "overlap": 0,
        "unknown": [],
    }


def robust() -> dict[str, Any]:
    """Scores under corruptions in the shape that `evaluate --robust` gives."""
    return {
        "metric": "accuracy", "n": 100, "of": 300, "clean": 0.8, "mean": 0.62,
        "groups": {"noise": ["gaussian_noise"], "blur": ["glass_blur"]},
        "kinds": {"gaussian_noise": [0.8, 0.7, 0.6, 0.5, 0.4], "glass_blur": [0.79, 0.7, 0.65, 0.6, 0.1]},
        "shifts": {"rotation": {"amounts": [-30, 30], "values": [0.4, 0.45]}},
        "weakest": [{"kind": "glass_blur", "amount": 5, "value": 0.1},
                    {"kind": "rotation", "amount": -30, "value": 0.4}],
    }  # fmt: skip


def card() -> dict[str, Any]:
    """A card with a history, a baseline, repetitions and a curve."""
    runs = [{"metrics": {"accuracy": value}} for value in (0.79, 0.81, 0.80)]
    repeated = {"runs": runs, "mean": {"accuracy": 0.8}, "std": {"accuracy": 0.01}}
    return {
        "data": {"name": "pets", "counts": {"train": 240, "val": 30, "test": 30}, "fingerprint": "abc"},
        "history": [{"epoch": n, "loss": 2 / n, "val_accuracy": 0.8 - 0.3 / n} for n in range(1, 7)],
        "best": {"epoch": 6, "score": 0.75},
        "baseline": {"svm": {"metrics": {"accuracy": 0.6}, "intervals": {"accuracy": [0.55, 0.66]}, "seconds": 3}},
        "folds": {"k": 3, **repeated, "intervals": {"accuracy": [0.78, 0.82]}},
        "seeds": repeated,
        "curve": {"shares": [0.5, 1], "counts": [120, 240], "metrics": [{"accuracy": 0.7}, {"accuracy": 0.8}]},
        "options": {"network": "auto", "augment": "auto", "lr": 0.1},
        "versions": {"sightline": "0.1.0"},
        "machine": {"cpu": "x86_64", "threads": 2},
        "interrupted": False,
        "seconds": 61,
    }


def facts(names: tuple[str, ...] = ("cat", "dog", "bird"), **changes: Any) -> Facts:
    """Everything that a report can hold; `changes` replace fields."""
    small, large = picture(noise()), picture(noise(300, 1))
    wrong = Shown(small, f"{names[0]}/1.png", names[0], names[1], 0.97)
    right = Shown(large, f"{names[1]}/2.png", names[1], names[1], 0.51)
    mapped = tuple(dataclasses.replace(shown, overlay=shown.picture) for shown in (wrong, right))
    found = (
        Found("leak", "warning", "images in more than one part: 1", ("a = b",), 1, ((wrong, right),)),
        Found("unheard_of", "note", "something new", tuple(f"{n}.png" for n in range(40)), 40),
    )
    whole = Facts(
        "train", "pets", "sightline train pets", 300, "test", "accuracy", "runs/pets/pets.sightline", "2026-11-23",
        scores(names), card(), {"network": "auto", "classes": list(names), "inputs": {"image": {"shape": [32, 32, 3]}}},
        (wrong, right), mapped, "occlusion", (small,) * 16, found,
        {name: {"train": 80, "val": 10, "test": 10} for name in names},
        {"width": {"min": 8, "median": 32, "max": 300}, "height": {"min": 8, "median": 32, "max": 300}, "colour": 300},
        spots=((wrong,), (wrong, right)), parts={"train": 240, "val": 30, "test": 30},
    )  # fmt: skip
    return dataclasses.replace(whole, **changes)
