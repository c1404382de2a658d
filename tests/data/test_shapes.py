"""Outlines as masks: COCO's polygons and run lengths, the smaller on the larger, crowds of their class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import save_image

from sightline.core.errors import SightlineError
from sightline.data.formats import open_data
from sightline.data.shapes import Shape, ShapeMask, key_of_names, runs_of

KEY = key_of_names(["cat", "dog"])
CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 90, "name": "dog"}]


def mask(*shapes: Shape, size: tuple[int, int] = (8, 6)) -> np.ndarray:
    return ShapeMask(size, shapes, KEY, "m").load()


def box(left: float, top: float, right: float, low: float) -> tuple[float, ...]:
    return left, top, right, top, right, low, left, low


def test_a_polygon_covers_the_pixels_whose_middles_lie_in_it() -> None:
    found = mask(Shape(1, (box(2, 1, 5, 4),)))
    wanted = np.zeros((6, 8), np.uint8)
    wanted[1:4, 2:5] = 1
    assert np.abs(found.astype(int) - wanted).sum() <= 7, "Pillow counts the pixels on two of the edges as inside"
    assert (found[1:4, 2:5] == 1).all() and KEY.names == ("background", "cat", "dog")


def test_smaller_regions_lie_on_larger_ones_whatever_their_order() -> None:
    large, small = Shape(1, (box(0, 0, 8, 6),)), Shape(2, (box(2, 2, 4, 4),))
    found = mask(large, small)
    assert np.array_equal(found, mask(small, large)) and found[3, 3] == 2 and found[0, 0] == 1
    assert mask(large, Shape(255, (box(0, 0, 3, 3),)))[1, 1] == 255


def test_run_lengths_go_down_the_columns() -> None:
    wanted = np.zeros((6, 8), np.uint8)
    wanted[2:5, 1] = wanted[0, 4] = 1
    flat = wanted.T.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *ends, len(flat)]).tolist()
    assert np.array_equal(mask(Shape(1, runs=runs_of(runs, (8, 6)))), wanted)
    for bad in ([1, 2], [-1, 49], "x", None, [48.5, "a"], {}):
        with pytest.raises(SightlineError, match="do not add up to 8 x 6 px"):
            runs_of(bad, (8, 6))


def test_packed_run_lengths_are_those_of_pycocotools() -> None:
    judge = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for side in (5, 40, 300):
        wanted = (np.kron(random.random((5, 5)) < 0.5, np.ones((side, side))) > 0).astype(np.uint8)
        packed = judge.encode(np.asfortranarray(wanted))["counts"].decode()
        assert np.array_equal(mask(Shape(1, runs=runs_of(packed, wanted.shape[::-1])), size=wanted.shape[::-1]), wanted)


def write(root: Path, annotations: list[dict[str, Any]]) -> Path:
    images = [{"id": 1, "file_name": "a.png", "width": 8, "height": 6}, {"id": 2, "file_name": "b.png"}]
    for name in ("a.png", "b.png"):
        save_image(root / "images" / name, np.full((6, 8, 1), 50, np.uint8))
    document = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    (root / "it.json").write_text(json.dumps(document))
    return root


def test_coco_gives_masks_where_they_are_asked_for(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "image_id": 1, "category_id": 90, "segmentation": [list(box(2, 1, 5, 4))], "bbox": [2, 1, 3, 3]},
        {
            "id": 2,
            "image_id": 1,
            "category_id": 7,
            "iscrowd": 1,
            "segmentation": {"counts": [0, 6, 42], "size": [6, 8]},
        },
        {"id": 3, "image_id": 2, "category_id": 7, "segmentation": [list(box(0, 0, 8, 6))]},
        {"id": 4, "image_id": 2, "category_id": 8, "segmentation": [list(box(0, 0, 8, 6))]},
        {"id": 5, "image_id": 9, "category_id": 7, "segmentation": [list(box(0, 0, 8, 6))]},
        {"id": 6, "image_id": 2, "category_id": 7, "segmentation": [[1, 2]]},
    ]
    path = str(write(tmp_path, rows))
    assert open_data(path).target == "boxes"
    data = open_data(path, kind="mask")
    assert (data.target, data.format, data.classes) == ("mask", "coco", ("background", "cat", "dog"))
    first, second = (target.load() for target in data.targets)
    assert (first[:, 0] == 1).all() and first[2, 3] == 2 and first[0, 7] == 0 and (second == 1).all()
    assert sorted(code for code, _, _ in data.notes) == ["strange_box", "unknown_class", "unknown_image"]
    with pytest.raises(SightlineError, match="there are no masks"):
        open_data(
            str(write(tmp_path / "boxes", [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 1, 2, 2]}])),
            kind="mask",
        )


def test_yolo_gives_masks_where_they_are_asked_for(tmp_path: Path) -> None:
    rows = {
        "a": "1 0.25 0.17 0.625 0.17 0.625 0.67 0.25 0.67\n0 0.5 0.5 0.1 0.1\n5 0 0 1 0 1 1\n",
        "b": "0 0 0 1 0 1 1 0 1\n",
        "c": "",
    }
    for name, text in rows.items():
        save_image(tmp_path / "images" / "train" / f"{name}.png", np.full((6, 8, 1), 50, np.uint8))
        (tmp_path / "labels" / "train").mkdir(parents=True, exist_ok=True)
        (tmp_path / "labels" / "train" / f"{name}.txt").write_text(text)
    (tmp_path / "labels" / "train" / "gone.txt").write_text(rows["b"])
    (tmp_path / "data.yaml").write_text("path: .\ntrain: images/train\nnames: [cat, dog]\n")
    assert open_data(str(tmp_path)).target == "boxes"
    data = open_data(str(tmp_path), kind="mask")
    assert (data.target, data.classes, data.splits.tolist()) == ("mask", ("background", "cat", "dog"), ["train"] * 3)
    first, second, third = (target.load() for target in data.targets)
    assert first[2, 3] == 2 and first[5, 7] == 0 and (second == 1).all() and not third.any()
    assert sorted(code for code, _, _ in data.notes) == ["absent_image", "strange_box", "unknown_class"]
    (tmp_path / "labels" / "train" / "a.txt").write_text("")
    (tmp_path / "labels" / "train" / "b.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(SightlineError, match="there are no masks"):
        open_data(str(tmp_path), kind="mask")


def test_a_square_of_twenty_pixels_holds_four_hundred() -> None:
    square = mask(Shape(1, (box(10, 10, 30, 30),)), size=(40, 50))
    assert square.sum() == 400 and square[10:30, 10:30].all()
    beyond = mask(Shape(1, ((-1e300, -5.0, 1e300, -5.0, 1e300, 4.0, -1e300, 4.0),)), size=(7, 9))
    assert beyond[:4].all() and not beyond[4:].any()


def test_polygons_agree_with_the_judge_of_coco() -> None:
    judge = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for _ in range(50):
        turn = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 30)))
        far = random.uniform(15, 28, len(turn))
        corners = np.stack([32 + far * np.cos(turn), 32 + far * np.sin(turn)], axis=1).round(2).ravel().tolist()
        ours = mask(Shape(1, (tuple(corners),)), size=(64, 64)) == 1
        theirs = judge.decode(judge.frPyObjects([corners], 64, 64))[..., 0] == 1
        # It follows outlines on a grid of fifths of a pixel: pixels that an edge halves may fall either way.
        assert abs(int(ours.sum()) - int(theirs.sum())) <= 0.05 * theirs.sum()
        assert (ours & theirs).sum() > 0.93 * (ours | theirs).sum()


def test_strange_ids_and_an_image_in_two_splits(tmp_path: Path) -> None:
    good = {"image_id": 1, "category_id": 7, "segmentation": [list(box(0, 0, 8, 6))]}
    rows = [{"id": n, **good, **more} for n, more in enumerate(({}, {"image_id": [1]}, {"category_id": {"a": 1}}))]
    data = open_data(str(write(tmp_path, rows)), kind="mask")
    assert sorted(code for code, _, _ in data.notes) == ["unknown_class", "unknown_image"]
    root = write(tmp_path / "two", rows[:1])
    (root / "annotations").mkdir()
    for part in ("train", "val"):
        (root / "annotations" / f"instances_{part}.json").write_text((root / "it.json").read_text())
    (root / "it.json").unlink()
    with pytest.raises(SightlineError, match="stands in two splits"):
        open_data(str(root), kind="mask")
