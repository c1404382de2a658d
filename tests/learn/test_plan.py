"""The plan, the learning rate's way and the average of the weights."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sightline.learn import plan as planning
from sightline.learn.optimizer import Average, default_lr, learning_rate, make_optimizers, set_learning_rate
from sightline.learn.plan import (
    SMALL_SHARE,
    Budget,
    Pace,
    Plan,
    default_batch,
    default_epochs,
    fit_to_time,
    make_plan,
    small_side,
)


@given(count=st.integers(1, 10**6), epochs=st.none() | st.integers(1, 500), share=st.floats(0, 1))
def test_a_plan_adds_up(count: int, epochs: int | None, share: float) -> None:
    batch = max(1, int(share * count))
    plan = make_plan(count, batch, epochs, 0.1, 0)
    assert plan.steps == plan.per_epoch * plan.epochs and plan.per_epoch * batch <= max(count, batch)
    assert plan.epochs == (epochs or default_epochs(count))
    assert Plan(**json.loads(json.dumps(plan.to_json()))) == plan


@given(st.integers(1, 10**7))
def test_the_defaults_suit_any_number_of_images(count: int) -> None:
    batch, epochs = default_batch(count), default_epochs(count)
    assert 1 <= batch <= count and epochs >= 1
    assert default_batch(count + 1) >= batch and default_epochs(count + 1) <= epochs


@given(st.floats(1e-5, 10), st.floats(0, 100), st.floats(-50, 10**5), st.floats(0, 1000), st.sampled_from([0, 24]))
def test_more_time_never_means_fewer_steps(
    per_step: float, evaluation: float, seconds: float, more: float, small: int
) -> None:
    plan, pace = make_plan(1000, 20, 10, 0.1, small), Pace(per_step / 2, per_step, evaluation, 0)
    short, long = fit_to_time(plan, pace, seconds), fit_to_time(plan, pace, seconds + more)
    assert 1 <= short.steps <= long.steps <= 400 * plan.per_epoch
    assert short.small_steps <= SMALL_SHARE * short.steps
    assert (short.per_epoch, short.batch, short.lr) == (plan.per_epoch, plan.batch, plan.lr)


@pytest.mark.parametrize("small", [0, 24])
def test_a_fitted_plan_takes_the_time_it_was_given(small: int) -> None:
    pace = Pace(0.05, 0.1 if small else 0.05, 2.0, 5.0)
    plan = fit_to_time(make_plan(10_000, 100, 5, 0.1, small), pace, 600.0)
    assert pace.seconds(plan, 0, plan.steps) == pytest.approx(600, rel=0.01)


@pytest.mark.parametrize("small", [0, 24])
@pytest.mark.parametrize("slower", [0.5, 1.0, 1.7, 3.0])
def test_a_machine_that_changes_its_speed_still_ends_in_time(
    small: int, slower: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(planning.time, "monotonic", lambda: clock[0])
    pace = Pace(0.05, 0.1 if small else 0.05, 2.0, 5.0)
    plan = fit_to_time(make_plan(10_000, 100, 5, 0.1, small), pace, 595.0)
    budget, step, planned = Budget(600.0, pace), 0, plan.steps
    while step < plan.steps and not budget.is_over():
        done = min(step + 100, plan.steps)
        clock[0] += slower * pace.seconds(plan, step, done)
        plan, step = budget.fitted(plan, done), done
    assert 0.95 * 600 < clock[0] + 5 * slower < 1.05 * 600
    assert step == plan.steps, "the learning rate came to its end"
    assert (abs(plan.steps - planned) < 0.01 * planned) == (slower == 1.0)


@given(st.integers(1, 5000), st.floats(1e-6, 10), st.one_of(st.just(math.inf), st.integers(1, 600)))
def test_the_learning_rate_rises_and_falls_within_its_bound(steps: int, highest: float, warmup: float) -> None:
    rates = [learning_rate(step, steps, highest, warmup) for step in range(0, steps, max(1, steps // 50))]
    assert all(0 < rate <= highest * (1 + 1e-9) for rate in rates)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1]) and rates[peak:] == sorted(rates[peak:], reverse=True)
    assert peak <= len(rates) / 2
    assert learning_rate(steps - 1, steps, highest, warmup) <= learning_rate(steps // 2, steps, highest, warmup)


def test_a_network_may_ask_for_a_shorter_warmup() -> None:
    assert learning_rate(150, 10_000, 1.0, 150) == 1.0 > learning_rate(150, 10_000, 1.0)
    assert learning_rate(20, 100, 1.0, 150) == learning_rate(20, 100, 1.0), "never longer than a tenth"


class ScaleFree(nn.Sequential):
    """A network that asks for Muon."""

    scale_free = True


@pytest.mark.parametrize("kind", [nn.Sequential, ScaleFree])
def test_the_optimizers_train_every_parameter_once_and_no_frozen_one(kind: type[nn.Sequential]) -> None:
    network = kind(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 2))
    for parameter in network[0].parameters():
        parameter.requires_grad_(False)
    optimizers = make_optimizers(network, default_lr(network, 32))
    trained = [id(p) for o in optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(trained) == sorted(id(p) for p in network.parameters() if p.requires_grad)
    set_learning_rate(optimizers, 0.5)
    for optimizer in optimizers:
        assert all(group["lr"] == 0.5 * group.get("scale", 1.0) for group in optimizer.param_groups)


def test_only_the_last_layer_may_be_left_to_train() -> None:
    network = ScaleFree(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 2))
    for parameter in list(network.parameters())[:-2]:
        parameter.requires_grad_(False)
    assert [len(g["params"]) for o in make_optimizers(network, 0.1) for g in o.param_groups] == [1, 1]


def test_the_average_follows_the_network_and_counts_are_copied() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = Average(network, steps=1000)
    for step in range(40):
        with torch.no_grad():
            network[0].weight.fill_(float(step >= 20))
            network[1].num_batches_tracked.fill_(step)
        average.update(step)
        if step == 0:
            assert torch.equal(average.tensors["0.weight"], network[0].weight), "the first step counts whole"
    assert 0.5 < float(average.tensors["0.weight"].mean()) < 1
    assert int(average.tensors["1.num_batches_tracked"]) == 39
    assert set(average.tensors) == set(network.state_dict())


def test_small_images_come_only_where_they_pay() -> None:
    assert small_side(224, False) == 0 and small_side(16, True) == 0
    assert 0 < small_side(32, True) < 32 and small_side(224, True) % 4 == 0
