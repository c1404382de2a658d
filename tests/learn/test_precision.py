"""Mixed precision is used where the hardware multiplies it, and only there."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sightline.learn import precision
from sightline.learn.muon import orthogonal


@pytest.mark.parametrize("known", [{"avx512_bf16": True}, {"amx_bf16": True}])
def test_convolutions_run_in_bfloat16_where_the_processor_multiplies_it(
    known: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    with precision.mixed(torch.device("cpu")):
        assert nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 8, 8)).dtype == torch.bfloat16
    with precision.mixed(torch.device("cpu"), wanted=False):
        assert nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 8, 8)).dtype == torch.float32


def test_elsewhere_everything_stays_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    with precision.mixed(torch.device("cpu")):
        assert nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 8, 8)).dtype == torch.float32


def test_a_torch_that_cannot_say_what_the_processor_does_means_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not precision.multiplies_bfloat16(torch.device("cpu"))


def test_directions_in_bfloat16_are_orthogonal_too() -> None:
    torch.manual_seed(0)
    singular = torch.linalg.svdvals(orthogonal(torch.randn(16, 144).to(torch.bfloat16)).float())
    assert singular.min() > 0.5 and singular.max() < 1.3
