"""The page's modules called in node, and where onnxruntime-web is looked for."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import PACKAGE, ROOT

from .pages import address, broken, images

__all__ = ["address", "broken", "images"]

HERE = Path(__file__).parent


class Node:
    """A node process that calls functions of the page's modules."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["node", str(HERE / "call.mjs"), str(PACKAGE / "page")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip

    def __call__(self, module: str, name: str, *args: Any) -> Any:
        """The result, with arrays as flat numpy arrays."""
        assert self.process.stdin and self.process.stdout
        text = json.dumps({"module": module, "name": name, "args": args}, default=_array)
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline(), object_hook=_revive)


def _array(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        value = np.frombuffer(value, np.uint8)
    return {"kind": str(value.dtype), "base64": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()}


def _revive(value: dict[str, Any]) -> Any:
    if "base64" not in value:
        return value
    return np.frombuffer(base64.b64decode(value["base64"]), value["kind"])


def pixels_of(array: np.ndarray) -> dict[str, Any]:
    """(height, width, channels) uint8 as the page has pixels."""
    height, width, channels = array.shape
    return {"data": array, "width": width, "height": height, "channels": channels}


def array_of(found: dict[str, Any]) -> np.ndarray:
    """The inverse."""
    return found["data"].reshape(found["height"], found["width"], -1)


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Named arrays as the page has them, in float32."""
    return {name: {"data": value.astype(np.float32), "dims": value.shape} for name, value in arrays.items()}


@pytest.fixture(scope="session")
def node() -> Iterator[Callable[..., Any]]:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    made = Node()
    yield made
    made.process.kill()


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The folder of the npm package onnxruntime-web."""
    found = Path(os.environ.get("ONNXRUNTIME_WEB", ROOT / "node_modules" / "onnxruntime-web"))
    if not (found / "package.json").is_file():
        pytest.skip("onnxruntime-web is neither in node_modules nor named by ONNXRUNTIME_WEB")
    return found
