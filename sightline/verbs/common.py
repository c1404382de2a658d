"""What several verbs need: data and their task, one target, JSON on stdout."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import Any

from sightline.core.errors import MissingExtra, SightlineError, unknown
from sightline.core.spec import Spans
from sightline.core.task import Task
from sightline.data.dataset import Dataset
from sightline.data.formats import open_data
from sightline.tables import TASKS


def task_named(name: str) -> Task:
    """The task of that name. Raises SightlineError with the nearest names."""
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name].load()()


def infer_task(dataset: Dataset, name: str | None = None) -> Task:
    """The task that learns the dataset's kind of target, or the one named. Raises SightlineError where they differ."""
    for task in map(task_named, [name] if name else TASKS):
        if task.target == dataset.target:
            return task
    raise SightlineError(
        f"the data holds {dataset.target} targets, which {name or 'no task'} does not learn", dataset.name
    )


def open_for(
    name: str | None, data: Any, labels: Any = None, format: str | None = None, spans: Spans | None = None
) -> tuple[Dataset, Task]:
    """The data, and the task that learns it: the one named, which decides how targets are read, or what they say.

    spans: as in `open_data`.
    """
    kind = task_named(name).target if name else None
    dataset = open_data(data if labels is None else (data, labels), format, kind, spans)
    return dataset, infer_task(dataset, name)


def need_places(task: Task) -> None:
    """Raises SightlineError for --track where a task finds no boxes."""
    if not getattr(task, "places", False):
        able = ", ".join(name for name, entry in TASKS.items() if getattr(entry.load(), "places", False))
        raise SightlineError(
            f"--track follows boxes from frame to frame, and a bundle for {task.name} finds none",
            fix=f"leave it out, or take a bundle for: {able}",
        )


def need_torch(purpose: str) -> None:
    """Raises MissingExtra where the packages that train are not installed; imports none of them."""
    for package in ("torch", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "train", purpose)


def one_target(target: list[str], verb: str) -> str:
    """The only positional argument of a verb."""
    if len(target) != 1:
        what = "no data was named" if not target else f"one thing at a time, not {len(target)}: {' '.join(target)}"
        raise SightlineError(what, fix=f"type: sightline {verb} DATA (a path, or the word digits)")
    return target[0]


def print_json(value: Any) -> None:
    """One document, one line, on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A line for people, on stderr where stdout is meant for a program."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
