"""Copies of a network that share its weights: each learns from a part of a batch, in a thread of its own.

Threads that share each operation of a step meet hundreds of times a step, and wait for the slowest each time: beside
one other program on two processors a step took 3 to 20 times as long. Threads that take a part of the batch each meet
once. Recurrent layers, which take hundreds of small steps, gain even on an idle machine (benchmarks/NOTES.md).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor, nn

from sightline.learn.machine import processors

T = TypeVar("T")
U = TypeVar("U")


class Replicas:
    """`networks[0]` is the network itself. The result does not depend on which thread is faster."""

    def __init__(self, network: nn.Module, count: int) -> None:
        """count: of the threads."""
        self.networks = [network, *(_sharing(network) for _ in range(count - 1))]

    def __len__(self) -> int:
        return len(self.networks)

    def sum(self, work: Callable[[int, nn.Module, T], Tensor], parts: Sequence[T]) -> Tensor:
        """The sum of what `work(number of the part, network, part)` gives; gradients add up in `networks[0]`.

        work: computes a loss, () on any device, and its gradients.
        """
        count = len(self.networks)

        def do(place: int) -> list[Tensor]:
            network = self.networks[place]
            return [work(number, network, parts[number]) for number in range(place, len(parts), count)]

        used = min(count, len(parts))
        done = in_threads(do, range(used), count)
        for other in self.networks[1:]:
            _add_gradients(self.networks[0], other)
        self._average_buffers(used)
        return torch.stack([loss for losses in done for loss in losses]).sum()

    def follow(self) -> None:
        """All copies take the buffers of the network itself, whose weights they share."""
        for other in self.networks[1:]:
            for ours, theirs in zip(self.networks[0].buffers(), other.buffers(), strict=True):
                theirs.copy_(ours)

    def _average_buffers(self, used: int) -> None:
        """The statistics of batch norm over the parts that each copy saw."""
        if used < 2:
            return
        for buffers in zip(*(network.buffers() for network in self.networks[:used]), strict=True):
            if buffers[0].dtype.is_floating_point:
                buffers[0].copy_(torch.stack(buffers).mean(0))
        self.follow()


def replicas_for(network: nn.Module, device: torch.device, batch: int) -> Replicas:
    """One a processor, for networks that name the fewest examples of a part as `least_part`; else the network alone."""
    least = getattr(network, "least_part", None)
    if least is None or device.type != "cpu":
        return Replicas(network, 1)
    return Replicas(network, max(1, min(processors(), batch // int(least))))


def in_threads(work: Callable[[T], U], parts: Sequence[T], count: int) -> list[U]:
    """`work` of each part, in order, by `count` threads, which share out the processors among them."""
    if count == 1 or len(parts) == 1:
        return [work(part) for part in parts]
    return list(_pool(count).map(work, parts))


@lru_cache
def _pool(count: int) -> ThreadPoolExecutor:
    threads = max(1, processors() // count)
    return ThreadPoolExecutor(count, "sightline", torch.set_num_threads, (threads,))


def _sharing(network: nn.Module) -> nn.Module:
    other = copy.deepcopy(network)
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        theirs.data = ours.data
    return other


def _add_gradients(network: nn.Module, other: nn.Module) -> None:
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        if theirs.grad is not None:
            ours.grad = theirs.grad if ours.grad is None else ours.grad.add_(theirs.grad)
            theirs.grad = None
