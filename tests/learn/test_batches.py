"""What is in a batch depends on seed, epoch and step alone."""

from __future__ import annotations

import numpy as np
import torch

from sightline.learn.batches import Batches, keyed

CPU = torch.device("cpu")


def batches(count: int = 20, size: int = 6, seed: int = 0) -> Batches:
    """Images whose value is their row's number, of which every second row is ours."""
    images = np.arange(2 * count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    return Batches({"image": images}, np.arange(count) * 2, {"label": np.arange(count)}, size, seed)


def test_keys_are_stable_across_processes_and_differ() -> None:
    assert keyed(0, "order", 1) == keyed(0, "order", 1) != keyed(0, "order", 2)
    assert keyed(1, "order", 1) not in (keyed("1", "order", 1), keyed(0, "order", 1))
    assert all(0 <= keyed("x", i) < 2**63 for i in range(50))
    assert keyed("sightline", 0) == 4122975788245101913, "a run of an older version could not be resumed to the bit"


def test_an_epoch_sees_every_example_at_most_once_and_in_its_own_order() -> None:
    ours = batches()
    assert (ours.count, ours.per_epoch) == (20, 3)
    orders = [ours.order(epoch) for epoch in range(3)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert not np.array_equal(orders[0], orders[1])
    assert np.array_equal(orders[1], batches().order(1))
    assert not np.array_equal(orders[1], batches(seed=1).order(1))


def test_inputs_and_targets_stay_together() -> None:
    ours = batches()
    inputs, targets = ours.batch(ours.order(4)[:6], CPU)
    assert inputs["image"].shape == (6, 2, 2, 1) and inputs["image"].dtype == torch.uint8
    assert torch.equal(inputs["image"][:, 0, 0, 0].long(), targets["label"] * 2)


def test_fewer_examples_than_a_batch_still_make_a_step() -> None:
    assert batches(count=3, size=8).per_epoch == 1


def test_an_example_is_mirrored_in_every_second_epoch() -> None:
    ours = batches()
    every = np.arange(20)
    first, second, third = (ours.mirrored(epoch, every) for epoch in range(3))
    assert first.dtype == torch.bool and 0 < int(first.sum()) < 20
    assert torch.equal(first, ~second) and torch.equal(first, third)
