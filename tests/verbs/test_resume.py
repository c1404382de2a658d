"""Stopped at any moment and resumed with nothing but `--resume RUN`, a training ends with the very same weights."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Result, command, environment, members, spawn

import sightline
from sightline.core.errors import SightlineError

Cli = Callable[..., Result]
OPTIONS = (
    "--network",
    "cnn",
    "--imgsz",
    16,
    "--batch",
    8,
    "--epochs",
    6,
    "--augment",
    "strong",
    "--seed",
    2,
    "--workers",
    0,
)
STEPS = 18
quick = pytest.mark.usefixtures("quick_export")


class KilledError(BaseException):
    """Stands for the end of the process: nothing in the package catches it."""


@pytest.fixture(scope="session")
def whole(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The members of the bundle that an uninterrupted training gives."""
    from sightline.cli import main

    out = tmp_path_factory.mktemp("whole") / "run"
    assert main([str(a) for a in ("train", shapes, *OPTIONS, "--out", out, "--progress", "none")]) == 0
    return members(out / "run.sightline")


def bits(run: str | Path) -> bytes:
    return members(Path(run) / f"{Path(run).name}.sightline")["model.safetensors"]


def at_step(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], object]) -> None:
    """Does something in the middle of a training, before the step of that number, once."""
    from sightline.learn.loop import Trainer

    real, done = Trainer.train_step, []

    def step(self: Trainer, *arguments: object) -> object:
        if self.step == number and not done:
            done.append(True)
            act()
        return real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "train_step", step)


def die() -> None:
    raise KilledError


