"""Uneven data: the rule, the weights, the draws; in the loss and in the batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sightline.learn.augment import Policy
from sightline.learn.balance import choose, drawn, importance
from sightline.learn.batches import Batches


def kinds(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def batches(often: np.ndarray | None, count: int, seed: int = 0) -> Batches:
    images = {"image": np.zeros((count, 2, 2, 1), np.uint8)}
    return Batches(images, np.arange(count), {"label": np.zeros(count, np.int64)}, 8, seed, often)


@pytest.mark.parametrize(
    ("asked", "counts", "way", "why"),
    [
        ("auto", (120, 10), "sampler", "classes are uneven 12:1: rare ones are drawn more often"),
        ("auto", (30, 10), "sampler", "classes are uneven 3:1: rare ones are drawn more often"),
        ("auto", (29, 10), "none", "classes are uneven 2.9:1: left as they are"),
        ("auto", (10, 10, 10), "none", "classes are about even: left as they are"),
        ("weights", (50, 10), "weights", "classes are uneven 5:1: rare ones count for more in the loss"),
        ("sampler", (50, 10), "sampler", "classes are uneven 5:1: rare ones are drawn more often"),
        ("none", (500, 10), "none", "classes are uneven 50:1: left as they are"),
    ],
)
def test_the_rule_and_what_it_says(asked: str, counts: tuple[int, ...], way: str, why: str) -> None:
    found = choose(asked, kinds(*counts))
    assert found.to_json() == {"way": way, "why": why}


def test_a_kind_that_is_rarer_counts_for_more_and_the_mean_is_one() -> None:
    weights = importance(kinds(64, 16, 4))
    assert weights.dtype == np.float32 and weights.mean() == pytest.approx(1)
    assert weights[64] / weights[0] == pytest.approx(2) and weights[80] / weights[0] == pytest.approx(4)
    full = importance(kinds(64, 16, 4), power=1.0)
    assert [full[:64].sum(), full[64:80].sum(), full[80:].sum()] == pytest.approx([28] * 3, rel=1e-5)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 3))
def test_each_is_drawn_as_often_as_said_to_within_one(counts: list[int], seed: int) -> None:
    often = importance(kinds(*counts))
    found = drawn(often, generator(seed))
    assert len(found) == sum(counts)
    times = np.bincount(found, minlength=sum(counts))
    assert (np.abs(times - often) < 1 + 1e-3).all()


def test_over_epochs_all_are_drawn_and_the_mean_is_as_said() -> None:
    often = importance(kinds(90, 10))
    times = np.mean([np.bincount(drawn(often, generator(i)), minlength=100) for i in range(400)], axis=0)
    assert times.min() > 0 and times[90:].mean() == pytest.approx(often[95], rel=0.05)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    often = importance(kinds(30, 10))
    order = batches(often, 40).order(3)
    assert np.array_equal(order, batches(often, 40).order(3))
    assert not np.array_equal(order, batches(often, 40).order(4))
    assert not np.array_equal(order, batches(often, 40, seed=1).order(3))
    assert sorted(batches(None, 40).order(3)) == list(range(40))


def test_weights_are_mixed_as_labels_are() -> None:
    inputs = {"image": torch.rand(8, 1, 4, 4)}
    targets = {"label": torch.arange(8), "weight": torch.arange(8).float()}
    _, mixed = Policy(mix=1.0)(inputs, targets, torch.Generator().manual_seed(0))
    assert torch.equal(mixed["mixed_weight"], mixed["mixed_label"].float())
    _, plain = Policy(mix=1.0)(inputs, {"label": torch.arange(8)}, torch.Generator().manual_seed(0))
    assert "mixed_weight" not in plain and torch.equal(plain["mixed_label"], mixed["mixed_label"])


def test_of_several_kinds_the_rarest_counts():
    held = np.zeros((100, 3), bool)
    held[:, 0], held[:25, 1], held[:4, 2] = True, True, True
    held[-1] = False
    weights = importance(held)
    assert np.isclose(weights.mean(), 1) and weights[0] > weights[10] > weights[50] == weights[-1]
    assert np.isclose(weights[0] / weights[10], (25 / 4) ** 0.5)
    assert choose("auto", held).way == "sampler" and "25:1" in choose("auto", held).why


def test_even_labels_that_come_together_are_left_alone():
    held = np.zeros((300, 3), bool)
    held[:150, 0], held[100:253, 1], held[134:, 2] = True, True, True
    assert choose("auto", held).way == "none" and "about even" in choose("auto", held).why


def test_one_kind_cannot_be_balanced():
    assert choose("weights", np.zeros(9, np.int64)).way == "none"
