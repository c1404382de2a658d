"""export on the command line: what it writes, what it compares on, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import Result, write_folder

import sightline


def test_images_alone_serve_for_the_comparison(cli: Callable[..., Result], bundle: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "images", per_class=2)
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        path.rename(flat / f"{number}.png")
    done = cli("export", bundle, "--data", flat, "--json")
    assert done.code == 0, done.err
    assert done.json["images"] == 6 and done.json["out"] == f"exports/{bundle.stem}-onnx"


def test_data_in_memory_are_written_for_it(cli: Callable[..., Result], bundle: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "it.npz", x_train=random.integers(0, 255, (9, 16, 16, 3), np.uint8), y_train=np.arange(9) % 3)
    done = cli("export", bundle, "--data", "it.npz", "--images", 4, "--to", "python", "--json")
    assert done.code == 0, done.err
    assert done.json["passed"] and done.json["images"] == 4


def test_a_difference_is_said(
    cli: Callable[..., Result], bundle: Path, strangers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.export import onnx

    real = onnx.answers
    monkeypatch.setattr(onnx, "answers", lambda *a: [{**row, "confidence": 0.1} for row in real(*a)])
    done = cli("export", bundle, "--data", strangers, "--out", "it")
    assert done.code == 1 and "do not use this export" in done.err
    assert json.loads(Path("it/parity.json").read_text())["passed"] is False


def test_openvino_gives_the_same_answers(cli: Callable[..., Result], bundle: Path, strangers: Path) -> None:
    if importlib.util.find_spec("openvino") is None:
        done = cli("export", bundle, "--to", "openvino")
        assert done.code == 2 and "pip install 'sightline[openvino]'" in done.err
        return
    done = cli("export", bundle, "--to", "openvino", "--data", strangers, "--json")
    assert done.code == 0, done.err
    assert done.json["passed"] and {"model.xml", "model.bin", "spec.json"} <= set(done.json["files"])


def test_python_users_have_it_too(bundle: Path, strangers: Path, here: Path) -> None:
    found = sightline.load(bundle).export("onnx", data=str(strangers), out="it")
    assert found["passed"] and Path(found["out"], "model.onnx").is_file()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--to", "magic"), "choose one of: onnx, openvino, python"),
        (("--data", "nowhere"), "the data does not exist"),
        (("--out", "full"), "the folder is not empty"),
        (("--images", 0), "it must be at least 1"),
    ],
)
def test_what_is_wrong_is_said(cli: Callable[..., Result], bundle: Path, arguments: tuple, error: str) -> None:
    Path("full").mkdir()
    Path("full/file").touch()
    done = cli("export", bundle, *arguments)
    assert done.code == 2 and error in done.err
    assert cli("export").code == 2
