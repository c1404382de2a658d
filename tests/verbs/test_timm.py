"""timm/NAME, with a stand-in for the library: it is optional, large, and may reach for the network."""

from __future__ import annotations

import os
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load
from stopping import KilledError, at_step, bits, die
from support import Result, write_folder

from sightline.run.bundle import open_bundle
from sightline.verbs.common import task_named

Cli = Callable[..., Result]
TINY = ("network=timm/resnet18", "--imgsz", 16, "--epochs", 1, "--batch", 8, "--workers", 0)


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """A library of two models that notes how it is asked; published weights, all ones, can be had of one."""
    from torch import Tensor, nn

    asked: list[dict[str, object]] = []

    class Tiny(nn.Module):
        feature_info = ({"module": "conv"},)

        def __init__(self, channels: int, classes: int) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(channels, 4, 5), nn.Linear(4, classes)

        def get_classifier(self) -> nn.Module:
            return self.fc

        def forward(self, images: Tensor) -> Tensor:
            return self.fc(self.conv(images).mean((2, 3)))

    def create_model(name: str, **options: object) -> nn.Module:
        if "img_size" in options:
            raise TypeError("convolutional models take no img_size")
        asked.append({"name": name, **options})
        model = Tiny(int(options["in_chans"]), int(options["num_classes"]))  # type: ignore[call-overload]
        if options["pretrained"]:
            if name != "resnet34":
                raise OSError("no network")
            nn.init.ones_(model.conv.weight)
        return model

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
    done = cli("train", shapes, *TINY, "--json")
    assert done.code == 0, done.err
    assert {(row["in_chans"], row["num_classes"], row["pretrained"]) for row in timm} == {(3, 3, False)}


@pytest.mark.usefixtures("quick_export")
def test_published_weights_are_fetched_to_begin_with_and_never_again(
    cli: Cli, shapes: Path, timm: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.explain.weights import open_network
    from sightline.learn.teacher import Teacher, torch

    options = (*TINY[1:], "--network", "timm/resnet34", "--pretrained", "--freeze", "--epochs", 3)
    at_step(monkeypatch, 5, die)
    monkeypatch.setattr("sightline.verbs.training.SAVE_EVERY", 0.0)
    with pytest.raises(KilledError):
        cli("train", shapes, *options, "--out", "run")
    assert any(row["pretrained"] for row in timm)
    timm.clear()
    done = cli("train", "--resume", "run", "--json")
    assert done.code == 0, done.err
    bundle, task = open_bundle("run"), task_named("classify")
    assert done.json["options"]["pretrained"] is True and bundle.spec.options["pretrained"] is False
    network = open_network(bundle, task)
    Teacher(bundle.path, task.learner(), bundle.spec, torch.device("cpu"))
    assert (network.state_dict()["body.conv.weight"] == 1).all() and timm
    assert not any(row["pretrained"] for row in timm)


@pytest.mark.usefixtures("quick_export", "timm")
def test_a_last_layer_of_any_name_takes_the_rows_of_the_same_classes(cli: Cli, shapes: Path) -> None:
    assert cli("train", shapes, *TINY, "--out", "first").code == 0
    write_folder(Path("data"))
    Path("data/circle").rename("data/ring")  # cross, ring, square: one is new, and the others have other places
    still = ("--init", "first", "--lr", "1e-12", "--augment", "none", "--out", "second", "--seed", 5)
    assert cli("train", "data", *TINY, *still).code == 0
    assert open_bundle("second").spec.classes == ("cross", "ring", "square")
    old, new = (load(bits(run)) for run in ("first", "second"))
    for name in ("body.fc.weight", "body.fc.bias"):
        assert np.allclose(new[name][[0, 2]], old[name][[1, 2]], atol=1e-6)
        assert not np.allclose(new[name][1], old[name][0], atol=1e-3), "the new class begins anew"
    assert np.allclose(new["body.conv.weight"], old["body.conv.weight"], atol=1e-6)


@pytest.mark.usefixtures("timm")
def test_images_that_a_model_cannot_take_are_told_before_the_first_step(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *TINY, "--imgsz", 4, "--out", "run")
    assert done.code == 2 and "timm/resnet18 cannot take images of 4 x 4 px (" in done.err
    assert "use a larger --imgsz, such as 224" in done.err and not Path("run").exists()


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
