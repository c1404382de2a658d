"""What many tests need: tiny data sets, and Sightline in a process of its own."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "sightline"
CLASSES = ("circle", "cross", "square")
SIDE = 16
NETWORK_SIZES = {"auto": 16, "small": 16, "cnn": 16, "crnn": 16, "timm/test_resnet": 32, "smp/unet/resnet18": 32}
"""The networks as the tests train them, and the side of their input."""


def picture(name: str, seed: int, grey: bool = False, side: int = SIDE) -> np.ndarray:
    """(side, side, 1 or 3) uint8: a shape of its own colour on noise; no two seeds give the same pixels."""
    random = np.random.default_rng([seed, *name.encode()])
    y, x = np.mgrid[:side, :side] - side / 2 + random.uniform(-1.5, 1.5, (2, 1, 1))
    radius = side * random.uniform(0.25, 0.35)
    masks = {
        "circle": x**2 + y**2 < radius**2,
        "cross": (np.abs(x) < radius / 3) | (np.abs(y) < radius / 3),
        "square": np.maximum(np.abs(x), np.abs(y)) < radius,
    }
    colours = {"circle": (230, 40, 40), "cross": (40, 220, 60), "square": (60, 80, 240)}
    pixels = random.integers(0, 40, (side, side, 3))
    pixels[masks[name]] = np.array(colours[name]) + random.integers(-20, 20, 3)
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    return pixels.max(axis=2, keepdims=True) if grey else pixels


def pictures(
    per_class: int = 12, grey: bool = False, classes: Sequence[str] = CLASSES, first: int = 0
) -> tuple[np.ndarray, list[str]]:
    """(n, side, side, 1 or 3) images and their classes; other numbers of `first` give other images."""
    pairs = [(picture(name, first + seed, grey), name) for name in classes for seed in range(per_class)]
    return np.stack([pixels for pixels, _ in pairs]), [name for _, name in pairs]


def save_image(path: Path, pixels: np.ndarray) -> Path:
    """Writes a picture; parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)
    return path


def write_folder(root: Path, per_class: int = 12, grey: bool = False, first: int = 0) -> Path:
    """A folder a class."""
    for place, (pixels, name) in enumerate(zip(*pictures(per_class, grey, first=first), strict=True)):
        save_image(root / name / f"{place:03d}.png", pixels)
    return root


def write_table(root: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ("image", "label")) -> Path:
    """`root/labels.csv` and its images; a row's `pixels` are saved under its `image`."""
    root.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    for row in rows:
        if "pixels" in row:
            save_image(root / row["image"], row["pixels"])
    path = root / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def table_rows(per_class: int = 12, **columns: Callable[[int], str]) -> list[dict[str, Any]]:
    """Rows of `write_table`: image, label, pixels, and further columns as functions of the row's number."""
    images, labels = pictures(per_class)
    return [
        {"image": f"{i}.png", "label": label, "pixels": images[i], **{key: make(i) for key, make in columns.items()}}
        for i, label in enumerate(labels)
    ]


@dataclass(frozen=True)
class Result:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as the one JSON document that it must be."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """stdout as one JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def command(*arguments: object) -> list[str]:
    """The command line that runs Sightline in a process of its own."""
    return [sys.executable, "-m", "sightline", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """The environment of such a process: UTF-8, one thread, and this checkout first."""
    known = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return {**known, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **more}


def spawn(*arguments: object, cwd: Path, stdin: str | None = None, **more: str) -> Result:
    """Runs Sightline in a process of its own, to its end."""
    done = subprocess.run(
        command(*arguments), cwd=cwd, env=environment(**more), input=stdin, capture_output=True, text=True, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def rezip(source: Path, target: Path, change: Callable[[dict[str, bytes]], object], sums: bool = True) -> Path:
    """A copy of a bundle with changed members; `sums`: make the sums right again."""
    import hashlib

    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    if sums and "SHA256SUMS" in members:
        rest = sorted((name, data) for name, data in members.items() if name != "SHA256SUMS")
        lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in rest)
        members["SHA256SUMS"] = "".join(lines).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def members(path: Path) -> dict[str, bytes]:
    """The members of a bundle."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
