"""The optimizer, its schedule, and the running average of the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WARMUP = 0.2
WEIGHT_DECAY = 0.01
AVERAGE_HORIZON = 0.02


def make_optimizer(network: nn.Module, lr: float) -> torch.optim.Optimizer:
    """AdamW; biases and normalisation are not decayed."""
    trained = [p for p in network.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim > 1]
    rest = [p for p in trained if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, fused=True)


def learning_rate(step: int, steps: int, highest: float) -> float:
    """One cycle (Smith 2018): linear up over the first fifth, cosine down to a hundredth."""
    warmup = max(1.0, WARMUP * steps)
    if step < warmup:
        return highest * (step + 1) / (warmup + 1)
    share = (step - warmup) / max(1.0, steps - warmup)
    return highest * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Sets it in all groups, each by its own `scale` if it has one."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("scale", 1.0)


class Average:
    """Exponential running average of weights and buffers, with a horizon that grows to 2 % of the plan."""

    def __init__(self, network: nn.Module, steps: int) -> None:
        self.tensors: dict[str, Tensor] = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self._horizon = max(1.0, AVERAGE_HORIZON * steps)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """After optimizer step `step` (from 0)."""
        share = 1 / min(self._horizon, step + 1)
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.tensors[name].lerp_(value, share)
            else:
                self.tensors[name].copy_(value)
