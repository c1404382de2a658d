"""timm/NAME as the backbone of a detector, with a stand-in for the library: it is optional and large."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support import Result
from tiny import write_boxed
from torch import Tensor, nn

import sightline
from sightline.core.errors import SightlineError
from sightline.learn.start import start_from_file
from sightline.tasks.detect.networks.timm import TimmDetector
from sightline.tasks.detect.options import BackboneOptions

WIDTHS = (8, 12, 16, 20, 24)


class Info:
    def __init__(self, places: tuple[int, ...], flat: bool) -> None:
        self.places, self.flat = places, flat

    def reduction(self) -> list[int]:
        return [16 if self.flat else 2 ** (place + 1) for place in self.places]

    def channels(self) -> list[int]:
        return [WIDTHS[place] for place in self.places]


class Backbone(nn.Module):
    """Five stages; like timm's, it names them `stages_0` …, and gives the maps of `places`."""

    def __init__(self, channels: int, places: tuple[int, ...], flat: bool) -> None:
        super().__init__()
        self.feature_info, self.places = Info(places, flat), places
        for place, width in enumerate(WIDTHS):
            layer = nn.Sequential(nn.Conv2d(channels, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
            self.add_module(f"stages_{place}", layer)
            channels = width

    def forward(self, images: Tensor) -> list[Tensor]:
        found = []
        for place in range(len(WIDTHS)):
            images = self.get_submodule(f"stages_{place}")(images)
            found.append(images)
        return [found[place] for place in self.places]


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    asked: list[dict[str, object]] = []

    def create_model(name: str, **options: object) -> nn.Module:
        asked.append({"name": name, **options})
        if name == "mlp":
            raise RuntimeError("features_only not implemented")
        places = options.get("out_indices", (0, 1, 2, 3, 4))
        return Backbone(options["in_chans"], places, name == "vit")  # type: ignore[arg-type]

    library = types.ModuleType("timm")
    names = ["resnet18", "vit", "mlp"]
    monkeypatch.setattr(library, "is_model", names.__contains__, raising=False)
    monkeypatch.setattr(library, "list_models", lambda: names, raising=False)
    monkeypatch.setattr(library, "create_model", create_model, raising=False)
    monkeypatch.setitem(sys.modules, "timm", library)
    return asked


def test_the_backbone_gives_its_maps_to_our_neck(timm: list[dict[str, object]]) -> None:
    network = TimmDetector("timm/resnet18", 3, 2, BackboneOptions()).eval()
    assert timm[-1]["out_indices"] == (2, 3, 4) and timm[-1]["features_only"] is True
    assert not any(row["pretrained"] for row in timm)
    raw = network(torch.zeros(2, 3, 64, 96))
    assert raw.shape == (2, 8 * 12 + 4 * 6 + 2 * 3, 2 + 64)
    assert network.cam_layer is network.reduce[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm/resnet81", "timm has no model 'resnet81'"),
        ("timm/vit", "have strides of 16, 16, 16, 16, 16, and a detector needs 8, 16 and 32"),
        ("timm/mlp", "cannot make a backbone of 'mlp'"),
    ],
)
@pytest.mark.usefixtures("timm")
def test_what_is_no_backbone_is_said(name: str, message: str) -> None:
    with pytest.raises(SightlineError, match=message) as caught:
        TimmDetector(name, 3, 2, BackboneOptions())
    assert "resnet18" in caught.value.fix


def test_without_the_library_the_extra_is_named(
    cli: Callable[..., Result], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    done = cli("train", write_boxed(here / "data", 12), "--network", "timm/resnet18")
    assert done.code == 2 and "pip install 'sightline[timm]'" in done.err


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize("others", [{}, {"head.weight": torch.zeros(9, 24), "head.bias": torch.zeros(9)}])
def test_a_file_of_a_classifier_fills_the_backbone(others: dict[str, Tensor], here: Path) -> None:
    body = Backbone(3, (0,), False)
    named = {name.replace("stages_", "stages."): torch.ones_like(t) for name, t in body.state_dict().items()}
    save_file({**named, **others}, here / "weights.safetensors")
    network = TimmDetector("timm/resnet18", 3, 2, BackboneOptions())
    assert start_from_file(network, here / "weights.safetensors") == len(named)
    assert all((tensor == 1).all() for name, tensor in network.body.state_dict().items())
    save_file({"conv.weight": torch.ones(3)}, here / "other.safetensors")
    with pytest.raises(SightlineError, match="the weights belong to another network: 0 of"):
        start_from_file(network, here / "other.safetensors")


@pytest.mark.usefixtures("timm")
def test_a_detector_over_it_is_trained_and_answers(here: Path) -> None:
    data = write_boxed(here / "data", 24)
    out = here / "run"
    model = sightline.train(str(data), network="timm/resnet18", epochs=1, batch=8, imgsz=32, workers=0, out=out)
    assert model.spec.network == "timm/resnet18"
    answer = model.predict(next((data / "JPEGImages").iterdir()))
    assert answer.names == model.spec.classes
