"""train --init and --weights: what a training takes over from the model that it starts from, and keeps when resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load
from stopping import KilledError, at_step, bits, die
from support import Result, save_image
from tiny import lines_of_text, write_lines

import sightline
from sightline.run.bundle import open_bundle

Cli = Callable[..., Result]
AUTO = ("--network", "auto", "--imgsz", 16, "--batch", 8, "--workers", 0)
STILL = ("--lr", "1e-12", "--augment", "none")
pytestmark = pytest.mark.usefixtures("quick_export")


def alike(first: str, second: str) -> bool:
    """Whether all filters and rows point the same way: the length of normalised ones means nothing, and changes."""
    old, new = (load(bits(run)) for run in (first, second))
    pairs = [(old[name].reshape(len(old[name]), -1), new[name]) for name in old if old[name].ndim > 1]
    return all(np.allclose(unit(a), unit(b.reshape(a.shape)), atol=1e-5) for a, b in pairs)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_bundle_is_tuned_within_a_time_in_its_own_size(cli: Cli, shapes: Path) -> None:
    first = Path("first/first.sightline")
    # As after a training with --time, its width is not the usual one.
    assert cli("train", shapes, *AUTO, "--epochs", 1, "--width", 20, "--out", "first").code == 0
    done = cli("train", shapes, *AUTO, *STILL, "--init", first, "--time", "0.01s", "--out", "second", "--json")
    assert done.code == 0, done.err
    assert open_bundle("second").spec.options["width"] == done.json["options"]["width"] == 20
    assert alike("first", "second")
    done = cli("train", shapes, *AUTO, "--init", first, "--width", 8, "--epochs", 1)
    assert done.code == 2 and "the weights belong to another network" in done.err, "what is typed wins"


def test_a_file_of_weights_is_tuned_within_a_time(cli: Cli, shapes: Path) -> None:
    assert cli("train", shapes, *AUTO, "--epochs", 1, "--out", "first").code == 0
    Path("w.safetensors").write_bytes(bits("first"))
    done = cli("train", shapes, *AUTO, *STILL, "--weights", "w.safetensors", "--time", "0.01s", "--out", "second")
    assert done.code == 0, done.err
    assert alike("first", "second")


def test_a_resumed_run_needs_the_bundle_no_more(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Path("first/first.sightline")
    assert cli("train", shapes, *AUTO, "--epochs", 1, "--width", 20, "--out", "first").code == 0
    options = (*AUTO, "--epochs", 3, "--init", first)
    assert cli("train", shapes, *options, "--out", "uninterrupted").code == 0
    at_step(monkeypatch, 7, die)
    with pytest.raises(KilledError):
        cli("train", shapes, *options, "--out", "run")
    first.unlink()
    done = cli("train", "--resume", "run")
    assert done.code == 0, done.err
    assert bits("run") == bits("uninterrupted")


def test_a_reader_goes_on_with_letters_of_the_size_that_its_weights_know(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new lines are cut higher, so that their ink spreads over less of their height."""
    for place, (pixels, text) in enumerate(zip(*lines_of_text(24), strict=True)):
        save_image(Path(f"data/{place:03d}.png"), np.pad(pixels, ((6, 6), (0, 0), (0, 0)), constant_values=230))
        Path(f"data/{place:03d}.gt.txt").write_text(text + "\n", encoding="utf-8")
    options = ("--network", "crnn", "--epochs", 3, "--batch", 8, "--workers", 0)
    first = Path("first/first.sightline")
    assert cli("train", write_lines(Path("lines"), 24), *options, "--imgsz", 16, "--out", "first").code == 0
    old = open_bundle(first)
    assert cli("train", "data", *options, "--imgsz", 16, "--out", "fresh").code == 0
    assert abs(open_bundle("fresh").spec.extra["spread"] - old.spec.extra["spread"]) > 0.02
    assert cli("train", "data", *options, "--init", first, "--out", "uninterrupted").code == 0
    assert open_bundle("uninterrupted").spec.extra["spread"] == old.spec.extra["spread"]
    assert open_bundle("uninterrupted").spec.inputs == old.spec.inputs, "lines of 16 px, though nobody asked for them"
    at_step(monkeypatch, 4, die)
    with pytest.raises(KilledError):
        cli("train", "data", *options, "--init", first, "--out", "run")
    first.unlink()
    assert cli("train", "--resume", "run").code == 0
    assert open_bundle("run").spec.extra["spread"] == old.spec.extra["spread"]
    assert bits("run") == bits("uninterrupted")


def test_layers_are_not_frozen_as_chance_made_them(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *AUTO, "--freeze", "--out", "run")
    assert done.code == 2 and "--freeze trains the last layer only" in done.err
    assert "--init BUNDLE, --weights FILE\n" in done.err and not Path("run").exists()
    done = cli("train", shapes, "--network", "timm/resnet18", "--freeze", "--out", "run")
    assert done.code == 2 and "--weights FILE, --pretrained\n" in done.err


def test_want_of_memory_while_training_is_told(shapes: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    at_step(monkeypatch, 0, lambda: torch.empty(10**15))
    with pytest.raises(sightline.SightlineError, match="not enough memory") as caught:
        sightline.train(str(shapes), network="cnn", imgsz=16, epochs=1, workers=0, out="run")
    assert "--batch" in caught.value.fix
    at_step(monkeypatch, 0, lambda: (_ for _ in ()).throw(RuntimeError("of another kind")))
    with pytest.raises(RuntimeError, match="of another kind"):
        sightline.train(str(shapes), network="cnn", imgsz=16, epochs=1, workers=0, out="second")
