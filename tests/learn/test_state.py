"""Checkpoints, run folders and the proof of an export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sightline.core.errors import SightlineError
from sightline.learn import checkpoint as checkpoints
from sightline.learn.checkpoint import Checkpoint, optimizer_tensors, restore_optimizer
from sightline.learn.deploy import prove_parity
from sightline.learn.optimizer import make_optimizers
from sightline.learn.run_folder import RunFolder, name_for, new_run, process_age


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    tensors = {
        "network": {
            "a.weight": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last),
            "a.count": torch.tensor(3),
        },
        "optimizer0": {"0/step": torch.tensor(2.0)},
    }
    checkpoints.write(tmp_path / "c.safetensors", Checkpoint(tensors, {"step": 7, "history": [{"名": 1.5}]}))
    found = checkpoints.read(tmp_path / "c.safetensors")
    assert found.meta == {"step": 7, "history": [{"名": 1.5}]}
    assert found.tensors.keys() == tensors.keys()
    for group, named in tensors.items():
        assert found.tensors[group].keys() == named.keys()
        assert all(torch.equal(found.tensors[group][name], tensor) for name, tensor in named.items())
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


class ScaleFree(nn.Sequential):
    """A network that asks for Muon."""

    scale_free = True


@pytest.mark.parametrize("kind", [nn.Sequential, ScaleFree])
def test_a_restored_optimizer_takes_the_very_same_steps(kind: type[nn.Sequential], tmp_path: Path) -> None:
    def make() -> nn.Sequential:
        torch.manual_seed(0)
        network = kind(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 2))
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def step(network: nn.Sequential, optimizers: list[torch.optim.Optimizer], seed: int) -> None:
        images = torch.rand((4, 3, 8, 8), generator=torch.Generator().manual_seed(seed))
        loss = network(images.to(memory_format=torch.channels_last)).square().mean()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    first = make()
    ours = make_optimizers(first, 0.01)
    for seed in range(3):
        step(first, ours, seed)
    groups = {"network": dict(first.state_dict())} | {f"{i}": optimizer_tensors(o) for i, o in enumerate(ours)}
    checkpoints.write(tmp_path / "c", Checkpoint(groups))
    saved = checkpoints.read(tmp_path / "c").tensors
    second = make()
    theirs = make_optimizers(second, 0.01)
    second.load_state_dict(saved["network"])
    for i, optimizer in enumerate(theirs):
        restore_optimizer(optimizer, saved[f"{i}"])
    for seed in range(3, 6):
        step(first, ours, seed)
        step(second, theirs, seed)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_an_export_that_differs_is_an_error() -> None:
    def runner(offset: float):
        return lambda inputs: {"probabilities": inputs["image"].mean(axis=(1, 2, 3), keepdims=False) / 255 + offset}

    images = {"image": np.random.default_rng(0).integers(0, 256, (4, 5, 5, 1), dtype=np.uint8)}
    assert prove_parity(runner(0), runner(1e-6), images) == pytest.approx(1e-6, rel=0.1)
    for offset in (2e-4, float("nan")):
        with pytest.raises(SightlineError, match="the exported graph differs from the network"):
            prove_parity(runner(0), runner(offset), images)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("photos/", "photos"),
        ("/a/photos.tar.gz", "photos"),
        ("cats & dogs.zip", "cats---dogs"),
        ("猫", "猫"),
        ("/", "run"),
        ("...", "run"),
        ("labels.csv", "labels"),
        ("v1.2", "v1.2"),
        ("digits", "digits"),
    ],
)
def test_a_run_is_named_after_its_data(data: str, name: str) -> None:
    assert name_for(data) == name


def test_runs_take_the_next_free_name(here: Path) -> None:
    made = [new_run("cats", None, False, "a = 1\n").path for _ in range(3)]
    assert made == [Path("runs/cats"), Path("runs/cats-2"), Path("runs/cats-3")]
    assert RunFolder(made[2]).read_options() == {"a": 1}


def test_the_state_of_a_run_grows_by_merging(here: Path) -> None:
    run = new_run("cats", None, False, "")
    assert run.read_state() == {}
    run.write_state(plan={"steps": 3})
    run.write_state(status="done")
    assert run.read_state() == {"plan": {"steps": 3}, "status": "done"}
    run.write_metrics([{"epoch": 1}, {"epoch": 2}])
    assert [json.loads(line)["epoch"] for line in (run.path / "metrics.jsonl").read_text().splitlines()] == [1, 2]


def test_a_run_is_held_by_one_at_a_time(here: Path) -> None:
    run = new_run("cats", None, False, "")
    with run.locked(), pytest.raises(SightlineError, match="another training is writing into this run"), run.locked():
        pass
    with run.locked():
        assert run.path.exists(), "it is free again afterwards"


def test_a_process_knows_its_age() -> None:
    assert process_age() >= 0
