"""Muon: momentum whose matrices are made orthogonal before each step (K. Jordan et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_ITERATIONS = 4
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration: they drive all singular values into about 0.7..1.2 as fast as can be."""


class Muon(torch.optim.Optimizer):
    """For filters whose length does not matter, as a normalisation follows: `lr` is then the relative size of a step.

    params: tensors (out, …). Each step sets the length of a filter bank to the square root of its number of filters.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.6) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step from the gradients, Nesterov momentum."""
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].mul_(group["momentum"]).add_(weight.grad)
                gradient = weight.grad.add(momentum, alpha=group["momentum"])
                weight.mul_(len(weight) ** 0.5 / (torch.linalg.vector_norm(weight) + 1e-7))
                flat = gradient.reshape(len(gradient), -1)
                weight.add_(orthogonal(flat).reshape(gradient.shape), alpha=-group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest semi-orthogonal matrix to (rows, columns), by Newton-Schulz iteration.

    Every iterate is a polynomial of the Gram matrix times the input, so the iteration runs on the small square Gram
    matrix and touches the wide one twice: the same result, twice as fast as the textbook form for a filter bank.
    """
    wide: Tensor = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.transpose(0, 1)
    wide = wide.div(wide.square().sum().sqrt().add(1e-7))
    a, b, c = _COEFFICIENTS
    gram = wide @ wide.transpose(0, 1)
    total: Tensor | None = None
    for iteration in range(_ITERATIONS):
        factor = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal().add_(a)
        total = factor if total is None else factor @ total
        if iteration < _ITERATIONS - 1:
            gram = factor @ factor @ gram
    assert total is not None
    wide = total @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.transpose(0, 1)
