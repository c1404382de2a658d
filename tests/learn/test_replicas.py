"""Networks that learn in parts of a batch: the same gradients, the same weights, whichever thread is faster."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from sightline.learn import machine
from sightline.learn.replicas import Replicas, in_threads, replicas_for


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))


def gradients(count: int, norm: bool = False) -> tuple[float, list[torch.Tensor], list[torch.Tensor]]:
    ours = (
        network() if norm else nn.Sequential(*(layer for layer in network() if not isinstance(layer, nn.BatchNorm1d)))
    )
    images, labels = torch.randn(12, 5, generator=torch.Generator().manual_seed(1)), torch.arange(12) % 3

    def work(_number: int, one: nn.Module, part: torch.Tensor) -> torch.Tensor:
        loss = functional.cross_entropy(one(images[part]), labels[part]) * len(part) / 12
        loss.backward()
        return loss.detach()

    replicas = Replicas(ours, count)
    total = replicas.sum(work, list(torch.arange(12).chunk(4)))
    assert all(p.grad is None for other in replicas.networks[1:] for p in other.parameters())
    return float(total), [p.grad for p in ours.parameters() if p.grad is not None], list(ours.buffers())


def test_parts_in_threads_give_the_gradients_of_the_whole() -> None:
    loss, alone, _ = gradients(1)
    for count in (2, 3, 4):
        other, together, _ = gradients(count)
        assert other == pytest.approx(loss, rel=1e-6)
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(alone, together, strict=True))


def test_the_same_again_to_the_last_bit_with_batch_norm_too() -> None:
    first, second = gradients(3, norm=True), gradients(3, norm=True)
    assert first[0] == second[0]
    for one, other in zip(first[1:], second[1:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_copies_share_their_weights_and_follow_the_statistics() -> None:
    ours = network()
    replicas = Replicas(ours, 2)
    with torch.no_grad():
        ours[0].weight.add_(1.0)
        ours[1].running_mean.fill_(7.0)
    replicas.follow()
    other = replicas.networks[1]
    assert torch.equal(other[0].weight, ours[0].weight)  # type: ignore[index]
    assert torch.equal(other[1].running_mean, ours[1].running_mean)  # type: ignore[index]


def test_only_networks_that_say_so_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert machine.processors() == 4
    ours = network()
    assert len(replicas_for(ours, torch.device("cpu"), 64)) == 1
    ours.least_part = 16  # type: ignore[assignment]
    assert [len(replicas_for(ours, torch.device("cpu"), size)) for size in (8, 16, 32, 64, 1024)] == [1, 1, 2, 4, 4]
    assert len(replicas_for(ours, torch.device("meta"), 64)) == 1


def test_threads_keep_the_order_and_pass_errors_on() -> None:
    assert in_threads(lambda x: x * x, range(7), 3) == [x * x for x in range(7)]
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda x: 1 // x, [1, 0], 2)
