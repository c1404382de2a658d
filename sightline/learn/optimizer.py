"""The optimizers, their schedule, and the running average of the weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sightline.learn.muon import GateMuon, Muon

WARMUP = 0.1
WEIGHT_DECAY = 0.01
AVERAGE_HORIZON = 0.02
MUON_LR, ADAM_SHARE = 0.08, 0.125
"""At 128 images a step; the parameters that Muon does not train take Adam at an eighth of its rate, or at the
share that the network names as `adam_share`."""
GATE_SHARE, GATE_DECAY, HEAD_DECAY = 0.24, 0.3, 0.1
"""Share of Muon's rate for the matrices of LSTM layers, and their weight decay; that of the layers behind them."""
ADAMW_LR = 2e-3


def default_lr(network: nn.Module, batch: int) -> float:
    """The highest learning rate: grows with the square root of the batch for Muon, constant for AdamW."""
    return MUON_LR * (batch / 128) ** 0.5 if is_scale_free(network) else ADAMW_LR


def make_optimizers(network: nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the filters of a network that calls itself `scale_free` and for the matrices of its LSTM layers, and
    Adam for its rest; AdamW for any other network.

    Each parameter group has a `scale`: its share of the learning rate.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    if not is_scale_free(network):
        return [torch.optim.AdamW(_with_decay(trained, WEIGHT_DECAY), lr=lr, fused=True)]
    recurrent = {p for module in network.modules() if isinstance(module, nn.LSTM) for p in module.parameters()}
    filters = [p for p in trained if p.ndim == 4]
    matrices = [p for p in trained if p.ndim == 2 and p in recurrent]
    taken = {*filters, *matrices}
    rest = [p for p in trained if p not in taken]
    share = float(getattr(network, "adam_share", ADAM_SHARE))
    found: list[torch.optim.Optimizer] = [Muon(filters, lr)] if filters else []
    if matrices:
        found.append(GateMuon([{"params": matrices, "scale": GATE_SHARE}], lr * GATE_SHARE, decay=GATE_DECAY))
    if rest:
        groups = [{**group, "scale": share} for group in _with_decay(rest, HEAD_DECAY if matrices else 0.0)]
        found.append(torch.optim.AdamW(groups, lr * share, betas=(0.9, 0.99), fused=True))
    return found


def _with_decay(parameters: list[nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """The groups of an optimizer: biases and norms do not decay."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def is_scale_free(network: nn.Module) -> bool:
    """Whether the network says that each of its convolutions is normalised."""
    return bool(getattr(network, "scale_free", False))


def learning_rate(step: int, steps: int, highest: float, warmup: float = math.inf) -> float:
    """One cycle of two straight lines: up over the first tenth of the steps, but at most over `warmup`, and down to
    nothing at the end."""
    rising = min(warmup, WARMUP * steps)
    up = (step + 1) / (rising + 1)
    down = (steps - step) / (steps - rising)
    return highest * min(1.0, up, down)


def longest_warmup(network: nn.Module) -> float:
    """Steps that the network names as `warmup`, where a tenth of a long training would be more than it needs."""
    return float(getattr(network, "warmup", math.inf))


def set_learning_rate(optimizers: list[torch.optim.Optimizer], lr: float) -> None:
    """Sets it in all groups, each by its own `scale` if it has one."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = lr * group.get("scale", 1.0)


class Average:
    """Exponential running average of weights and buffers, with a horizon that grows to 2 % of the plan.

    It holds on to the network's own tensors, which must be changed in place.
    """

    def __init__(self, network: nn.Module, steps: int) -> None:
        self.tensors: dict[str, Tensor] = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self._horizon = max(1.0, AVERAGE_HORIZON * steps)
        pairs = [(self.tensors[name], value) for name, value in network.state_dict().items()]
        self._averaged = [pair for pair in pairs if pair[0].dtype.is_floating_point]
        self._copied = [pair for pair in pairs if not pair[0].dtype.is_floating_point]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After optimizer step `step` (from 0)."""
        share = 1 / min(self._horizon, step + 1)
        ours, theirs = [pair[0] for pair in self._averaged], [pair[1] for pair in self._averaged]
        torch._foreach_lerp_(ours, theirs, share)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
        for average, value in self._copied:
            average.copy_(value)
