"""How far a map can be trusted: deletion and insertion (Petsiuk, Das and Saenko 2018, section 3.3) beside chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.explain.subject import Subject, grid

PATCHES = 64
STEPS = 16
RANDOM = 5
"""Random orders, whose areas are averaged."""
NOTHING = 0.005
"""Areas that are all below this are shown as 0.00: between them no map can be told from chance."""


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the evidence, 0..1. A good map deletes below chance and inserts above it."""

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float

    @property
    def verdict(self) -> str:
        """In words, for people."""
        if max(vars(self).values()) < NOTHING:
            return "nothing to measure: the model gives this answer almost no weight"
        fell, rose = self.deletion < self.random_deletion, self.insertion > self.random_insertion
        if fell and rose:
            return "better than chance"
        return "no better than chance" if not fell and not rose else "in doubt: better than chance one way only"

    def to_dict(self) -> dict[str, float]:
        """Plain JSON values."""
        return {name: round(value, 4) for name, value in vars(self).items()}


def faithfulness(subject: Subject, values: NDArray[np.float32]) -> Faithfulness:
    """Scores a map over the input's pixels, (height, width).

    The image is cut into patches. For deletion they are replaced, the map's highest first; for insertion they
    return to a wholly replaced image in the same order; each time the evidence for the answer is read off, and its
    area is the mean over the way. In place of a patch comes the subject's stand-in. Random orders of the same patches
    say what chance gives.
    """
    parts, rows, columns = grid(*subject.sides, PATCHES)
    count = rows * columns
    mean = np.bincount(parts.ravel(), values.ravel().astype(np.float64), count) / np.bincount(parts.ravel())
    random = np.random.Generator(np.random.Philox(0))
    orders = [np.argsort(-mean, kind="stable"), *(random.permutation(count) for _ in range(RANDOM))]
    keep = np.concatenate([_removed(order) for order in orders])
    evidence = subject.evidence_without(np.concatenate((keep, ~keep)), parts, subject.stand_in)
    curves = evidence.reshape(2, len(orders), -1)
    areas = ((curves[..., 1:] + curves[..., :-1]) / 2).mean(axis=2)  # trapezoids of equal width
    chance = areas[:, 1:].mean(axis=1)
    return Faithfulness(float(areas[0, 0]), float(areas[1, 0]), float(chance[0]), float(chance[1]))


def _removed(order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(steps + 1, parts): what is kept as the parts go in that order, from all to none."""
    count = len(order)
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    gone = np.linspace(0, count, min(STEPS, count) + 1).round()
    return rank[None] >= gone[:, None]
