"""The command line as a process: exit codes, streams, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Result, command, environment, picture, save_image, spawn

import sightline
from sightline.tables import VERBS

Cli = Callable[..., Result]


def test_the_command_and_the_module_are_the_same(tmp_path: Path) -> None:
    module = spawn("version", cwd=tmp_path)
    script = Path(sys.executable).with_name("sightline")
    if not script.exists():
        pytest.skip("the package is not installed as a command")
    installed = subprocess.run(
        [script, "version"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert module.code == 0 and module.out == installed.stdout


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_without_a_verb_an_overview_is_shown(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert done.code == 0 and done.err == ""
    assert all(verb in done.out for verb in VERBS) and "sightline train digits" in done.out


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("networks", "formats", "version")])
def test_a_verb_without_its_target_says_what_to_type(cli: Cli, verb: str) -> None:
    done = cli(verb)
    assert (done.code, done.out) == (2, "")
    assert f"sightline {verb}" in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_its_options(cli: Cli, verb: str) -> None:
    done = cli(verb, "--help")
    assert done.code == 0 and done.err == ""
    assert f"usage: sightline {verb}" in done.out and "--json" in done.out


@pytest.mark.parametrize("verb", ["networks", "formats", "version"])
def test_a_verb_without_target_needs_none(cli: Cli, verb: str) -> None:
    assert cli(verb).code == 0


def test_every_error_is_told_the_same_way(cli: Cli) -> None:
    for arguments in (
        ("check", "nowhere"),
        ("train", "nowhere"),
        ("evaluate", "nowhere", "digits"),
        ("predict", "a", "b"),
    ):
        done = cli(*arguments, "--json")
        assert (done.code, done.out) == (2, "")
        first, second = done.err.splitlines()[:2]
        assert first.startswith("error: ") and second.startswith("  ")


def test_names_too_long_for_any_disk_are_no_crash(cli: Cli, bundle: Path) -> None:
    long = "x" * 5000
    for arguments in (
        ("check", long),
        ("train", long),
        ("train", "digits", "--out", long),
        ("train", "--resume", long),
        ("train", "digits", "--config", long),
        ("evaluate", long, "digits"),
        ("evaluate", bundle, long),
        ("predict", long, "a"),
        ("predict", bundle, long),
    ):
        done = cli(*arguments)
        assert done.code == 2 and "error: " in done.err and "Traceback" not in done.err


def test_ctrl_c_is_told_by_the_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("sightline.verbs.check.check", interrupted)
    done = cli("check", "digits")
    assert done.code == 130 and "interrupted" in done.err and "Traceback" not in done.err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried …"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4000000000000 bytes."),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate 20.00 GiB."),
    ],
)
def test_want_of_memory_is_told_by_the_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sightline.verbs.check.check", greedy)
    done = cli("check", "digits")
    assert done.code == 2 and "not enough memory\n  try a smaller --batch or --imgsz" in done.err


@pytest.mark.skipif(os.name != "posix", reason="pipes end otherwise elsewhere")
def test_a_reader_that_stops_reading_is_no_error(bundle: Path, tmp_path: Path) -> None:
    images = [save_image(tmp_path / f"{i}.png", picture("cross", i)) for i in range(40)]
    process = subprocess.Popen(
        command("predict", bundle, *images, *images, *images, "--json"),
        cwd=tmp_path, env=environment(PYTHONUNBUFFERED="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout and process.stderr
    assert process.stdout.readline().startswith(b"{")
    process.stdout.close()
    error = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 0, error
    assert "Traceback" not in error and "BrokenPipe" not in error


@pytest.mark.parametrize(
    "arguments", [("check",), ("evaluate", "MODEL"), ("predict", "MODEL"), ("networks",), ("formats",), ("version",)]
)
def test_json_is_whole_and_alone_on_stdout(cli: Cli, arguments: tuple[str, ...], bundle: Path, strangers: Path) -> None:
    target = () if arguments[0] in ("networks", "formats", "version") else (strangers,)
    done = cli(*(bundle if a == "MODEL" else a for a in arguments), *target, "--json")
    assert done.err == "" and done.out.endswith("\n")
    documents = done.lines
    assert len(documents) == (12 if arguments[0] == "predict" else 1)
    assert json.loads(done.out.splitlines()[0]) == documents[0]


def test_a_terminal_without_unicode_gets_escapes(bundle: Path, tmp_path: Path) -> None:
    image = save_image(tmp_path / "猫.png", picture("cross", 1))
    done = spawn("predict", bundle, image, cwd=tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.code == 0 and "\\u732b.png" in done.out, done.err


def test_the_public_names_are_there() -> None:
    assert {"train", "load", "check", "evaluate", "Model", "SightlineError"} <= set(dir(sightline))
    assert all(getattr(sightline, name) is not None for name in dir(sightline))
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        sightline.trian  # noqa: B018


@pytest.mark.slow
def test_three_seeds_of_the_readmes_command_reach_the_promised_accuracy(tmp_path: Path) -> None:
    found = []
    for seed in range(3):
        done = spawn("train", "digits", "--seed", seed, "--json", cwd=tmp_path)
        assert done.code == 0, done.err
        found.append(done.json["scores"]["test"]["metrics"]["accuracy"])
    assert sum(found) / 3 >= 0.975, found
