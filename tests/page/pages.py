"""The page with answers made up, for the tests of the page itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import PACKAGE
from tiny import TINY

from sightline.core.spec import Input, Spec

from .browser import served

HERE = Path(__file__).parent
EXTRA = {"regress": {"mean": 2.0, "scale": 1.5, "margin": 0.75}, "detect": {"threshold": 0.4}}
CLASSES = ("circle", "<b>cross</b>", "a square with a name that is far too long for a phone of three hundred pixels")
NAMES = {"read": ("a", "b", "c"), "segment": ("none", *CLASSES), "regress": ()}
SIZE = (320, 200)


def given(name: str) -> dict[str, Any]:
    """What the pretended backend needs of a task."""
    shape, classes = {"read": (16, None, 1)}.get(name, (32, 32, 3)), NAMES.get(name, CLASSES)
    spec = Spec(name, "auto", classes, {"image": Input("uint8", shape)}, (0.0,), (1.0,), extra=EXTRA.get(name, {}))
    outputs = {key: values[0] for key, values in TINY[name].outputs(2).items()}
    if name == "classify":
        outputs["probabilities"] = np.array([0.6, 0.3, 0.1])
    plain = {key: {"data": np.ravel(one).tolist(), "dims": np.shape(one)} for key, one in outputs.items()}
    return {"name": f"my {name}", "task": name, "spec": spec.to_json(), "outputs": plain, "size": SIZE}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """The address of a page whose models are of the named tasks."""
    root = tmp_path_factory.mktemp("pages")
    with served(root) as base:

        def of(*names: str) -> str:
            folder = root / "-".join(names)
            if not folder.exists():
                shutil.copytree(PACKAGE / "page", folder)
                shutil.copy(HERE / "pretended.mjs", folder / "backend.js")
                (folder / "given.json").write_text(json.dumps([given(name) for name in names]))
            return f"{base}{folder.name}/"

        yield of


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in ("first", "<i>second", "third")]
    for place, path in enumerate(paths):
        Image.new("RGB", SIZE, (60 * place, 90, 120)).save(path)
    return paths


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.png"
    path.write_bytes(b"no image")
    return path
