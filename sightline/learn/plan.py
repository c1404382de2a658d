"""The plan of a training: decided once, stored, and never changed, so that a resumed run follows the same one."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

SMALL_SHARE = 0.6
SMALL_SIDE = 0.75
"""Three quarters of the side cost about half the time, and most is learnt from them all the same."""


@dataclass(frozen=True)
class Plan:
    """How many steps of how many images, at what learning rate.

    steps: in all; epochs of `per_epoch` steps, the last may be shorter. lr: the highest learning rate.
    small_side: the side of the images in the first 60 % of the steps (progressive resizing); 0: their own.
    """

    steps: int
    per_epoch: int
    batch: int
    lr: float
    small_side: int = 0

    @property
    def small_steps(self) -> int:
        """How many of the first steps see small images."""
        return int(SMALL_SHARE * self.steps) if self.small_side else 0

    @property
    def epochs(self) -> int:
        """Number of epochs, the last perhaps shorter."""
        return -(-self.steps // self.per_epoch)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def default_batch(count: int) -> int:
    """A sixteenth of the images or less, a power of two from 16 to 128."""
    batch = 16
    while batch < 128 and batch * 2 * 16 <= count:
        batch *= 2
    return min(batch, count)


def default_epochs(count: int) -> int:
    """About 600,000 images in all, but 8 to 40 epochs."""
    return min(40, max(8, 600_000 // max(count, 1)))


def small_side(side: int, scale_free: bool) -> int:
    """The side of the small images for networks that take any size: three quarters, from 32 px on; 0 for none."""
    return round(side * SMALL_SIDE / 4) * 4 if scale_free and side >= 32 else 0


def make_plan(count: int, batch: int, epochs: int | None, lr: float, small_side: int) -> Plan:
    """The plan for `count` training images where no time is given; epochs by default after the size of the data."""
    per_epoch = max(1, count // batch)
    return Plan((epochs or default_epochs(count)) * per_epoch, per_epoch, batch, lr, small_side)


EXPORT_SECONDS = 8.0
"""What writing the bundle takes: export, proof, scores (5 to 8 s seen on 2 cores, most of it imports)."""
MARGIN = 0.97
"""Share of the time that is planned with: machines are shared, and being late is worse than stopping early."""
_TRIED = 9
_TRIED_SECONDS = 4.0


def seconds_per_step(step: Callable[[int], object], per_epoch: int) -> float:
    """The median time of a few steps, the first ones left out: they pay for memory and compiled kernels."""
    times: list[float] = []
    begun = time.monotonic()
    while len(times) < _TRIED and (len(times) < 3 or time.monotonic() - begun < _TRIED_SECONDS):
        start = time.monotonic()
        float(step(len(times) % per_epoch))  # pyright: ignore[reportArgumentType] (waits for a GPU)
        times.append(time.monotonic() - start)
    return statistics.median(times[len(times) // 3 :])


def fit_to_time(plan: Plan, per_step: float, per_evaluation: float, seconds: float) -> Plan:
    """The plan with as many steps as fit into `seconds`, each epoch's evaluation counted; at least one epoch.

    per_step, per_evaluation: seconds. Small data stops at 400 epochs: more of the same teaches nothing.
    """
    per_epoch = plan.per_epoch * per_step + per_evaluation
    epochs = seconds * MARGIN / per_epoch
    steps = min(int(epochs * plan.per_epoch), 400 * plan.per_epoch)
    return dataclasses.replace(plan, steps=max(steps, min(plan.per_epoch, max(1, int(seconds / per_step)))))
