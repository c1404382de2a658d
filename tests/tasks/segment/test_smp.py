"""smp/ARCH/ENCODER, with a stand-in for the library: it is optional and large."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Result
from tiny import write_masked
from torch import Tensor, nn


class Pan(nn.Module):
    """Like the library's, it shrinks its maps until nothing is left of small images."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.decoder, self.segmentation_head = nn.MaxPool2d(64), nn.Conv2d(channels, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.interpolate(self.segmentation_head(self.decoder(images)), images.shape[2:])


def test_images_that_a_network_cannot_take_are_told_before_the_first_step(
    cli: Callable[..., Result], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create_model(name: str, encoder: str, weights: str | None, in_channels: int, classes: int) -> nn.Module:
        return Pan(in_channels, classes)

    library = types.ModuleType("segmentation_models_pytorch")
    made: dict[str, object] = {
        "MODEL_ARCHITECTURES_MAPPING": {"pan": Pan},
        "encoders": types.SimpleNamespace(encoders={"resnet18": {}}),
        "create_model": create_model,
    }
    for name, value in made.items():
        monkeypatch.setattr(library, name, value, raising=False)
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", library)
    done = cli("train", write_masked(here / "data", 12), "--network", "smp/pan/resnet18", "--out", "run")
    assert done.code == 2 and "smp/pan/resnet18 cannot take images of 32 x 32 px (" in done.err
    assert "use a larger --imgsz, such as 224" in done.err and not Path("run").exists()
