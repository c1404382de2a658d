"""Batches from arrays in memory (or mapped): what is in a batch depends on seed, epoch and step alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.core.ragged import Ragged
from sightline.data.dataset import Indices
from sightline.data.scan import LONGEST_BATCH, Inputs
from sightline.learn.balance import drawn

Tensors = dict[str, Tensor]
POOL = 32
"""Batches that are sorted by length together: enough for little padding, few enough for chance."""


def keyed(*key: int | str) -> int:
    """A 63-bit seed from any key: the same key gives the same randomness anywhere, at any time."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@dataclass(frozen=True)
class Batches:
    """The training part: arrays over the same n examples, and how they are cut into batches.

    often: (n,) float32 with a mean of 1, how often each is drawn in an epoch; once where it is None.
    inputs: preprocessed (image: uint8 (rows, height, width, channel)), perhaps in a mapped file, with rows of other
        parts among them: rows, (n,) int64, are those of the n examples. targets: encoded, (n, …).
    The last, smaller batch of an epoch is left out; every epoch has another order, so nothing is lost.
    Of inputs with a free length, examples of like length share a batch, padded to the longest of it.
    """

    inputs: Inputs
    rows: Indices
    targets: Inputs
    size: int
    seed: int
    often: NDArray[np.float32] | None = None

    @property
    def count(self) -> int:
        """Number of examples."""
        return len(next(iter(self.targets.values())))

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch; at least one."""
        return max(1, self.count // self.size)

    def order(self, epoch: int) -> Indices:
        """(n,) the order of the examples in this epoch; with `often`, some come several times and others not."""
        random = np.random.Generator(np.random.Philox(keyed(self.seed, "order", epoch)))
        order = random.permutation(self.count) if self.often is None else drawn(self.often, random)
        lengths = self.lengths
        return order if lengths is None else _alike(order, lengths, self.size, random)

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """(n,) the free length of each example's input; None where all are of one shape."""
        free = [values.lengths[self.rows] for values in self.inputs.values() if isinstance(values, Ragged)]
        return free[0] if free else None

    def parts(self, chosen: Indices, least: int = 1) -> list[Indices]:
        """A batch in the parts that go through the network at once, at least so many; long inputs may need more.

        So memory has a bound, however long they are; the gradients of the parts add up to that of the batch.
        """
        lengths = self.lengths
        count = least
        if lengths is not None:
            most = max(1, LONGEST_BATCH // int(lengths[chosen].max()))
            count = max(least, -(-len(chosen) // most))
        return list(np.array_split(chosen, min(count, len(chosen))))

    def mirrored(self, epoch: int, chosen: Indices) -> Tensor:
        """(k,) bool: which of the chosen examples are seen mirrored in this epoch; in the next one, the others are.

        Alternating flips (Jordan 2024): both views of an image are seen in any two epochs.
        """
        bits = np.random.Generator(np.random.Philox(keyed(self.seed, "mirror"))).random(self.count) < 0.5
        return torch.from_numpy(bits[chosen] ^ bool(epoch % 2))

    def batch(self, chosen: Indices, device: torch.device) -> tuple[Tensors, Tensors]:
        """Inputs and targets of the chosen examples, on the device."""
        return _gather(self.inputs, self.rows[chosen], device), _gather(self.targets, chosen, device)


def _alike(order: Indices, lengths: NDArray[np.int64], size: int, random: np.random.Generator) -> Indices:
    """The order with examples of like length together, batch by batch; which batch comes when is left to chance."""
    size = min(size, len(order))
    order = order[: len(order) // size * size]
    pools = [order[start : start + POOL * size] for start in range(0, len(order), POOL * size)]
    batches = [pool[np.argsort(lengths[pool], kind="stable")].reshape(-1, size) for pool in pools]
    joined = np.concatenate(batches)
    return joined[random.permutation(len(joined))].ravel()


def _gather(arrays: Inputs, chosen: Indices, device: torch.device) -> Tensors:
    return {key: torch.from_numpy(values[chosen]).to(device, non_blocking=True) for key, values in arrays.items()}
