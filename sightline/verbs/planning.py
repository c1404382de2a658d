"""What a training decides once, before its first step: the plan, and the size of the network for a given time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sightline.core.errors import SightlineError
from sightline.core.options import resolve
from sightline.core.spec import Spec
from sightline.core.task import Learner
from sightline.learn.augment import Changes
from sightline.learn.batches import Batches, keyed
from sightline.learn.deploy import TorchRunner
from sightline.learn.loop import Trainer
from sightline.learn.optimizer import default_lr, is_scale_free
from sightline.learn.plan import Pace, Plan, fit_to_time, make_plan, seconds_per_step, small_side
from sightline.learn.start import freeze_all_but_head, start_from_bundle, start_from_file
from sightline.tables import network_entry

if TYPE_CHECKING:
    from sightline.learn.teacher import Teacher
    from sightline.verbs.training_options import TrainOptions

EXPORT_SECONDS = 6.0
"""What writing the bundle takes beside evaluations (4 to 8 s seen on 2 cores, most of it imports)."""


def make_network(learner: Learner, spec: Spec, options: TrainOptions, resumed: bool = False) -> nn.Module:
    """The network with the weights that the options ask for; a function of the seed.

    resumed: a checkpoint will replace the weights, so the files they once came from are no longer needed.
    """
    torch.manual_seed(keyed(options.seed, "weights"))
    network = learner.network(spec.without_download() if resumed else spec)
    if options.weights and not resumed:
        start_from_file(network, options.weights)
    if options.init and not resumed:
        start_from_bundle(network, options.init, spec)
    if options.freeze:
        freeze_all_but_head(network)
    return network


def plan_by_epochs(network: nn.Module, spec: Spec, batches: Batches, options: TrainOptions) -> Plan:
    """The plan where no time is given."""
    height, width, _ = spec.inputs["image"].shape
    unit = int(getattr(network, "stride", 4))
    # Small images are square.
    small = small_side(height or 0, is_scale_free(network), unit) if height == width else 0
    lr = options.lr or default_lr(network, batches.size)
    return make_plan(batches.count, batches.size, options.epochs, lr, small)


def plan_by_time(
    learner: Learner,
    spec: Spec,
    batches: Batches,
    options: TrainOptions,
    policy: Changes,
    judge: Callable[[TorchRunner], object],
    deadline: float,
    teacher: Teacher | None = None,
) -> tuple[Plan, Spec, Pace]:
    """The plan that ends at `deadline` (`time.monotonic()`), the spec with the network's size fitted to it, the pace.

    judge: evaluates a runner on val. Speed is measured on a throw-away copy; a network that offers `options_for` is
    made larger or smaller, so that time is spent on size as well as on epochs.
    """
    trial = _Trial(learner, spec, batches, options, policy, teacher)
    left = deadline - time.monotonic() - EXPORT_SECONDS
    fixed = options.init or options.weights  # weights fit a network of their own size only
    fitted = spec if fixed else _sized_for(trial, spec, left)
    if fitted.options != spec.options:
        trial, spec = _Trial(learner, fitted, batches, options, policy, teacher), fitted
    small, full = trial.seconds_per_step()
    network = trial.network.eval()
    per_evaluation = _seconds(lambda: judge(TorchRunner(network, learner, spec, trial.device, fast=True)))
    exact = _seconds(lambda: judge(TorchRunner(network, learner, spec, trial.device)))
    # Calibration and the scores of the finished bundle are about three more evaluations.
    pace = Pace(small, full, per_evaluation, EXPORT_SECONDS + 3 * exact)
    return fit_to_time(trial.plan, pace, deadline - time.monotonic() - pace.bundle), spec, pace


def _seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


class _Trial:
    """A throw-away training, to measure speed."""

    def __init__(
        self,
        learner: Learner,
        spec: Spec,
        batches: Batches,
        options: TrainOptions,
        policy: Changes,
        teacher: Teacher | None,
    ) -> None:
        self.device = device_named(options.device)
        self.network = make_network(learner, spec, options)
        self.plan = plan_by_epochs(self.network, spec, batches, options)
        self._batches, self._policy = batches, policy
        self._order = batches.order(0)
        self._trainer = Trainer(learner, self.network, spec, self.plan, self.device, teacher)

    def _measure(self, begin: int) -> float:
        self._trainer.step = begin
        return seconds_per_step(
            lambda place: self._trainer.train_step(self._batches, self._order, place, self._policy), self.plan.per_epoch
        )

    def seconds_per_step(self) -> tuple[float, float]:
        """Of a step with small images, and of one with their own size."""
        full = self._measure(self.plan.small_steps)
        return self._measure(0) if self.plan.small_steps else full, full


def _sized_for(trial: _Trial, spec: Spec, seconds: float) -> Spec:
    offer: Any = getattr(trial.network, "options_for", None)
    if offer is None:
        return spec
    small, full = trial.seconds_per_step()
    pace = Pace(small, full, evaluation=0.0, bundle=0.0)
    epochs = fit_to_time(trial.plan, pace, seconds).steps / trial.plan.per_epoch
    height, width, _ = spec.inputs["image"].shape
    options: Any = resolve(network_entry(spec.task, spec.network).load_options(), spec.options)
    return dataclasses.replace(spec, options={**spec.options, **offer((height, width), epochs, options)})


def device_named(name: str) -> torch.device:
    """The device; `auto`: a GPU where there is one, a number: that GPU. Raises SightlineError where it is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(f"cuda:{name}" if name.isdecimal() else name)
        torch.zeros(1, device=device)
        return device
    except Exception:
        raise SightlineError(
            f"the device {name!r} is not there", fix="leave --device out, or say: --device cpu"
        ) from None
