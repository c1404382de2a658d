"""The plan of a training: decided once, stored, and never changed, so that a resumed run follows the same one."""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

MOST_EPOCHS = 400
"""With --time, small data stops here: more of the same teaches nothing."""
SMALL_SHARE = 0.4
SMALL_SIDE = 0.75
"""Three quarters of the side cost about half the time, and most is learnt from them all the same."""


@dataclass(frozen=True)
class Plan:
    """How many steps of how many images, at what learning rate.

    steps: in all; epochs of `per_epoch` steps, the last may be shorter. lr: the highest learning rate.
    small_side: the side of the images in the first `small_steps` (progressive resizing); 0: their own.
    """

    steps: int
    per_epoch: int
    batch: int
    lr: float
    small_side: int = 0
    small_steps: int = 0

    @property
    def epochs(self) -> int:
        """Number of epochs, the last perhaps shorter."""
        return -(-self.steps // self.per_epoch)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def as_long_as(plan: Plan, other: Plan) -> Plan:
    """The plan with steps for as many images in all as the other sees, at most 400 times each of its own."""
    steps = max(1, min(other.steps * other.batch // plan.batch, MOST_EPOCHS * plan.per_epoch))
    return dataclasses.replace(plan, steps=steps, small_steps=int(SMALL_SHARE * steps) if plan.small_side else 0)


def default_batch(count: int, most: int = 128) -> int:
    """A sixteenth of the images or less, a power of two from 16 to `most`."""
    batch = 16
    while batch < most and batch * 2 * 16 <= count:
        batch *= 2
    return min(batch, count)


def default_epochs(count: int) -> int:
    """About 600,000 images in all, but 8 to 40 epochs."""
    return min(40, max(8, 600_000 // max(count, 1)))


def small_side(side: int, scale_free: bool, unit: int = 4) -> int:
    """The side of the small images for networks that take any multiple of `unit`: about three quarters, from 32 px on;
    0 for none."""
    small = round(side * SMALL_SIDE / unit) * unit
    return small if scale_free and side >= 32 and small < side else 0


def make_plan(count: int, batch: int, epochs: int | None, lr: float, small_side: int) -> Plan:
    """The plan for `count` training images where no time is given; epochs by default after the size of the data."""
    per_epoch = max(1, count // batch)
    steps = (epochs or default_epochs(count)) * per_epoch
    return Plan(steps, per_epoch, batch, lr, small_side, int(SMALL_SHARE * steps) if small_side else 0)


@dataclass(frozen=True)
class Pace:
    """Seconds that things take on this machine.

    small, full: a step with small images, with their own size. evaluation: of val. bundle: all that follows the last
    step: calibration, export, proof, scores.
    """

    small: float
    full: float
    evaluation: float
    bundle: float

    def seconds(self, plan: Plan, begin: int, end: int) -> float:
        """From step `begin` to step `end`, evaluations at the ends of epochs included."""
        small = min(end, max(begin, plan.small_steps)) - begin
        looks = end // plan.per_epoch - begin // plan.per_epoch
        return small * self.small + (end - begin - small) * self.full + looks * self.evaluation

    def times(self, factor: float) -> Pace:
        """All of it slower by a factor."""
        return Pace(*(factor * value for value in (self.small, self.full, self.evaluation, self.bundle)))


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


def fit_to_time(plan: Plan, pace: Pace, seconds: float, done: int = 0) -> Plan:
    """The plan with as many steps as fit into the `seconds` that are left when `done` steps are done.

    At least the first epoch, or as much of it as fits; 40 % of the steps keep their small images while they last.
    """
    look = pace.evaluation / plan.per_epoch
    share = SMALL_SHARE if plan.small_side and done <= plan.small_steps else 0.0
    mean = share * pace.small + (1 - share) * pace.full + look
    already = done * (pace.small + look if share else mean)
    least = max(done + 1, min(plan.per_epoch, int(seconds / mean)))
    steps = min(max(int((seconds + already) / mean), least), MOST_EPOCHS * plan.per_epoch)
    return dataclasses.replace(plan, steps=steps, small_steps=int(share * steps) if share else plan.small_steps)


class Budget:
    """Keeps a training within its time: the plan is fitted anew where the machine became slower or faster."""

    TOLERANCE = 0.02
    """Share of the steps left by which the plan must be wrong before it is changed."""
    MOST_LONGER = 1.25
    MEMORY = 0.2
    """Share of the time in all over which the speed is remembered: what else runs comes and goes."""

    def __init__(self, deadline: float, pace: Pace, step: int = 0) -> None:
        """deadline: `time.monotonic()` at which the bundle should be there. pace: as measured before the training."""
        self.deadline, self.pace = deadline, pace
        self._slower, self._step, self._since = 1.0, step, time.monotonic()
        self._memory = max(1.0, self.MEMORY * (deadline - self._since))

    def fitted(self, plan: Plan, step: int) -> Plan:
        """The plan to go on with, from what the steps since the last call took; the end of a plan stays its end."""
        now, left = time.monotonic(), plan.steps - step
        if left <= 0:
            return plan
        expected = self.pace.seconds(plan, self._step, step)
        if expected > 0:
            passed = now - self._since
            forgotten = 1 - math.exp(-passed / self._memory)
            self._slower += forgotten * (passed / expected - self._slower)
            self._step, self._since = step, now
        pace = self.pace.times(self._slower)
        fitted = fit_to_time(plan, pace, self.deadline - now - pace.bundle, step)
        # The rate has fallen with the steps left: many more of them would raise it again.
        steps = min(fitted.steps, step + max(1, int(self.MOST_LONGER * left)))
        return dataclasses.replace(fitted, steps=steps) if abs(steps - plan.steps) > self.TOLERANCE * left else plan

    def is_over(self) -> bool:
        """Whether no time is left but for the bundle: better a good model now than a late one."""
        return time.monotonic() > self.deadline - self.pace.bundle * self._slower
