"""Stopped at any moment and resumed with nothing but `--resume RUN`, a training ends with the very same weights."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from stopping import OPTIONS, KilledError, at_step, bits, die
from support import Result, pictures, write_folder

import sightline
from sightline.core.errors import SightlineError

Cli = Callable[..., Result]
quick = pytest.mark.usefixtures("quick_export")


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
def test_a_renamed_run_is_resumed_as_what_it_is(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        at_step(patch, 10, lambda: os.kill(os.getpid(), signal.SIGINT))
        assert cli("train", shapes, *OPTIONS, "--out", "runs/shapes").code == 130
    Path("runs/shapes").rename("runs/best")
    assert cli("train", "--resume", "runs/best").code == 0
    assert [path.name for path in Path("runs/best").glob("*.sightline")] == ["shapes.sightline"]
    done = cli("train", "--resume", "runs/best")
    assert done.code == 0 and "this run is finished" in done.err
    monkeypatch.chdir("runs/best")
    done = cli("train", "--resume", ".")
    assert done.code == 0 and "this run is finished: shapes.sightline" in done.err


@quick
def test_a_run_that_is_resumed_where_one_stands_is_named_after_its_folder(
    cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        at_step(patch, 7, die)
        with pytest.raises(KilledError):
            cli("train", shapes, *OPTIONS, "--out", "runs/shapes")
    monkeypatch.chdir("runs/shapes")
    assert cli("train", "--resume", ".").code == 0 and Path("shapes.sightline").exists()


@quick
def test_a_run_with_arrays_goes_on_once_they_are_given_again(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = pictures(10)
    val = pictures(3, first=500)
    options = {"network": "cnn", "imgsz": 16, "batch": 8, "epochs": 2, "workers": 0, "out": "run"}
    with monkeypatch.context() as patch:
        at_step(patch, 5, die)
        with pytest.raises(KilledError):
            sightline.train(x, y, val=val, **options)
    done = cli("train", "--resume", "run")
    assert done.code == 2 and "this run learns from arrays, which no run keeps: run" in done.err
    assert "sl.train(x, y, val=(x_val, y_val), resume='run')" in done.err
    with pytest.raises(SightlineError, match="which no run keeps"):
        sightline.train(x, y, resume="run")
    assert sightline.train(x, y, val=val, resume="run").card["data"]["counts"]["val"] == 9
    assert cli("train", "--resume", "run").code == 0, "finished, it needs no data"


@quick
def test_val_in_a_file_is_found_again(cli: Cli, shapes: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(Path("others"), per_class=3, first=500)
    options = {"network": "cnn", "imgsz": 16, "batch": 8, "epochs": 2, "workers": 0, "out": "run"}
    with monkeypatch.context() as patch:
        at_step(patch, 5, die)
        with pytest.raises(KilledError):
            sightline.train(shapes, val="others", **options)
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert cli("train", "--resume", "../run").code == 0
    assert sightline.load("../run").card["data"]["counts"] == {"train": 36, "val": 9}


@quick
def test_a_run_goes_on_only_with_the_data_it_began_with(
    cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(shapes, "data")
    with monkeypatch.context() as patch:
        at_step(patch, 7, die)
        with pytest.raises(KilledError):
            cli("train", "data", *OPTIONS, "--out", "run")
    shutil.copy(next(Path("data/cross").iterdir()), "data/cross/more.png")
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
