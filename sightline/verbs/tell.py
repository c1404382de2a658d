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

if TYPE_CHECKING:
    from sightline.learn.loop import Moment
    from sightline.learn.plan import Plan
    from sightline.verbs.check import Report

_MARKS = {"error": "x", "warning": "!", "note": "-"}
_TICK = 0.5


class Teller:
    """Progress in one of four ways: `auto` (a live line on a terminal, plain lines elsewhere), lines, json, none."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.live = way == "auto" and sys.stderr.isatty()
        self._begun = self._saved = time.monotonic()
        self._first_step = 0
        self._plan: Plan | None = None

    def note(self, text: str) -> None:
        """A line for people."""
        if self.way in ("auto", "lines"):
            self._line(text)

    def data(self, dataset: Dataset, task: Task) -> None:
        """What was recognised, said aloud."""
        self.note(f"{dataset.name}: {len(dataset):,} images, format {dataset.format}; task {task.name}")

    def reading(self, count: int) -> Callable[[int], None] | None:
        """A live count of images read; None where nobody would see it."""
        if not self.live or count < 2000:
            return None
        return lambda done: self._live(f"reading images: {done:,} of {count:,}" if done < count else "")

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
        shape = " x ".join(str(side) for side in spec.inputs["image"].shape)
        self.note(f"{parts}; {len(spec.classes)} classes; network {spec.network}, input {shape}")

    def begin(self, plan: Plan, step: int) -> None:
        """The training starts, perhaps not at its beginning."""
        self._plan, self._first_step = plan, step
        self._begun = self._saved = time.monotonic()
        epochs = f"{plan.steps / plan.per_epoch:.1f}".removesuffix(".0")
        self.note(f"{plan.steps:,} steps of {plan.batch} images: {epochs} epochs")

    def pause(self, save_every: float) -> float:
        """How often the loop should report within an epoch, in seconds."""
        self._save_every = save_every
        return _TICK if self.live else save_every

    def within(self, moment: Moment) -> bool:
        """Within an epoch: updates the live line; whether it is time to save."""
        if self.live:
            self._live(f"epoch {moment.epoch}  loss {moment.loss:.4f}  {self._eta(moment.step)}")
        due = time.monotonic() - self._saved >= self._save_every
        if due:
            self._saved = time.monotonic()
        return due

    def epoch(self, row: dict[str, Any], metric: str, is_best: bool) -> None:
        """One line an epoch."""
        self._saved = time.monotonic()
        if self.way == "json":
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


def tell_trained(path: Path, card: dict[str, Any], data: str) -> None:
    """The result of a training and what to type next."""
    split = "test" if "test" in card["scores"] else "val"
    metrics = card["scores"][split]["metrics"]
    count = card["data"]["counts"][split]
    lines = [""]
    if card["interrupted"]:
        run = shlex.quote(str(path.parent))
        lines.append(f"stopped early; the best so far is kept. To go on: sightline train --resume {run}")
    names = {"val": "val (no test part: these images chose the best epoch)", "test": "test"}
    lines.append(f"{names[split]}, {count:,} images: " + tell_metrics(metrics))
    lines.append(f"bundle: {path}  ({path.stat().st_size / 1e6:.1f} MB, {clock(card['seconds'])})")
    quoted = shlex.quote(str(path))
    lines += ["", "next:", f"  sightline predict {quoted} IMAGE…", f"  sightline evaluate {quoted} {shlex.quote(data)}"]
    print("\n".join(lines))


def tell_metrics(metrics: dict[str, float]) -> str:
    """`accuracy 0.9861  macro_f1 0.9860 …`."""
    return "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())


def tell_report(report: Report) -> None:
    """The check as a table."""
    parts = [p for p in ("train", "val", "test") if any(p in row for row in report.classes.values())]
    width = max([5, *(len(name) for name in report.classes)])
    print(f"{report.name}: {report.count:,} images, format {report.format}; task {report.task}\n")
    print("class".ljust(width), *(p.rjust(8) for p in parts), "total".rjust(8))
    for name, row in list(report.classes.items())[:50]:
        print(name.ljust(width), *(f"{row.get(p, 0):8,}" for p in parts), f"{sum(row.values()):8,}")
    if len(report.classes) > 50:
        print(f"… and {len(report.classes) - 50} more classes")
    totals = [sum(row.get(p, 0) for row in report.classes.values()) for p in parts]
    print("all".ljust(width), *(f"{t:8,}" for t in totals), f"{sum(totals):8,}\n")
    w, h = report.sizes["width"], report.sizes["height"]
    print(
        f"width {w['min']}..{w['max']} px (median {w['median']}), "
        f"height {h['min']}..{h['max']} px (median {h['median']}), {report.sizes['colour']:,} in colour"
    )
    for finding in report.findings:
        print(f"{_MARKS[finding.level]} {finding.level}: {finding.message}")
        for item in finding.items[:5] if finding.code not in ("small_class", "class_not_in_split") else ():
            print(f"    {item}")
        if len(finding.items) > 5 and finding.code not in ("small_class", "class_not_in_split"):
            print(f"    … and {len(finding.items) - 5} more (all with --json)")
    print("" if report.findings else "nothing wrong was found")


def tell_evaluation(result: dict[str, Any]) -> None:
    """Scores, then the per-class table."""
    part = "all of the data" if result["split"] == "all" else f"the {result['split']} part"
    print(f"{part}, {result['n']:,} images: {tell_metrics(result['metrics'])}")
    for line in (
        f"! {result['overlap']:,} of these images were trained on: the scores flatter" if result["overlap"] else "",
        f"! labels that the model does not know, counted as wrong: {', '.join(result['unknown'])}"
        if result["unknown"]
        else "",
        f"! {len(result['unreadable'])} images could not be read, the first: {result['unreadable'][0]}"
        if result["unreadable"]
        else "",
    ):
        if line:
            print(line)
    rows = result.get("per_class", [])
    if rows:
        width = max(5, *(len(row["class"]) for row in rows))
        print(f"\n{'class'.ljust(width)}  precision  recall      f1  support")
        for row in rows:
            print(
                f"{row['class'].ljust(width)}  {row['precision']:9.4f}  {row['recall']:6.4f}"
                f"  {row['f1']:6.4f}  {row['support']:7,}"
            )
