"""export --to python: one folder that predicts with numpy, Pillow and onnxruntime, and knows nothing of Sightline."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from sightline.core.errors import SightlineError
from sightline.core.task import Task
from sightline.export.contents import write_bytes, write_spec
from sightline.run.bundle import Bundle
from sightline.run.files import write_text

PREDICT = '''"""python predict.py IMAGE…: one JSON answer a line. Needs numpy, Pillow and onnxruntime, nothing else."""

import json
import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else onnxruntime reports the model's name and hash to its maker

import onnxruntime
from images import read
from task import postprocess, preprocess


class Model:
    """The model in this folder."""

    def __init__(self, folder: Path = Path(__file__).parent) -> None:
        self.spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
        self.assets = {path.name: path.read_bytes() for path in sorted((folder / "assets").glob("*"))}
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def predict(self, path: str) -> dict:
        """The answer for one image file."""
        height, width, _ = self.spec["inputs"]["image"]["shape"]
        pixels, size = read(path, (width or 0, height or 0))
        inputs = {name: values[None] for name, values in preprocess(pixels, self.spec).items()}
        outputs = dict(zip(self.names, (values[0] for values in self.session.run(None, inputs)), strict=True))
        return postprocess(outputs, size, self.spec, self.assets)


if __name__ == "__main__":
    model, failed = Model(), False
    for name in sys.argv[1:]:
        try:
            answer = model.predict(name)
        except Exception as error:  # Pillow has many for damaged files
            answer, failed = {"error": f"{type(error).__name__}: {error}"}, True
        print(json.dumps({"image": name, **answer}))
    sys.exit(1 if failed else 0)
'''
README = """# {name}

A model of Sightline, task `{task}`, with all that is needed to use it: plain Python, no Sightline.

    python -m pip install numpy Pillow onnxruntime
    python predict.py IMAGE…

Or in your own program, with this folder on the path:

    from predict import Model
    answer = Model().predict("image.png")

| file | what it does |
|---|---|
| `predict.py` | the model: image file in, answer out |
| `images.py` | reads an image: turned as it should be, transparency on white, 16 bits to 8 |
| `task.py` | pixels to the graph's inputs, the graph's outputs to the answer |
| `model.onnx`, `spec.json` | the graph, and what it was trained to say |
| `parity.json` | how the answers of this folder compared with Sightline's own |
"""


def write(bundle: Bundle, task: Task, folder: Path) -> None:
    """predict.py, images.py, task.py, model.onnx, spec.json, assets/, README.md, requirements.txt.

    Raises SightlineError where the task has no module of its own for this, or not for such a model.
    """
    for name, text in sources(bundle, task).items():
        write_text(folder / name, text)
    write_bytes(folder / "model.onnx", bundle.graph)
    write_spec(bundle, folder)
    write_text(folder / "requirements.txt", "numpy\nPillow\nonnxruntime\n")
    write_text(folder / "README.md", README.format(name=bundle.path.stem, task=task.name))


def sources(bundle: Bundle, task: Task) -> dict[str, str]:
    """The Python files by name. A task brings `standalone.py` along and, for what few models need, standalone_X.py of
    its own or X.py of the room `data`: copied where `standalone.py` asks for it and `spec.extra` has an X."""
    room, data = resources.files(type(task).__module__.rpartition(".")[0]), resources.files("sightline.data")
    found = {"predict.py": PREDICT, "images.py": _copied(data / "standalone.py")}
    try:
        found["task.py"] = _copied(room / "standalone.py")
    except FileNotFoundError:
        raise SightlineError(
            f"the task {task.name} cannot be exported as plain Python yet", str(bundle.path), "try: --to onnx"
        ) from None
    for name in re.findall(r"from (\w+) import", found["task.py"]):
        if bundle.spec.extra.get(name):
            own = room / f"standalone_{name}.py"
            found[f"{name}.py"] = _copied(own if own.is_file() else data / f"{name}.py")
    return found


def answers(bundle: Bundle, task: Task, folder: Path, images: Sequence[Path]) -> list[dict[str, Any]]:
    """By a Python of its own that runs predict.py in the folder."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "predict.py", *(str(path.resolve()) for path in images)], cwd=folder, check=False,
        env={**known, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}, capture_output=True,
        encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise SightlineError(f"predict.py failed: {said}", str(folder))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [{name: value for name, value in row.items() if name != "image"} for row in rows]


def _copied(source: Any) -> str:
    """The text of a module of ours with the names that it has in the folder."""
    text = source.read_text(encoding="utf-8")
    text = text.replace("from sightline.data.standalone import", "from images import")
    text = re.sub(r"from sightline\.data\.(\w+) import", r"from \1 import", text)
    text = re.sub(r"from sightline\.tasks\.\w+\.standalone_(\w+) import", r"from \1 import", text)
    return re.sub(r"^# pyright:.*\n\n?", "", text, flags=re.MULTILINE)
