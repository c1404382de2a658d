"""export --to web: a static folder in whose page the model runs in the browser, and no image leaves the device."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from PIL import Image

from sightline.core.errors import SightlineError
from sightline.core.task import Task
from sightline.data.image import read_sized
from sightline.export.contents import write_bytes, write_spec
from sightline.run.bundle import Bundle, headline
from sightline.run.files import make_folder, write_text

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
RUNTIME = {
    "ort/ort.js": (
        "dist/ort.wasm.bundle.min.mjs",
        "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    ),
    "ort/ort.wasm": (
        "dist/ort-wasm-simd-threaded.wasm",
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    ),
}
"""What is copied from the npm package: the name here, the name there and its sha256. `.js`, as some hosts do not know
that `.mjs` is JavaScript."""
HERE = Path("node_modules") / PACKAGE
BACKEND = 'export { open } from "./local.js";\n'
SERVERS = "remote.js"
"""The one module that asks a server."""
README = """# {name}

A page that runs a model of Sightline, task `{task}`, in the browser. Images stay on the device: the page asks nobody
but its own folder for anything, and works without a network.

Put the folder on any static web host, or look at it here:

    python -m http.server --directory . 8000

and open http://127.0.0.1:8000/. (From the disk, as file://…, browsers load no modules.)

| file | what it is |
|---|---|
| `index.html`, `*.js`, `style.css`, `views/`, `pixels/` | the page |
| `tasks/{task}.js` | pixels to the graph's inputs, the graph's outputs to the answer |
| `model.onnx`, `spec.json`, `assets/` | the graph, and what it was trained to say |
| `model.json` | what the page tells of the model, and the sha256 of the files |
| `ort/` | {package} {version}, Copyright (c) Microsoft Corporation, MIT License |
| `parity.json` | how the answers of this folder compared with Sightline's own |
"""


def write(bundle: Bundle, task: Task, folder: Path, runtime: Path | None = None) -> None:
    """The page, model.onnx, spec.json, assets/, model.json, ort/, README.md.

    runtime: the folder of the npm package onnxruntime-web; node_modules/onnxruntime-web where none is given. Raises
    SightlineError where it is not there or another version, and where the page has no module for the task.
    """
    page = resources.files("sightline") / "page"
    if not (page / "tasks" / f"{task.name}.js").is_file():
        raise SightlineError(f"the page has no tasks/{task.name}.js yet", str(bundle.path), "try: --to onnx")
    files = runtime_files(runtime or HERE)
    files |= {name: source.read_bytes() for name, source in _inside(page) if name != SERVERS}
    files |= {"backend.js": BACKEND.encode(), "model.onnx": bundle.graph}
    for name, data in files.items():
        make_folder((folder / name).parent)
        write_bytes(folder / name, data)
    write_spec(bundle, folder)
    write_text(folder / "model.json", json.dumps(manifest(bundle, task, folder), ensure_ascii=False, indent=1) + "\n")
    write_text(folder / "README.md", README.format(
        name=bundle.path.stem, task=task.name, package=PACKAGE, version=VERSION))  # fmt: skip


def manifest(bundle: Bundle, task: Task, folder: Path) -> dict[str, Any]:
    """What the page tells of the model: name, task, network, classes, scores, its assets, the sha256 of the files."""
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {
        "name": bundle.path.stem,
        "task": task.name,
        "network": bundle.spec.network,
        "classes": list(bundle.spec.classes),
        "scores": {task.told: bundle.card["scores"][headline(bundle.card)].get(task.told)},
        "assets": [name.removeprefix("assets/") for name in found if name.startswith("assets/")],
        "sizes": {name: (folder / name).stat().st_size for name in found},
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in found},
    }


def runtime_files(package: Path) -> dict[str, bytes]:
    """The files of onnxruntime-web by the names that they have in the export, checked against the pin."""
    where = package / "package.json"
    fix = f"type: npm install --no-save {PACKAGE}@{VERSION}   or name the folder of the package: --runtime FOLDER"
    if not where.is_file():
        raise SightlineError(f"{PACKAGE} is not here; it runs the model in the browser", str(package), fix)
    try:
        found = json.loads(where.read_text(encoding="utf-8"))
        name, version = found["name"], found["version"]
    except (ValueError, KeyError, TypeError):
        raise SightlineError("this is not the folder of an npm package", str(package), fix) from None
    if (name, version) != (PACKAGE, VERSION):
        raise SightlineError(f"this is {name} {version}, not {PACKAGE} {VERSION}", str(package), fix)
    files: dict[str, bytes] = {}
    for ours, (theirs, digest) in RUNTIME.items():
        data = (package / theirs).read_bytes() if (package / theirs).is_file() else b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise SightlineError(f"{theirs} is not the one of {PACKAGE} {VERSION}", str(package), fix)
        files[ours] = data
    return files


def _inside(folder: Traversable, before: str = "") -> Iterator[tuple[str, Traversable]]:
    """All files below a folder with their names from there."""
    for one in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if one.is_dir():
            yield from _inside(one, f"{before}{one.name}/")
        else:
            yield before + one.name, one


def answers(bundle: Bundle, task: Task, folder: Path, images: Sequence[Path]) -> list[dict[str, Any]]:
    """By the page's own modules in node.

    PNG files are read by the page's own reader. Others are read by each browser's decoders, which node has not: of them
    the pixels go in as Sightline reads them.
    """
    with tempfile.TemporaryDirectory() as temporary:
        lines = [_asked(path, bundle, Path(temporary) / f"{place}.png") for place, path in enumerate(images)]
        with resources.as_file(resources.files("sightline.export") / "web.mjs") as script:
            done = subprocess.run(
                ["node", str(script), str(folder.resolve())], input="".join(f"{json.dumps(line)}\n" for line in lines),
                capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "Error" in line] or done.stderr.splitlines() or [""]
        raise SightlineError(f"the page's modules failed in node: {said[0].strip()}", str(folder))
    return [json.loads(line) for line in done.stdout.splitlines()]


def _asked(path: Path, bundle: Bundle, place: Path) -> dict[str, Any]:
    """What the script is told of an image: the path of a PNG, and the size of the whole image."""
    with Image.open(path) as image:
        if image.format == "PNG":
            return {"path": str(path.resolve())}
    shape = bundle.spec.inputs["image"].shape
    pixels, size = read_sized(path, (shape[1] or 0, shape[0] or 0))
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(place)
    return {"path": str(place), "size": size}
