"""What works where only the base install is: everything but training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import environment
from tiny import write_boxed

from sightline.tables import VERBS

HIDE = """
import sys
from importlib.machinery import PathFinder
HIDDEN = {"torch", "safetensors", "onnx", "onnxscript", "timm", "torchvision", "scipy", "sklearn", "pyarrow", "av"}
class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in HIDDEN else PathFinder.find_spec(name, path, target)
sys.meta_path = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
"""
"""A `sitecustomize` under which the packages of the extras are not installed."""

DRIVE = """
import contextlib, io, json, sys
from server import end_when_ready
from sightline.cli import main
rows = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    if arguments[0] == "serve" and "--help" not in arguments:
        end_when_ready(out)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    rows.append({"code": code, "out": out.getvalue(), "err": err.getvalue(), "torch": "torch" in sys.modules})
print(json.dumps(rows))
"""


def python(code: str, *arguments: str, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = environment()
    env["PYTHONPATH"] += f":{Path(__file__).parent.parent}"
    if site:
        (site / "sitecustomize.py").write_text(HIDE)
        env["PYTHONPATH"] = f"{site}:{env['PYTHONPATH']}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def rows(bundle: Path, shapes: Path, strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Verb to what it did without torch."""
    folder = tmp_path_factory.mktemp("no_torch")
    (folder / "text.txt").write_text("two words\n")
    lines = {
        "--help": ["--help"],
        "version": ["version", "--json"],
        "networks": ["networks"],
        "formats": ["formats"],
        "check": ["check", str(shapes), "--json"],
        "evaluate": ["evaluate", str(bundle), str(strangers), "--json"],
        "predict": ["predict", str(bundle), str(strangers), "--json", "--out", "drawn", "--csv", "answers.csv"],
        "explain": ["explain", str(bundle), str(next(strangers.rglob("*.png"))), "--json", "--out", "explained"],
        "explain --method gradcam": [
            "explain",
            str(bundle),
            str(next(strangers.rglob("*.png"))),
            "--method",
            "gradcam",
        ],
        "convert": ["convert", str(write_boxed(folder / "boxes", 3)), "--to", "coco", "--out", "converted"],
        "render": ["render", "text.txt", "--out", "lines"],
        "compress": ["compress", str(bundle), str(shapes)],
        "export": ["export", str(bundle), "--to", "python", "--data", str(strangers)],
        "serve": ["serve", str(bundle), "--port", "0"],
        "train --help": ["train", "--network", "cnn", "--help"],
        "train": ["train", str(shapes), "--out", "run"],
    }
    done = python(DRIVE, json.dumps(list(lines.values())), cwd=folder, site=tmp_path_factory.mktemp("site"))
    assert done.returncode == 0, done.stderr
    assert not (folder / "run").exists(), "a training that cannot begin left a run folder"
    return dict(zip(lines, json.loads(done.stdout), strict=True))


def test_every_verb_is_tried_without_torch(rows: dict[str, dict]) -> None:
    assert set(VERBS) <= set(rows)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("train", "compress")])
def test_a_verb_works_without_torch(rows: dict[str, dict], verb: str) -> None:
    assert rows[verb]["code"] == 0, rows[verb]["err"]
    assert rows[verb]["out"].strip()
    assert not rows[verb]["torch"]


def test_help_needs_no_torch(rows: dict[str, dict]) -> None:
    assert rows["--help"]["code"] == 0 and "sightline train digits" in rows["--help"]["out"]
    assert rows["train --help"]["code"] == 0 and "--dense" in rows["train --help"]["out"]


def test_train_without_torch_names_the_extra(rows: dict[str, dict]) -> None:
    assert rows["train"]["code"] == 2
    assert "needs the package torch, which is not installed" in rows["train"]["err"]
    assert "pip install 'sightline[train]'" in rows["train"]["err"]
    assert rows["train"]["out"] == ""


def test_compress_without_onnx_names_the_extra(rows: dict[str, dict]) -> None:
    assert rows["compress"]["code"] == 2 and "needs the package onnx" in rows["compress"]["err"]
    assert "pip install 'sightline[train]'" in rows["compress"]["err"]


def test_gradients_without_torch_name_the_extra(rows: dict[str, dict]) -> None:
    row = rows["explain --method gradcam"]
    assert row["code"] == 2 and "needs the package torch" in row["err"]
    assert "pip install 'sightline[explain]'" in row["err"]


@pytest.mark.parametrize("arguments", [["predict"], ["evaluate"], ["check"], ["--help"], ["version"]])
def test_torch_is_not_imported_where_it_is_installed(
    arguments: list[str], bundle: Path, strangers: Path, tmp_path: Path
) -> None:
    more = {
        "predict": [str(bundle), str(strangers)],
        "evaluate": [str(bundle), str(strangers)],
        "check": [str(strangers)],
    }
    done = python(DRIVE, json.dumps([[*arguments, *more.get(arguments[0], [])]]), cwd=tmp_path)
    row = json.loads(done.stdout)[0]
    assert row["code"] == 0 or (arguments == ["check"] and row["code"] == 1), row["err"]
    assert row["torch"] is False


def test_importing_sightline_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, json, sightline; before = sorted(m for m in ('numpy', 'torch', 'PIL', 'onnxruntime', 'argparse') "
        "if m in sys.modules); error = sightline.SightlineError; print(json.dumps([before, error.__name__, "
        "'numpy' in sys.modules]))"
    )
    done = python(code, cwd=tmp_path)
    assert json.loads(done.stdout) == [[], "SightlineError", False], done.stderr


def test_help_loads_neither_numpy_nor_pillow(tmp_path: Path) -> None:
    code = (
        "import sys; from sightline.cli import main; main(['--help']); "
        "print(sorted({'numpy', 'torch', 'PIL', 'onnxruntime'} & set(sys.modules)))"
    )
    done = python(code, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
