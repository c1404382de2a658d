"""Hits, support and guesses counted class by class, and what follows from them; in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core import statistics

Counts = NDArray[np.int64]


def class_table(classes: Sequence[str], hits: Counts, support: Counts, guessed: Counts) -> list[dict[str, Any]]:
    """A row a class: precision, recall, f1, support, and their 95 % intervals; counts: (classes,) each."""
    columns = {
        "precision": (hits / np.maximum(guessed, 1), statistics.wilson(hits, guessed)),
        "recall": (hits / np.maximum(support, 1), statistics.wilson(hits, support)),
        "f1": (f1(hits, support, guessed), statistics.f1_interval(hits, support, guessed)),
    }
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(classes):
        row: dict[str, Any] = {"class": name}
        row |= {key: round(float(values[i]), 6) for key, (values, _) in columns.items()}
        row["support"] = int(support[i])
        row |= {f"{key}_ci": [round(float(end[i]), 6) for end in ends] for key, (_, ends) in columns.items()}
        rows.append(row)
    return rows


def f1(hits: NDArray[Any], support: NDArray[Any], guessed: NDArray[Any]) -> NDArray[np.float64]:
    """2 hits / (support + guessed); 0 where there is neither."""
    return 2 * hits / np.maximum(support + guessed, 1)


def macro_f1(hits: NDArray[Any], support: NDArray[Any], guessed: NDArray[Any]) -> NDArray[np.float64]:
    """The mean over the classes (the last axis) that are among the truths or the answers."""
    present = (support + guessed) > 0
    return f1(hits, support, guessed).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)


def counted(rows: NDArray[np.int64], kinds: int, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """(k, kinds): how often each number stands in each of k rows, or the sum of its weights."""
    places = (rows + np.arange(len(rows))[:, None] * kinds).ravel()
    total = np.bincount(places, None if weights is None else weights.ravel(), minlength=len(rows) * kinds)
    return total.reshape(len(rows), kinds).astype(np.float64)
