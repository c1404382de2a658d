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
Kinds = NDArray[np.int64] | NDArray[np.bool_]
"""(n,) int64, the kind of each example; or (n, kinds) bool, where an example may be of several, or of none."""


@dataclass(frozen=True)
class Balance:
    """What is done about uneven data: `way` is weights, sampler or none; `why` says so to people."""

    way: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(vars(self))


def choose(asked: str, kinds: Kinds, called: str = "classes") -> Balance:
    """The written rule: `auto` draws rare kinds more often where the largest is at least 3 times the smallest.

    kinds: of each training example, as `Task.kinds` gives them. called: what people call these kinds.
    """
    counts = _counts(kinds)
    if len(counts) < 2:
        return Balance("none", f"{called} are of one kind alone: nothing to balance")
    ratio = counts.max() / counts.min()
    uneven = (
        f"{called} are uneven {ratio:{'.0f' if ratio >= 10 else '.2g'}}:1"
        if ratio >= 1.5
        else f"{called} are about even"
    )
    way = asked if asked != "auto" else "sampler" if ratio >= UNEVEN else "none"
    done = {
        "sampler": "rare ones are drawn more often",
        "weights": "rare ones count for more in the loss",
        "none": "left as they are",
    }
    return Balance(way, f"{uneven}: {done[way]}")


def importance(kinds: Kinds, power: float | None = None) -> Floats:
    """(n,) how much each example counts: the size of its kind to the power of -0.5, with a mean of 1.

    Of several kinds the rarest counts (Gupta et al. 2019, LVIS, section 5.1); one of none counts as the most common.
    """
    sizes = _counts(kinds)
    if kinds.ndim == 1:
        size = sizes[np.unique(kinds, return_inverse=True)[1]]
    else:
        held = kinds[:, kinds.any(axis=0)]
        size = np.where(held, sizes, sizes.max(initial=1)).min(axis=1, initial=len(kinds))
    weights = size.astype(np.float64) ** -(POWER if power is None else power)
    return (weights / weights.mean()).astype(np.float32)


def _counts(kinds: Kinds) -> NDArray[np.int64]:
    """How many examples there are of each kind that there is."""
    if kinds.ndim == 1:
        return np.unique(kinds, return_counts=True)[1]
    counts = kinds.sum(axis=0)
    return counts[counts > 0]


def drawn(often: Floats, random: np.random.Generator) -> Indices:
    """(n,) examples in an order of chance, each about `often` times (n,), with a mean of 1.

    Systematic sampling: an example with 2.3 comes twice or three times, never by bad luck not at all.
    """
    order = random.permutation(len(often))
    reached = np.cumsum(often[order], dtype=np.float64)
    marks = (np.arange(len(often)) + random.random()) * (reached[-1] / len(often))
    return random.permutation(order[np.searchsorted(reached, marks, side="right")])
