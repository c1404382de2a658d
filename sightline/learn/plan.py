"""The plan of a training: decided once, stored, and never changed, so that a resumed run follows the same one."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """How many steps of how many images, at what learning rate.

    steps: in all; epochs of `per_epoch` steps, the last may be shorter. lr: the highest learning rate.
    """

    steps: int
    per_epoch: int
    batch: int
    lr: float

    @property
    def epochs(self) -> int:
        """Number of epochs, the last perhaps shorter."""
        return -(-self.steps // self.per_epoch)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def default_batch(count: int) -> int:
    """About a fiftieth of the examples, a power of two from 16 to 512: small data needs steps, large data needs speed."""
    power = 16
    while power < 512 and power * 2 * 50 <= count:
        power *= 2
    return power


def default_epochs(count: int) -> int:
    """Enough for about 2,000 steps' worth of small data, at least 10 epochs of large."""
    return min(60, max(10, 60_000 // max(count, 1)))


def make_plan(count: int, epochs: int | None, batch: int | None, lr: float | None, network: str) -> Plan:
    """The plan for `count` training images where no time is given; what is None follows the defaults."""
    batch = min(batch or default_batch(count), count)
    per_epoch = max(1, count // batch)
    return Plan((epochs or default_epochs(count)) * per_epoch, per_epoch, batch, lr or 2e-3)


EXPORT_SECONDS = 8.0
"""What writing the bundle takes: export, proof, scores (5 to 8 s seen on 2 cores, most of it imports)."""
MARGIN = 0.97
"""Share of the time that is planned with: machines are shared, and being late is worse than stopping early."""
_TRIED = 12
_TRIED_SECONDS = 6.0


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
