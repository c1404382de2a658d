"""Batches from arrays in memory (or mapped): what is in a batch depends on seed, epoch and step alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sightline.core.task import Arrays

Tensors = dict[str, Tensor]


def keyed(*key: int | str) -> int:
    """A 63-bit seed from any key: the same key gives the same randomness anywhere, at any time."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@dataclass(frozen=True)
class Batches:
    """The training part: arrays over the same n examples, and how they are cut into batches.

    inputs: preprocessed (image: uint8 (n, height, width, channel)); targets: encoded.
    The last, smaller batch of an epoch is left out; every epoch has another order, so nothing is lost.
    """

    inputs: Arrays
    targets: Arrays
    size: int
    seed: int

    @property
    def count(self) -> int:
        """Number of examples."""
        return len(next(iter(self.targets.values())))

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch; at least one."""
        return max(1, self.count // self.size)

    def order(self, epoch: int) -> np.ndarray:
        """(n,) the order of the examples in this epoch."""
        return np.random.Generator(np.random.Philox(keyed(self.seed, "order", epoch))).permutation(self.count)

    def batch(self, order: np.ndarray, place: int, device: torch.device) -> tuple[Tensors, Tensors]:
        """Inputs and targets of the batch at `place` of an epoch, on the device."""
        chosen = order[place * self.size : (place + 1) * self.size]
        return _gather(self.inputs, chosen, device), _gather(self.targets, chosen, device)


def _gather(arrays: Arrays, chosen: np.ndarray, device: torch.device) -> Tensors:
    return {key: torch.from_numpy(values[chosen]).to(device, non_blocking=True) for key, values in arrays.items()}
