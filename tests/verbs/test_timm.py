"""timm/NAME, with a stand-in for the library: it is optional, large, and may reach for the network."""

from __future__ import annotations

import os
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Result

Cli = Callable[..., Result]


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """A library of two models that notes how it is asked; published weights cannot be downloaded."""
    from torch import nn

    asked: list[dict[str, object]] = []

    class Tiny(nn.Sequential):
        feature_info = ({"module": "0"},)

    def create_model(name: str, **options: object) -> nn.Module:
        if "img_size" in options:
            raise TypeError("convolutional models take no img_size")
        asked.append({"name": name, **options})
        if options["pretrained"]:
            raise OSError("no network")
        layers = nn.Conv2d(int(options["in_chans"]), 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()  # type: ignore[call-overload]
        return Tiny(*layers, nn.Linear(4, int(options["num_classes"])))  # type: ignore[call-overload]

    library = types.ModuleType("timm")
    names = ["resnet18", "resnet34"]
    monkeypatch.setattr(library, "is_model", names.__contains__, raising=False)
    monkeypatch.setattr(library, "list_models", lambda: names, raising=False)
    monkeypatch.setattr(library, "create_model", create_model, raising=False)
    monkeypatch.setitem(sys.modules, "timm", library)
    return asked


def test_without_the_library_the_extra_is_named(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    done = cli("train", shapes, "--network", "timm/resnet18")
    assert done.code == 2 and "the network timm/resnet18 needs the package timm" in done.err
    assert "pip install 'sightline[timm]'" in done.err


def test_an_unknown_model_names_its_neighbours(cli: Cli, shapes: Path, timm: list[object]) -> None:
    done = cli("train", shapes, "--network", "timm/resnet81")
    assert done.code == 2 and "timm has no model 'resnet81'" in done.err and "timm/resnet18" in done.err


def test_published_weights_without_a_network_say_what_to_do(
    cli: Cli, shapes: Path, timm: list[dict[str, object]]
) -> None:
    done = cli("train", shapes, "--network", "timm/resnet18", "--pretrained")
    assert done.code == 2 and "the published weights of 'resnet18' cannot be downloaded" in done.err
    assert "--weights FILE.safetensors" in done.err and timm[0]["pretrained"] is True


@pytest.mark.usefixtures("quick_export")
def test_a_model_of_the_library_is_trained_without_any_download(
    cli: Cli, shapes: Path, timm: list[dict[str, object]]
) -> None:
    done = cli(
        "train", shapes, "network=timm/resnet18", "--imgsz", 16, "--epochs", 1, "--batch", 8, "--workers", 0, "--json"
    )
    assert done.code == 0, done.err
    assert {(row["in_chans"], row["num_classes"], row["pretrained"]) for row in timm} == {(3, 3, False)}


@pytest.mark.parametrize(("reachable", "proxied"), [(False, False), (True, False), (False, True)])
def test_the_hub_is_not_waited_for_where_it_cannot_be_reached(
    reachable: bool, proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.tasks.whole.networks import timm as module

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        assert address == ("huggingface.co", 443) and timeout <= 5
        if not reachable:
            raise TimeoutError("no route")
        return socket.socket()

    for name in ("HF_HUB_OFFLINE", "HF_ENDPOINT", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    if proxied:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("HF_HUB_OFFLINE", "")  # so that what the code sets is undone after the test
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(module.socket, "create_connection", connect)
    module._prefer_disk_where_offline()
    assert (os.environ.get("HF_HUB_OFFLINE") == "1") == (not reachable and not proxied)
