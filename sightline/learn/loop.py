"""The loop: one generator for all tasks. The caller logs, evaluates, saves and stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.core.task import Learner
from sightline.data.dataset import Indices
from sightline.learn import machine
from sightline.learn.augment import Changes
from sightline.learn.batches import Batches, keyed
from sightline.learn.checkpoint import Checkpoint, optimizer_tensors, restore_optimizer
from sightline.learn.deploy import normalise
from sightline.learn.optimizer import (
    Average,
    learning_rate,
    longest_warmup,
    make_optimizers,
    set_learning_rate,
)
from sightline.learn.plan import Plan
from sightline.learn.precision import mixed
from sightline.learn.replicas import in_threads, replicas_for
from sightline.learn.teacher import Teacher

RELEASE_EVERY = 4
"""Steps between looks at the memory that is held where the sizes of batches differ."""
LOOK_EVERY = 16
"""Steps between looks at the loss: reading it more often would make a GPU wait."""
TAUGHT = 0.7
"""Of the loss, where there is a teacher: the rest are the targets of the data."""


@dataclass(frozen=True)
class Moment:
    """Where the training stands: steps done, and the mean loss since the epoch began.

    epoch: number of the epoch, from 1; finished: whether it is complete (the last one may be cut short by the plan).
    """

    step: int
    epoch: int
    finished: bool
    loss: float


class Trainer:
    """Network, optimizer and average: all that changes while training, and how it is saved and restored."""

    def __init__(
        self,
        learner: Learner,
        network: nn.Module,
        spec: Spec,
        plan: Plan,
        device: torch.device,
        teacher: Teacher | None = None,
    ) -> None:
        self.learner, self.spec, self.plan, self.device = learner, spec, plan, device
        self.teacher = teacher
        whole: Any = network  # torch's stubs know no memory_format here
        self.network: nn.Module = whole.to(device, memory_format=torch.channels_last)
        self.replicas = replicas_for(self.network, device, plan.batch)
        self.optimizers = make_optimizers(self.network, plan.lr)
        self.average = Average(self.network, plan.steps)
        self.step = 0

    def fit(self, batches: Batches, policy: Changes, pause: float) -> Iterator[Moment]:
        """Trains from `self.step` to the end of the plan; yields at each epoch's end and about every `pause` seconds.

        Raises SightlineError as soon as the loss is not finite.
        """
        while self.step < self.plan.steps:
            epoch, place = divmod(self.step, self.plan.per_epoch)
            order = batches.order(epoch)
            total, seen, since = torch.zeros((), device=self.device), 0, time.monotonic()
            while place < (last := min(self.plan.per_epoch, self.plan.steps - epoch * self.plan.per_epoch)):
                total += self.train_step(batches, order, place, policy)
                seen, place = seen + 1, place + 1
                if seen % LOOK_EVERY == 0 or place == last:
                    mean = self._finite(float(total) / seen)
                    if place < last and time.monotonic() - since > pause:
                        yield Moment(self.step, epoch + 1, False, mean)
                        since = time.monotonic()
            yield Moment(self.step, epoch + 1, True, float(total) / seen)

    def train_step(self, batches: Batches, order: Indices, place: int, policy: Changes) -> torch.Tensor:
        """One step; its loss, detached, () on the device."""
        key = keyed(batches.seed, "step", self.step)
        torch.manual_seed(key)  # what a network draws itself (dropout) must not depend on the history
        for number, network in enumerate(self.replicas.networks):
            self._make_ready(network, keyed(key, number))
        chosen = order[place * batches.size : (place + 1) * batches.size]
        parts = batches.parts(chosen, len(self.replicas))
        lr = learning_rate(self.step, self.plan.steps, self.plan.lr, longest_warmup(self.network))
        set_learning_rate(self.optimizers, lr)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)

        def learn(number: int, network: nn.Module, part: Indices) -> torch.Tensor:
            generator = torch.Generator().manual_seed(keyed(key, "part", number) if number else key)
            loss = self._loss(network, batches, part, policy, generator) * (len(part) / len(chosen))
            loss.backward()
            return loss.detach()

        total = self.replicas.sum(learn, parts)
        # Their many small products are done sooner side by side than each by all processors.
        in_threads(lambda optimizer: optimizer.step(), self.optimizers, len(self.replicas))
        self.average.update(self.step)
        if batches.lengths is not None and self.step % RELEASE_EVERY == 0:
            machine.release()
        self.step += 1
        return total

    def _make_ready(self, network: nn.Module, key: int) -> None:
        """Sets a network to learning, and seeds what it draws from generators of its own."""
        network.train()
        for place, module in enumerate(network.modules()):
            if (
                isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
                and module.affine
                and not module.weight.requires_grad
            ):
                module.eval()  # what is frozen must not follow the new data's statistics either
            generator = getattr(module, "generator", None)
            if isinstance(generator, torch.Generator):
                generator.manual_seed(keyed(key, place))

    def _loss(
        self, network: nn.Module, batches: Batches, chosen: Indices, policy: Changes, generator: torch.Generator
    ) -> torch.Tensor:
        """() of some examples, augmented."""
        inputs, targets = batches.batch(chosen, self.device)
        inputs["image"] = normalise(inputs["image"], self.spec)
        side = self.plan.small_side if self.step < self.plan.small_steps else None
        mirrored = batches.mirrored(self.step // self.plan.per_epoch, chosen) if policy.flip else None
        policy = policy.at(self.step / self.plan.steps)
        inputs, targets = policy(inputs, targets, generator, mirrored, side)
        with mixed(self.device):
            found = self.learner.loss(network, inputs, targets, self.spec)
            if self.teacher is None:
                return found["loss"]
            away = self.teacher.distance(found["raw"], inputs["image"])
            return (1 - TAUGHT) * found["loss"] + TAUGHT * away

    def _finite(self, loss: float) -> float:
        if loss != loss or loss in (float("inf"), float("-inf")):
            raise SightlineError(
                f"the loss is no longer a finite number (step {self.step})",
                fix=f"train again with a smaller learning rate: --lr {self.plan.lr / 5:.2g}",
            )
        return loss

    def save(self) -> Checkpoint:
        """The whole state."""
        return Checkpoint(
            {
                "network": dict(self.network.state_dict()),
                "average": self.average.tensors,
                **{f"optimizer{i}": optimizer_tensors(one) for i, one in enumerate(self.optimizers)},
            },
            {"step": self.step, "plan": self.plan.to_json()},
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """The inverse of `save`."""
        self.network.load_state_dict(checkpoint.tensors["network"])
        for name, tensor in checkpoint.tensors["average"].items():
            self.average.tensors[name].copy_(tensor)
        self.replicas.follow()
        for number, optimizer in enumerate(self.optimizers):
            restore_optimizer(optimizer, checkpoint.tensors[f"optimizer{number}"])
        self.step, self.plan = int(checkpoint.meta["step"]), Plan(**checkpoint.meta["plan"])
