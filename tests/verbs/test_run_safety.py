"""What a run survives: kill -9, a full disk, a second training, a damaged checkpoint."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stopping import OPTIONS, KilledError, at_step, bits, die, killed
from support import Result, members, spawn

import sightline
from sightline.core.errors import SightlineError

Cli = Callable[..., Result]
quick = pytest.mark.usefixtures("quick_export")


@quick
def test_a_full_disk_is_a_clear_error_and_the_last_good_state_is_kept(
    cli: Cli, shapes: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = os.fsync, []

    def fsync(number: int) -> None:
        written.append(number)
        if len(written) > 9:
            raise OSError(28, "No space left on device")
        real(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        done = cli("train", shapes, *OPTIONS, "--out", "run")
    assert (done.code, done.out) == (2, "")
    assert "No space left on device" in done.err and "Traceback" not in done.err
    assert not list(Path("run").glob(".*.tmp")) and Path("run/checkpoint.safetensors").exists()
    assert cli("train", "--resume", "run").code == 0
    assert bits("run") == whole["model.safetensors"]


@quick
def test_a_run_is_not_lost_to_a_training_that_cannot_begin(cli: Cli, shapes: Path) -> None:
    first = cli("train", shapes, *OPTIONS, "--out", "run", "--json").json
    before = {path.name: path.read_bytes() for path in Path(first["run"]).iterdir() if path.is_file()}
    done = cli("train", shapes, *OPTIONS, "--out", "run", "--overwrite", "--init", "nowhere.sightline")
    assert done.code == 2
    assert {path.name: path.read_bytes() for path in Path(first["run"]).iterdir() if path.is_file()} == before


@quick
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(5, "Input/output error"), MemoryError])
def test_a_run_is_not_lost_to_one_that_ends_before_its_first_step(
    cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | type[BaseException]
) -> None:
    first = cli("train", shapes, *OPTIONS, "--out", "run", "--json").json
    before = {path.name: path.read_bytes() for path in Path(first["run"]).iterdir() if path.is_file()}

    def scan(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sightline.verbs.train.scan", scan)
    done = cli("train", shapes, *OPTIONS, "--seed", 5, "--out", "run", "--overwrite")
    assert done.code == (130 if error is KeyboardInterrupt else 2)
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before


@quick
def test_two_trainings_never_write_into_one_run(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    def another() -> None:
        for options in ({"resume": "run"}, {"out": "run", "overwrite": True, "network": "cnn"}):
            with pytest.raises(SightlineError) as caught:
                sightline.train(None if "resume" in options else str(shapes), **options)
            refused.append(caught.value.what)

    at_step(monkeypatch, 4, another)
    assert cli("train", shapes, *OPTIONS, "--out", "run").code == 0
    assert refused == ["another training is writing into this run"] * 2


@quick
def test_a_damaged_checkpoint_is_a_clear_error(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        at_step(patch, 7, die)
        with pytest.raises(KilledError):
            cli("train", shapes, *OPTIONS, "--out", "run")
    path = Path("run/checkpoint.safetensors")
    for data in (path.read_bytes()[:-100], b"", b"\x80\x04K\x01."):
        path.write_bytes(data)
        done = cli("train", "--resume", "run")
        assert done.code == 2 and "the checkpoint cannot be read" in done.err and "delete it" in done.err
    path.unlink()
    assert cli("train", "--resume", "run").code == 0


def test_killed_for_good_and_resumed_it_gives_the_very_same_bundle(cli: Cli, shapes: Path, here: Path) -> None:
    assert cli("train", shapes, *OPTIONS, "--epochs", 40, "--out", "uninterrupted").code == 0
    code = killed(shapes, here, (here / "run" / "checkpoint.safetensors").exists)
    assert code == -signal.SIGKILL, "the training ended before it could be killed"
    assert not Path("run/run.sightline").exists()
    assert cli("train", "--resume", "run").code == 0
    ours, theirs = members(Path("run/run.sightline")), members(Path("uninterrupted/uninterrupted.sightline"))
    assert ours["model.safetensors"] == theirs["model.safetensors"]
    assert ours["model.onnx"] == theirs["model.onnx"]
    assert ours["spec.json"] == theirs["spec.json"]


@pytest.mark.slow
def test_killed_at_twenty_random_moments_it_always_ends_with_the_same_bundle(shapes: Path, here: Path) -> None:
    threads = {"OMP_NUM_THREADS": "2"}
    begun = time.monotonic()
    assert spawn("train", shapes, *OPTIONS, "--epochs", 40, "--out", "uninterrupted", cwd=here, **threads).code == 0
    lasted = time.monotonic() - begun
    theirs = members(Path("uninterrupted/uninterrupted.sightline"))
    chance = random.Random(0)
    for _ in range(20):
        shutil.rmtree("run", ignore_errors=True)
        end = time.monotonic() + chance.uniform(0.02, 1.0) * lasted
        killed(shapes, here, lambda end=end: time.monotonic() > end, **threads)
        if not Path("run/options.toml").exists():
            continue
        done = spawn("train", "--resume", "run", cwd=here, **threads)
        assert done.code == 0, done.err
        ours = members(Path("run/run.sightline"))
        assert all(ours[name] == theirs[name] for name in ("model.safetensors", "model.onnx", "spec.json"))
