"""The loop: stopped and restored at any step it goes on as if nothing had been, and chance is new at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sightline.core.errors import SightlineError
from sightline.core.spec import Input, Spec
from sightline.learn import checkpoint as checkpoints
from sightline.learn import loop
from sightline.learn.augment import Policy, choose
from sightline.learn.batches import Batches
from sightline.learn.loop import Moment, Trainer
from sightline.learn.plan import Plan

SPEC = Spec("classify", "cnn", ("a", "b"), {"image": Input("uint8", (8, 8, 1))}, (127.0,), (64.0,))
NOTHING = Policy()
PLAN = Plan(steps=10, per_epoch=4, batch=5, lr=0.01)


class Learner:
    """A task whose network draws chances of its own."""

    def network(self, spec: Spec) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8 * 36, 2))

    def loss(self, network: nn.Module, inputs: Any, targets: Any, spec: Spec) -> dict[str, torch.Tensor]:
        return {"loss": functional.cross_entropy(network(inputs["image"]), targets["label"])}


def batches(seed: int = 0) -> Batches:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    return Batches({"image": images}, np.arange(20), {"label": np.arange(20) % 2}, PLAN.batch, seed)


def trainer() -> Trainer:
    return Trainer(Learner(), Learner().network(SPEC), SPEC, PLAN, torch.device("cpu"))  # type: ignore[arg-type]


def run(ours: Trainer, until: int = PLAN.steps, policy: Policy = NOTHING, seed: int = 0) -> list[Moment]:
    found: list[Moment] = []
    for moment in ours.fit(batches(seed), policy, pause=0.0):
        found.append(moment)
        if moment.step >= until:
            break
    return found


def test_it_tells_each_epochs_end_and_ends_with_the_plan() -> None:
    found = run(trainer())
    assert [(m.epoch, m.step, m.finished) for m in found] == [(1, 4, True), (2, 8, True), (3, 10, True)]
    assert all(np.isfinite(moment.loss) for moment in found)


def test_within_an_epoch_it_tells_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOOK_EVERY", 1)
    steps = [moment.step for moment in run(trainer()) if not moment.finished]
    assert steps == [1, 2, 3, 5, 6, 7, 9]


@pytest.mark.parametrize("stop", [1, 3, 4, 6, 9])
def test_saved_and_restored_it_takes_the_very_same_steps(
    stop: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loop, "LOOK_EVERY", 1)
    policy = choose("strong", 1)
    whole, first, second = trainer(), trainer(), trainer()
    run(whole, policy=policy)
    run(first, until=stop, policy=policy)
    assert first.step == stop
    checkpoints.write(tmp_path / "c", first.save())
    torch.manual_seed(12345)  # what another process would have drawn
    second.restore(checkpoints.read(tmp_path / "c"))
    run(second, policy=policy)
    for theirs, ours in (
        (whole.network.state_dict(), second.network.state_dict()),
        (whole.average.tensors, second.average.tensors),
    ):
        assert theirs.keys() == ours.keys() and all(torch.equal(theirs[name], ours[name]) for name in theirs)


def test_chance_is_new_at_every_step_and_follows_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = Policy.__call__

    def spied(self: Policy, inputs: Any, targets: Any, generator: torch.Generator, *rest: Any) -> Any:
        seen.append(generator.initial_seed())
        return real(self, inputs, targets, generator, *rest)

    monkeypatch.setattr(Policy, "__call__", spied)
    for seed in (0, 0, 1):
        run(trainer(), policy=choose("light", 1), seed=seed)
    first, again, other = seen[:10], seen[10:20], seen[20:]
    assert first == again and len({*first, *other}) == 20


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    ours = trainer()
    with torch.no_grad():
        ours.network[0].weight.fill_(float("nan"))  # type: ignore[index,union-attr]
    with pytest.raises(SightlineError, match="the loss is no longer a finite number") as caught:
        run(ours)
    assert "--lr 0.002" in caught.value.fix