@quick
@pytest.mark.parametrize("step", [0, 1, 3, 4, 8, 15, 17])
@pytest.mark.parametrize("network", ["cnn", "auto"])
def test_stopped_at_any_step_it_ends_with_the_same_weights(
    cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch, step: int, network: str
) -> None:
    from sightline.learn import loop
    from sightline.verbs import training

    options = (*OPTIONS, "--network", network)
    assert cli("train", shapes, *options, "--out", "uninterrupted").code == 0
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)  # a checkpoint within an epoch too
    monkeypatch.setattr(loop, "LOOK_EVERY", 2)
    at_step(monkeypatch, step, die)
    with pytest.raises(KilledError):
        cli("train", shapes, *options, "--out", "run")
    assert cli("train", "--resume", "run").code == 0
    assert bits("run") == bits("uninterrupted")
    rows = [json.loads(line)["epoch"] for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert rows == [1, 2, 3, 4, 5, 6]


@quick
@pytest.mark.parametrize("moment", range(2, 23, 3))
def test_stopped_while_it_writes_it_ends_with_the_same_weights(
    cli: Cli, shapes: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    real, renamed = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        renamed.append(target)
        if len(renamed) == moment:
            raise KilledError
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        try:
            cli("train", shapes, *OPTIONS, "--out", "run")
        except KilledError:
            assert len(renamed) == moment
    assert cli("train", "--resume", "run").code == 0
    assert bits("run") == whole["model.safetensors"]
    assert not [path for path in Path("run").iterdir() if path.name.endswith(".tmp")]


@quick
def test_stopped_before_the_first_checkpoint_it_starts_anew_from_its_options(
    cli: Cli, shapes: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.verbs.training import Training

    with monkeypatch.context() as patch:
        patch.setattr(Training, "__init__", lambda *_: die())
        with pytest.raises(KilledError):
            cli("train", shapes, *OPTIONS, "--out", "run")
    assert not list(Path("run").glob("*.safetensors"))
    assert cli("train", "resume=run").code == 0
    assert bits("run") == whole["model.safetensors"]


@quick
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_the_best_and_can_be_resumed_to_the_same_weights(
    cli: Cli, shapes: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    at_step(monkeypatch, 10, lambda: os.kill(os.getpid(), number))
    done = cli("train", shapes, *OPTIONS, "--out", "run")
    assert done.code == 130
    assert "stopped early; the best so far is kept. To go on: sightline train --resume run" in done.out
    card = sightline.load("run").card
    assert card["interrupted"] is True and card["best"]["epoch"] <= 3
    done = cli("train", "--resume", "run", "--json")
    assert done.code == 0 and done.json["interrupted"] is False
    assert bits("run") == whole["model.safetensors"]


@quick
def test_ctrl_c_before_there_is_anything_to_keep_says_so(
    cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_step(monkeypatch, 1, lambda: os.kill(os.getpid(), signal.SIGINT))
    done = cli("train", shapes, *OPTIONS, "--out", "run")
    assert done.code == 130 and "sightline train --resume run" in done.err
    assert not Path("run/run.sightline").exists()


@quick
def test_a_finished_run_resumed_says_so_and_does_nothing(cli: Cli, shapes: Path) -> None:
    shutil.copytree(shapes, "data")
    assert cli("train", "data", *OPTIONS, "--out", "run").code == 0
    before = {path: path.read_bytes() for path in Path("run").iterdir()}
    done = cli("train", "--resume", "run")
    assert done.code == 0 and "this run is finished" in done.err and "run/run.sightline" in done.out
    shutil.rmtree("data")
    done = cli("train", "--resume", "run", "--json")
    assert done.code == 0 and done.json["interrupted"] is False, "its data may be gone by then"
    assert {path: path.read_bytes() for path in Path("run").iterdir()} == before


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
def test_a_run_goes_on_only_with_the_data_it_began_with(
    cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(shapes, "data")
    with monkeypatch.context() as patch:
        at_step(patch, 7, die)
        with pytest.raises(KilledError):
            cli("train", "data", *OPTIONS, "--out", "run")
    shutil.copy("data/cross/001.png", "data/cross/more.png")
    done = cli("train", "--resume", "run")
    assert done.code == 2 and "the data has changed since this run began" in done.err
    Path("data/cross/more.png").unlink()
    assert cli("train", "--resume", "run").code == 0


@quick
def test_a_run_can_be_resumed_from_another_folder(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(shapes, "data")
    assert cli("train", "data", *OPTIONS, "--out", "first").code == 0
    options = (*OPTIONS, "--init", "first/first.sightline")
    assert cli("train", "data", *options, "--out", "uninterrupted").code == 0
    with monkeypatch.context() as patch:
        at_step(patch, 7, die)
        with pytest.raises(KilledError):
            cli("train", "data", *options, "--out", "run")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    done = cli("train", "--resume", "../run")
    assert done.code == 0, done.err
    assert bits("../run") == bits("../uninterrupted")


def test_resume_takes_nothing_else_and_only_runs(cli: Cli, shapes: Path) -> None:
    Path("empty").mkdir()
    assert "this is no run folder" in cli("train", "--resume", "empty").err
    assert "this is no run folder" in cli("train", "--resume", "nowhere").err
    Path("run").mkdir()
    Path("run/options.toml").write_text(f'data = "{shapes}"\nnetwork = "cnn"\n')
    done = cli("train", "--resume", "run", "--epochs", 3)
    assert done.code == 2 and "so --epochs cannot be given" in done.err
    Path("run/state.json").write_text("{")
    assert "the run's state cannot be read" in cli("train", "--resume", "run").err
    Path("run/options.toml").write_text("data = = 3")
    assert "the run's options cannot be read" in cli("train", "--resume", "run").err


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


def killed(shapes: Path, folder: Path, ready: Callable[[], bool], **more: str) -> int:
    """Trains in a process of its own and kills it with signal 9 once it is ready; its exit code."""
    process = subprocess.Popen(
        command("train", shapes, *OPTIONS, "--epochs", 40, "--out", "run"),
        cwd=folder, env=environment(**more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while process.poll() is None and not ready():
            time.sleep(0.005)
    finally:
        process.kill()
    return process.wait()


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
