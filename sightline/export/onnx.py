"""export --to onnx: the graph for any ONNX host, with the spec that says what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightline.core.task import Task
from sightline.export.contents import answered, read_spec, table, write_bytes, write_spec
from sightline.run.bundle import Bundle
from sightline.run.files import write_text
from sightline.run.runner import OnnxRunner

README = """# {name}

An ONNX model of Sightline, task `{task}`. Normalisation is its first layer; softmax or the like its last.

{table}

Images are uint8, (batch, height, width, channel), values 0..255, RGB or grey. `spec.json` has the classes, the input's
size and what else is needed to read the outputs; `parity.json` says how its answers compared with Sightline's own.

    import numpy, onnxruntime
    session = onnxruntime.InferenceSession("model.onnx")
    outputs = session.run(None, {{"image": numpy.zeros({shape}, "uint8")}})

From 1.29 on onnxruntime reports names and hashes of models to its maker unless the environment says
`ORT_DISABLE_TELEMETRY=1` before it is imported. Sightline sets it for itself.

How an image becomes an input and outputs become an answer is written out, in numpy, by `sightline export --to python`.
"""


def write(bundle: Bundle, task: Task, folder: Path) -> None:
    """model.onnx, spec.json, assets/, README.md."""
    write_bytes(folder / "model.onnx", bundle.graph)
    write_spec(bundle, folder)
    shape = (1, *(side or 256 for side in bundle.spec.inputs["image"].shape))
    text = README.format(name=bundle.path.stem, task=task.name, table=table(bundle.graph), shape=shape)
    write_text(folder / "README.md", text)


def answers(bundle: Bundle, task: Task, folder: Path, images: Sequence[Path]) -> list[dict[str, Any]]:
    """By the written graph and the written spec."""
    return answered(task, OnnxRunner((folder / "model.onnx").read_bytes()), read_spec(folder), images)
