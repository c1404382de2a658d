"""Uneven data: rare kinds of examples count for more in the loss, or are drawn more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.dataset import Indices

WAYS = ("auto", "weights", "sampler", "none")
POWER = 0.5
"""A kind that is r times rarer counts r ** 0.5 times as much. Full balance (1) finds a little more of the rare, but on
images as uneven as the training's it lost 7 to 12 points of CIFAR-10's accuracy; this loses 1 to 4 of them and takes
most of the gain (`benchmarks/NOTES.md`)."""
UNEVEN = 3.0
"""`auto` acts from this ratio of the largest to the smallest kind on."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Balance:
    """What is done about uneven data: `way` is weights, sampler or none; `why` says so to people."""

    way: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(vars(self))


def choose(asked: str, strata: NDArray[np.int64], kinds: str = "classes") -> Balance:
    """The written rule: `auto` draws rare kinds more often where the largest is at least 3 times the smallest.

    strata: (n,) the kind of each training example, as `Task.strata` gives it. kinds: what people call these kinds.
    """
    counts = np.unique(strata, return_counts=True)[1]
    ratio = counts.max() / counts.min()
    uneven = (
        f"{kinds} are uneven {ratio:{'.0f' if ratio >= 10 else '.2g'}}:1" if ratio >= 1.5 else f"{kinds} are about even"
    )
    way = asked if asked != "auto" else "sampler" if ratio >= UNEVEN else "none"
    done = {
        "sampler": "rare ones are drawn more often",
        "weights": "rare ones count for more in the loss",
        "none": "left as they are",
    }
    return Balance(way, f"{uneven}: {done[way]}")


def importance(strata: NDArray[np.int64], power: float | None = None) -> Floats:
    """(n,) how much each example counts: the size of its kind to the power of -0.5, with a mean of 1."""
    _, column, counts = np.unique(strata, return_inverse=True, return_counts=True)
    weights = counts[column].astype(np.float64) ** -(POWER if power is None else power)
    return (weights / weights.mean()).astype(np.float32)


def drawn(often: Floats, random: np.random.Generator) -> Indices:
    """(n,) examples in an order of chance, each about `often` times (n,), with a mean of 1.

    Systematic sampling: an example with 2.3 comes twice or three times, never by bad luck not at all.
    """
    order = random.permutation(len(often))
    reached = np.cumsum(often[order], dtype=np.float64)
    marks = (np.arange(len(often)) + random.random()) * (reached[-1] / len(often))
    return random.permutation(order[np.searchsorted(reached, marks, side="right")])
