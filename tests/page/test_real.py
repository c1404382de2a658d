"""The page with trained models and a hundred real images a task: answers in Chromium beside those of `predict`."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sightline

from .browser import Visit, served

pytestmark = [pytest.mark.slow, pytest.mark.data]
COUNT = 100
SECONDS = "60s"
LARGE = 1600
"""Pixels of the longer side of a large JPEG: several times what any of the networks takes in."""
LOSSLESS, LOSSY = 1e-3, 2e-2
Row = dict[str, Any]


def cifar(shared: Path, folder: Path) -> tuple[Path, list[Path]]:
    """600 photos of 32 x 32 px in class folders."""
    with zipfile.ZipFile(shared / "cifar10" / "train.zip") as archive:
        for name in [name for name in sorted(archive.namelist()) if name.endswith(".jpg")][::83]:
            place = folder / name.split("/")[-2] / Path(name).name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(name))
    return folder, sorted(folder.rglob("*.jpg"))[::6]


def apart(one: float, other: float, allowed: float) -> bool:
    return abs(one - other) > allowed


def labels_agree(ours: Row, theirs: Row, allowed: float) -> bool:
    """The same best class, unless two are equally probable; every score near."""
    known = {one["label"]: one["confidence"] for one in ours["top"]}
    found = {one["label"]: one["confidence"] for one in theirs["top"]}
    best = max(known.values())
    near = all(not apart(known[name], found[name], allowed) for name in known.keys() & found.keys())
    return near and not apart(known.get(theirs["label"], 0), best, allowed if ours["label"] != theirs["label"] else 1)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    left, top, right, low = (pick(a, b) for pick, a, b in zip((max, max, min, min), one, other, strict=True))
    both = max(0.0, right - left) * max(0.0, low - top)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / max(sum(areas) - both, 1e-9)


def boxes_agree(ours: Row, theirs: Row, allowed: float, threshold: float) -> bool:
    """Each box has one of its class in its place, as sure as it is; what stands alone is as sure as the threshold."""
    left = list(theirs["boxes"])
    for box in ours["boxes"]:
        same = [one for one in left if one["label"] == box["label"] and overlap(one["box"], box["box"]) > 0.9]
        if same:
            found = min(same, key=lambda one: abs(one["confidence"] - box["confidence"]))
            if apart(found["confidence"], box["confidence"], allowed):
                return False
            left.remove(found)
        elif apart(box["confidence"], threshold, allowed):
            return False
    return all(not apart(one["confidence"], threshold, allowed) for one in left)


def masks_agree(ours: Row, theirs: Row, allowed: float) -> bool:
    """The same class at as many pixels."""
    one, other = (np.repeat(row["rle"][::2], row["rle"][1::2]) for row in (ours, theirs))
    return one.shape == other.shape and float((one != other).mean()) <= allowed


def texts_agree(ours: Row, theirs: Row, allowed: float) -> bool:
    return ours["text"] == theirs["text"] and not apart(ours["confidence"], theirs["confidence"], allowed)


TASKS: dict[str, tuple[Callable[[Path, Path], tuple[Path, list[Path]]], Callable[..., bool], dict[str, Any]]] = {
    "classify": (cifar, labels_agree, {}),
    "detect": (
        lambda shared, _: (shared / "bccd", sorted((shared / "bccd").rglob("*.jpg"))[-COUNT:]),
        boxes_agree, {"imgsz": 160, "time": "2m"},
    ),
    "segment": (
        lambda shared, _: (shared / "camvid", sorted((shared / "camvid" / "val").rglob("images/*.jpg"))[:COUNT]),
        masks_agree, {"imgsz": 96},
    ),
    "read": (
        lambda shared, _: (shared / "fraktur-lines", sorted((shared / "fraktur-lines" / "val").glob("*.jpg"))[:COUNT]),
        texts_agree, {"time": "10m"},
    ),
}  # fmt: skip


def copies(paths: Sequence[Path], folder: Path) -> tuple[list[Path], list[Path]]:
    """Of each image a PNG, and a JPEG whose longer side has LARGE pixels."""
    folder.mkdir()
    small, large = [], []
    for place, path in enumerate(paths):
        with Image.open(path) as image:
            small.append(folder / f"{place:03d}.png")
            image.save(small[-1])
            factor = LARGE / max(image.size)
            large.append(folder / f"{place:03d}.jpg")
            size = round(image.width * factor), round(image.height * factor)
            image.resize(size, Image.Resampling.BICUBIC).save(large[-1], quality=95)
    return small, large


@pytest.fixture(scope="module", params=TASKS)
def shown(
    request: pytest.FixtureRequest, shared_data: Path, runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, str, list[Path]]]:
    """A task, its bundle, the address of its export, and images that no training needs to have seen."""
    folder = tmp_path_factory.mktemp(request.param)
    prepare, _, options = TASKS[request.param]
    data, images = prepare(shared_data, folder / "data")
    model = sightline.train(str(data), out=folder / "run", progress="none", **{"time": SECONDS, **options})
    sightline.load(model.path).export("web", out=str(folder / "web"), runtime=str(runtime), images=2)
    with served(folder / "web") as address:
        yield request.param, Path(model.path), address, images


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_real_images_are_answered_in_the_browser_as_by_predict(
    kind: str, shown: tuple[str, Path, str, list[Path]], browser: Any, tmp_path: Path
) -> None:
    task, bundle, address, images = shown
    small, large = copies(images, tmp_path / "copies")
    files, allowed = (small, LOSSLESS) if kind == "png" else (large, LOSSY)
    visit = Visit(browser, address)
    visit.take(*files)
    told = "[...document.querySelectorAll('.told')].filter(one => one.textContent !== '…').length"
    visit.until(f"{told} === {len(files)}", 600)
    with visit.page.expect_download() as download:
        visit.page.click("[data-do=json]")
    theirs = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    model = sightline.load(bundle)
    ours = [one.to_dict() for one in model.predict(files)]
    more = {"threshold": model.spec.extra["threshold"]} if task == "detect" else {}
    agree = [TASKS[task][1](one, two, allowed, **more) for one, two in zip(ours, theirs, strict=True)]
    wrong = [(path.name, one, two) for path, one, two, same in zip(files, ours, theirs, agree, strict=True) if not same]
    assert len(files) >= COUNT and not wrong and visit.heard == [], f"{len(wrong)} of {len(files)}: {wrong[:1]}"[:3000]
    said = {json.dumps(one.get("label", one.get("text", one.get("count", one.get("classes"))))) for one in ours}
    assert len(said) > 1, "a model that always says the same proves little"
