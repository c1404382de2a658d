"""What tests of stopped trainings share: how to stop one, and what to compare."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import command, environment, members

OPTIONS = [
    "--network",
    "cnn",
    "--imgsz",
    "16",
    "--batch",
    "8",
    "--epochs",
    "6",
    "--augment",
    "strong",
    "--seed",
    "2",
    "--workers",
    "0",
]
"""A training of 18 steps on the data `shapes`."""


class KilledError(BaseException):
    """Stands for the end of the process: nothing in the package catches it."""


def die() -> None:
    """Ends the process, as it were."""
    raise KilledError


def bits(run: str | Path) -> bytes:
    """The weights that a run ended with."""
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


def killed(shapes: Path, folder: Path, ready: Callable[[], bool], **more: str) -> int:
    """Trains in a process of its own and kills it with signal 9 once it is ready; its exit code."""
    process = subprocess.Popen(
        command("train", shapes, *OPTIONS, "--epochs", "40", "--out", "run"),
        cwd=folder, env=environment(**more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while process.poll() is None and not ready():
            time.sleep(0.005)
    finally:
        process.kill()
    return process.wait()
