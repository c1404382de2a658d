"""Muon: momentum whose matrices are made orthogonal before each step (K. Jordan et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from sightline.learn.precision import multiplies_bfloat16

_ITERATIONS, _LSTM_GATES = 4, 4
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


class GateMuon(torch.optim.Optimizer):
    """For the matrices of LSTM layers, (4 gates x units, inputs): the gradient of each gate is made orthogonal.

    Steps are as large as Adam's of the same `lr`: 0.2 times the square root of the longer side times the orthogonal
    matrix (J. Liu et al. 2025, eq. 4). No normalisation follows these weights: without decay they grew to five times
    their size in 15 epochs, gates were open or shut, and what was learned did not carry over to other lines.
    """

    def __init__(
        self, params: Iterable[Tensor] | list[dict[str, Any]], lr: float, momentum: float = 0.9, decay: float = 0.0
    ) -> None:
        """decay: share of `lr` by which weights shrink at each step."""
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step from the gradients, Nesterov momentum."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = {}
            for weight in group["params"]:
                alike.setdefault(weight.shape, []).append(weight)
            for shape, weights in alike.items():
                updates = [self._smoothed(weight, group["momentum"]) for weight in weights]
                rows, columns = shape[0] // _LSTM_GATES, shape[1]
                found = orthogonal(torch.stack(updates).view(-1, rows, columns), quick=True)
                length = 0.2 * max(rows, columns) ** 0.5
                for weight, update in zip(weights, found.view(len(weights), *shape), strict=True):
                    weight.mul_(1 - group["lr"] * group["decay"]).add_(update, alpha=-group["lr"] * length)

    def _smoothed(self, weight: Tensor, momentum: float) -> Tensor:
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        return weight.grad.lerp(state["momentum"].lerp_(weight.grad, 1 - momentum), momentum)


def orthogonal(matrices: Tensor, quick: bool = False) -> Tensor:
    """About the nearest semi-orthogonal matrices to (rows, columns) or (count, rows, columns), by Newton-Schulz
    iteration.

    Every iterate is a polynomial of the Gram matrix times the input, so the iteration runs on the small square Gram
    matrix and touches the wide one twice: the same result, twice as fast as the textbook form for a filter bank.
    quick: in bfloat16 where the hardware multiplies it; off by 2 %.
    """
    wide: Tensor = matrices if matrices.shape[-2] <= matrices.shape[-1] else matrices.transpose(-2, -1)
    wide = wide.div(wide.square().sum((-2, -1), keepdim=True).sqrt().add(1e-7))
    if quick and multiplies_bfloat16(wide.device):
        wide = wide.bfloat16()
    a, b, c = _COEFFICIENTS
    multiply_add = torch.baddbmm if wide.ndim == 3 else torch.addmm
    gram = wide @ wide.transpose(-2, -1)
    total: Tensor | None = None
    for iteration in range(_ITERATIONS):
        factor = multiply_add(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        total = factor if total is None else factor @ total
        if iteration < _ITERATIONS - 1:
            gram = factor @ factor @ gram
    assert total is not None
    wide = (total @ wide).to(matrices.dtype)
    return wide if matrices.shape[-2] <= matrices.shape[-1] else wide.transpose(-2, -1)
