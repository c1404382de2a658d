"""What people see: plain lines on stderr while working, the result on stdout."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.spec import Spec
from sightline.core.task import Finding, Task
from sightline.data.dataset import Dataset
from sightline.run.bundle import headline
from sightline.verbs.tell_repeats import recall_lines, series_lines

if TYPE_CHECKING:
    from sightline.learn.loop import Moment
    from sightline.learn.plan import Plan

_MARKS = {"error": "x", "warning": "!", "note": "-"}
_TICK = 0.5


class Teller:
    """Progress in one of four ways: `auto` (a live line on a terminal, plain lines elsewhere), lines, json, none."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.live = way == "auto" and sys.stderr.isatty()
        self._within = ""
        self._begun = self._saved = time.monotonic()
        self._first_step = 0
        self._plan: Plan | None = None

    def enter(self, name: str) -> None:
        """What follows belongs to one of several trainings, of which only the live line and JSON speak."""
        self._within = name

    def leave(self) -> None:
        """The end of what `enter` began."""
        self._within = ""

    def note(self, text: str) -> None:
        """A line for people."""
        if self.way in ("auto", "lines") and not self._within:
            self._line(text)

    def data(self, dataset: Dataset, task: Task) -> None:
        """What was recognised, said aloud."""
        self.note(f"{dataset.name}: {len(dataset):,} images, format {dataset.format}; task {task.name}")

    def reading(self, count: int) -> Callable[[int], None] | None:
        """A live count of images read; None where nobody would see it."""
        if not self.live or count < 2000:
            return None
        return lambda done: self._live(f"reading images: {done:,} of {count:,}" if done < count else "")

    def folds(self, done: int, count: int) -> None:
        """How far the networks are that judge the labels."""
        if self.live:
            left = (time.monotonic() - self._begun) / done * (count - done)
            self._live(f"judging labels: {done} of {count}, {clock(left)} left" if done < count else "")

    def findings(self, findings: Sequence[Finding]) -> None:
        """Errors and warnings of the data check."""
        for finding in findings:
            if finding.level != "note":
                self.note(f"  {_MARKS[finding.level]} {finding.message}")

    def splits(self, splits: NDArray[np.str_], spec: Spec) -> None:
        """How many images each part has, and what goes into the network."""
        parts = ", ".join(
            f"{(splits == name).sum():,} {name}" for name in ("train", "val", "test") if (splits == name).any()
        )
        shape = " x ".join("any" if side is None else str(side) for side in spec.inputs["image"].shape)
        classes = f"{len(spec.classes)} classes; " if spec.classes else ""
        self.note(f"{parts}; {classes}network {spec.network}, input {shape}")

    def begin(self, plan: Plan, step: int) -> None:
        """The training starts, perhaps not at its beginning."""
        self._plan, self._first_step = plan, step
        self._begun = self._saved = time.monotonic()
        epochs = f"{plan.steps / plan.per_epoch:.1f}".removesuffix(".0")
        steps = "1 step" if plan.steps == 1 else f"{plan.steps:,} steps"
        self.note(f"{steps} of {plan.batch} images: {epochs} epoch{'' if epochs == '1' else 's'}")

    def replanned(self, plan: Plan) -> None:
        """The plan was fitted to the time left: epochs and ETA follow it."""
        self._plan = plan

    def pause(self, save_every: float) -> float:
        """How often the loop should report within an epoch, in seconds."""
        self._save_every = save_every
        return _TICK if self.live else save_every

    def within(self, moment: Moment) -> bool:
        """Within an epoch: updates the live line; whether it is time to save."""
        if self.live:
            where = f"{self._within}  " if self._within else ""
            self._live(f"{where}epoch {moment.epoch}  loss {moment.loss:.4f}  {self._eta(moment.step)}")
        due = time.monotonic() - self._saved >= self._save_every
        if due:
            self._saved = time.monotonic()
        return due

    def epoch(self, row: dict[str, Any], metric: str, is_best: bool) -> None:
        """One line an epoch."""
        self._saved = time.monotonic()
        if self.way == "json":
            row = {"run": self._within, **row} if self._within else row
            sys.stderr.write(json.dumps(row) + "\n")
            sys.stderr.flush()
            return
        epochs = self._plan.epochs if self._plan else 0
        text = f"epoch {row['epoch']:>3}/{epochs}  loss {row['loss']:.4f}  val {metric} {row['val_' + metric]:.4f}"
        self.note(f"{text}{'*' if is_best else ' '} {self._eta(row['step'])}")

    def _eta(self, step: int) -> str:
        if not self._plan or step <= self._first_step:
            return ""
        passed = time.monotonic() - self._begun
        left = passed / (step - self._first_step) * (self._plan.steps - step)
        return f"{clock(passed)} passed, {clock(left)} left" if left >= 1 else f"{clock(passed)} passed"

    def _live(self, text: str) -> None:
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()

    def _line(self, text: str) -> None:
        sys.stderr.write(f"\r\033[K{text}\n" if self.live else f"{text}\n")
        sys.stderr.flush()


def clock(seconds: float) -> str:
    """`42s`, `3m05s`, `1h12m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m{whole % 60:02d}s" if whole < 3600 else f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def tell_trained(path: Path, card: dict[str, Any], data: str, metric: str) -> None:
    """The result of a training and what to type next. metric: the task's, which chose the best epoch."""
    split = headline(card)
    scores = card["scores"][split]
    count = card["folds"]["count"] if split == "out_of_fold" else card["data"]["counts"][split]
    lines = [""]
    if card["interrupted"]:
        run = shlex.quote(str(path.parent))
        lines.append(f"stopped early; the best so far is kept. To go on: sightline train --resume {run}")
    names = {
        "val": "val (no test part: these images chose the best epoch)",
        "test": "test",
        "out_of_fold": "out of fold (each image tested by a network that never saw it)",
    }
    lines.append(f"{names[split]}, {count:,} images: " + tell_metrics(scores["metrics"]))
    lines += card.get("notes", [])
    lines += recall_lines(scores)
    lines += series_lines(card, metric)
    lines.append(f"bundle: {path}  ({path.stat().st_size / 1e6:.1f} MB, {clock(card['seconds'])})")
    if report_of(path).exists():
        lines.append(f"report: {report_of(path)}")
    quoted = shlex.quote(str(path))
    lines += ["", "next:", f"  sightline predict {quoted} IMAGE…", f"  sightline evaluate {quoted} {shlex.quote(data)}"]
    print("\n".join(lines))


def report_of(bundle: Path) -> Path:
    """Where a training puts its report: beside the bundle."""
    return bundle.with_name("report.html")


def tell_metrics(metrics: dict[str, float]) -> str:
    """`accuracy 0.9861  macro_f1 0.9860 …`."""
    return "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
