"""What every export holds beside its own: the graph, the spec, the assets of the task."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from sightline.core.spec import Spec
from sightline.core.task import Arrays, Runner, Task
from sightline.data.image import read_sized
from sightline.run.bundle import Bundle
from sightline.run.files import make_folder, write_text, write_whole

OURS = ("trained_on.npy", "memory/")
"""Assets that other verbs look at, and that no answer needs."""


def write_spec(bundle: Bundle, folder: Path) -> None:
    """spec.json, and assets/ where the task has some."""
    write_text(folder / "spec.json", json.dumps(bundle.spec.to_json(), ensure_ascii=False, indent=1) + "\n")
    for name, data in bundle.spec.assets.items():
        if not name.startswith(OURS):
            make_folder((folder / "assets" / name).parent)
            write_bytes(folder / "assets" / name, data)


def read_spec(folder: Path) -> Spec:
    """The spec with its assets, read back from an export."""
    import dataclasses

    text = (folder / "spec.json").read_text(encoding="utf-8")
    root = folder / "assets"
    assets = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return dataclasses.replace(Spec.from_json(json.loads(text), str(folder / "spec.json")), assets=assets)


def write_bytes(path: Path, data: bytes) -> None:
    """A file that appears whole or not at all."""
    write_whole(path, lambda file: file.write(data))


def answered(task: Task, runner: Runner, spec: Spec, images: Iterable[Path]) -> list[dict[str, Any]]:
    """The whole answer of each image file: read, preprocess, the graph, postprocess."""
    shape, found = spec.inputs["image"].shape, list[dict[str, Any]]()
    for path in images:
        pixels, size = read_sized(path, (shape[1] or 0, shape[0] or 0))
        inputs: Arrays = {name: values[None] for name, values in task.preprocess(pixels, spec).items()}
        outputs = task.infer(runner, inputs, spec)
        row = {name: np.asarray(values)[0] for name, values in outputs.items()}
        found.append(task.postprocess(row, size, spec).to_dict())
    return found


def table(graph: bytes) -> str:
    """The inputs and outputs of a graph as a table in Markdown."""
    runtime: Any = onnxruntime
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    rows = ["| | name | type | shape |", "|---|---|---|---|"]
    sides: Sequence[tuple[str, Any]] = (("input", session.get_inputs()), ("output", session.get_outputs()))
    for kind, values in sides:
        rows += [f"| {kind} | `{one.name}` | {one.type} | {' × '.join(map(str, one.shape))} |" for one in values]
    return "\n".join(rows)
