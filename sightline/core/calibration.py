"""The temperature that calibrates probabilities, in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]


def best_temperature(nll: Callable[[float], float]) -> float:
    """The temperature, or exponent, of least `nll` (Guo et al. 2017, section 4.2); nll: summed over val, at one.

    A weak pull towards 1, worth about two examples, keeps a tiny or faultless val part from driving it to an extreme.
    """

    def cost(log_temperature: float) -> float:
        return nll(float(np.exp(log_temperature))) + 2 * log_temperature**2

    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(40):  # golden-section search: the cost is convex in 1/T, so unimodal here
        left, right = high - golden * (high - low), low + golden * (high - low)
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))
