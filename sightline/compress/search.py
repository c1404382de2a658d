"""Which layers stay in float: as few as it takes, those first whose int8 changes the answers most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.compress.quantize import ACTIVATIONS, Quantizer
from sightline.core.task import Arrays
from sightline.run.runner import OnnxRunner

Score = Callable[[bytes], float]
"""A graph to the task's metric, higher is better."""


@dataclass(frozen=True)
class Chosen:
    """A graph, the layers of it that stay in float, its score, and whether that is high enough."""

    graph: bytes
    kept: tuple[str, ...]
    score: float
    met: bool


def choose(quantizer: Quantizer, score: Score, inputs: Sequence[Arrays], reference: bytes, need: float) -> Chosen:
    """The graph with the fewest layers in float whose score is at least `need`; the best there is where none is.

    The activations go back to float before any layer does. inputs: batches on which sensitivity is measured, against
    the graph `reference`. Some layer is always in int8.
    """
    first = _try(quantizer, (), score, need)
    if first.met or len(quantizer.layers) < 2:
        return first
    order = [ACTIVATIONS, *by_sensitivity(quantizer, inputs, reference)]
    tried = [first]
    low, high = 0, 1
    while True:  # twice as many at a time …
        high = min(high, len(order) - 1)
        tried.append(_try(quantizer, order[:high], score, need))
        if tried[-1].met or high == len(order) - 1:
            break
        low, high = high, 2 * high
    if not tried[-1].met:
        return max(tried, key=lambda one: one.score)
    best = tried[-1]
    while high - low > 1:  # … then by halves
        middle = (low + high) // 2
        one = _try(quantizer, order[:middle], score, need)
        best, low, high = (one, low, middle) if one.met else (best, middle, high)
    return best


def by_sensitivity(quantizer: Quantizer, inputs: Sequence[Arrays], reference: bytes) -> list[str]:
    """The layers, first those that change the outputs most when they alone are in int8."""
    wanted = [OnnxRunner(reference)(batch) for batch in inputs]
    names = quantizer.layers
    changes: dict[str, float] = {}
    for name in names:
        runner = OnnxRunner(quantizer.quantized([ACTIVATIONS, *(other for other in names if other != name)]))
        changes[name] = sum(_change(want, runner(batch)) for want, batch in zip(wanted, inputs, strict=True))
    return sorted(names, key=lambda name: -changes[name])


def _change(wanted: Arrays, found: Arrays) -> float:
    """The mean difference of each output in units of its spread, added up."""
    total = 0.0
    for name, values in wanted.items():
        first, second = values.astype(np.float64), found[name].astype(np.float64)
        total += float(np.abs(first - second).mean() / (first.std() + 1e-12)) if first.size else 0.0
    return total


def _try(quantizer: Quantizer, kept: Sequence[str], score: Score, need: float) -> Chosen:
    graph = quantizer.quantized(kept)
    found = score(graph)
    return Chosen(graph, tuple(kept), found, found >= need)
