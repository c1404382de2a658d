"""export --to openvino: the graph as OpenVINO's own two files, for Intel's processors and graphics."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import MissingExtra, SightlineError
from sightline.core.task import Arrays, Task
from sightline.export.contents import answered, read_spec, table, write_spec
from sightline.run.bundle import Bundle
from sightline.run.files import write_text
from sightline.run.runner import OnnxRunner

README = """# {name}

A model of Sightline, task `{task}`, for OpenVINO: `model.xml` and `model.bin`.

{table}

Images are uint8, (batch, height, width, channel), values 0..255. `spec.json` has the classes and what else is needed
to read the outputs; `parity.json` says how its answers compared with Sightline's own.

    import openvino
    model = openvino.Core().compile_model("model.xml", "CPU")
    outputs = model(images)
"""


def write(bundle: Bundle, task: Task, folder: Path) -> None:
    """model.xml, model.bin, spec.json, assets/, README.md. Raises MissingExtra without the package openvino, and
    SightlineError for a bundle in int8 or fp16: OpenVINO rounds such graphs in its own way, and answers differ."""
    made = bundle.card.get("compressed", {})
    if made.get("method") in ("quantize", "fp16"):
        raise SightlineError(
            "OpenVINO rounds graphs in int8 and fp16 in its own way, and its answers would differ",
            str(bundle.path),
            f"export the bundle that it was made of, {made.get('from', 'in float')}, or take: --to onnx",
        )
    openvino = _openvino()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.onnx"
        path.write_bytes(bundle.graph)
        try:
            # Not convert_model: that one reports to its maker.
            openvino.save_model(openvino.Core().read_model(path), folder / "model.xml", compress_to_fp16=False)
        except RuntimeError as error:
            raise SightlineError(
                f"OpenVINO cannot take this graph ({str(error)[-200:]})", str(bundle.path), "try: --to onnx"
            ) from None
    write_spec(bundle, folder)
    text = README.format(name=bundle.path.stem, task=task.name, table=table(bundle.graph))
    write_text(folder / "README.md", text)


def answers(bundle: Bundle, task: Task, folder: Path, images: Sequence[Path]) -> list[dict[str, Any]]:
    """By OpenVINO on the processor, in float32: its default on some is bfloat16."""
    openvino = _openvino()
    compiled = openvino.Core().compile_model(folder / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = OnnxRunner(bundle.graph).outputs  # OpenVINO may know an output by several names

    def run(inputs: Arrays) -> Arrays:
        values = compiled(inputs)
        return {name: np.asarray(values[name]) for name in names}

    return answered(task, run, read_spec(folder), images)


def _openvino() -> Any:
    try:
        import openvino  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except ImportError:
        raise MissingExtra("openvino", "openvino", "--to openvino") from None
    return openvino
