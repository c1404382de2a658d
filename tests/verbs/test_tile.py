"""Large images through overlapping windows: the answer is that of the whole image, and memory stays bounded.

The "networks" here are exact: what they see they say, so that whatever is wrong is the windows' fault.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from support import Result, save_image
from tiny import TINY, boxed, write_boxed, write_masked

import sightline
from sightline.core.boxes import Boxes
from sightline.core.errors import SightlineError
from sightline.core.spec import Input, Spec
from sightline.core.task import Arrays
from sightline.tasks.detect.task import Detect
from sightline.tasks.segment.task import Segment
from sightline.verbs.common import task_named
from sightline.verbs.tiled import need_merge, predict_tiled

NAMES = ("red", "green", "blue")
SIDE = 64


def spec(task: str, **extra: object) -> Spec:
    image = {"image": Input("uint8", (SIDE, SIDE, 3))}
    return Spec(task, "auto", NAMES, image, (0.0,) * 3, (1.0,) * 3, extra=extra)


def sees_boxes(inputs: Arrays) -> Arrays:
    """Each patch of full red, green or blue: one candidate, surer of large ones."""
    count = len(inputs["image"])
    found = {"boxes": np.zeros((count, 40, 4), np.float32), "scores": np.zeros((count, 40), np.float32)}
    found["labels"] = np.zeros((count, 40), np.float32)
    for row, image in enumerate(inputs["image"]):
        place = 0
        for label in range(3):
            patches, _ = ndimage.label(image[..., label] > 200)
            for down, across in ndimage.find_objects(patches):
                corners = np.array([across.start, down.start, across.stop, down.stop])
                found["boxes"][row, place] = corners / SIDE
                area = (corners[2] - corners[0]) * (corners[3] - corners[1])
                found["scores"][row, place] = 0.6 + 0.3 * area / SIDE**2
                found["labels"][row, place] = label
                place += 1
    return found


def sees_masks(inputs: Arrays) -> Arrays:
    """The class of each pixel is its strongest channel."""
    best = inputs["image"].argmax(axis=3)
    return {"probabilities": np.eye(3, dtype=np.float32)[best].transpose(0, 3, 1, 2)}


def scene(size: tuple[int, int], sides: tuple[int, int], seed: int = 0, count: int = 60) -> tuple[np.ndarray, Boxes]:
    """(height, width, 3) with patches that touch no other, and their boxes."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    taken = np.zeros(size[::-1], np.bool_)
    corners, labels = [], []
    for _ in range(count):
        width, height = (int(v) for v in random.integers(*sides, 2))
        left, top = int(random.integers(0, size[0] - width + 1)), int(random.integers(0, size[1] - height + 1))
        if taken[max(0, top - 2) : top + height + 2, max(0, left - 2) : left + width + 2].any():
            continue
        taken[top : top + height, left : left + width] = True
        label = int(random.integers(0, 3))
        pixels[top : top + height, left : left + width, label] = 255
        corners.append([left, top, left + width, top + height])
        labels.append(NAMES[label])
    return pixels, Boxes(np.array(corners, np.float64), tuple(labels))


def rows(corners: np.ndarray, labels: list[str]) -> list[tuple[float, ...]]:
    return sorted((*np.round(c, 1).tolist(), NAMES.index(n)) for c, n in zip(corners, labels, strict=True))


@pytest.mark.parametrize(
    "sides", [(4, 15), (10, 40), (30, 120)], ids=["small", "as windows share", "larger than windows"]
)
@pytest.mark.parametrize("size", [(300, 200), (64, 64), (65, 190), (500, 40), (500, 70)])
@pytest.mark.parametrize("seed", range(3))
def test_objects_on_seams_are_found_once_and_whole(size: tuple[int, int], sides: tuple[int, int], seed: int) -> None:
    sides = (min(sides[0], min(size) - 1), min(sides[1], min(size)))
    pixels, truth = scene(size, sides, seed)
    given = spec("detect", threshold=0.5)
    found = predict_tiled(Detect(), sees_boxes, pixels, given, SIDE)
    count = found.shown()
    assert rows(found.corners[:count], [NAMES[i] for i in found.labels[:count]]) == rows(truth.corners, truth.labels)


@pytest.mark.parametrize("seed", range(6))
def test_a_network_that_wavers_is_no_reason_to_find_things_twice(seed: int) -> None:
    pixels, truth = scene((400, 300), (12, 60), seed, 80)
    random = np.random.default_rng(seed)

    def unsteady(inputs: Arrays) -> Arrays:
        found = sees_boxes(inputs)
        there = found["scores"] > 0
        found["scores"] = np.where(there, random.uniform(0.5, 0.99, there.shape), 0).astype(np.float32)
        found["boxes"] += random.uniform(-1, 1, found["boxes"].shape).astype(np.float32) / SIDE * there[..., None]
        # And what no network is free of: many boxes of which it is hardly sure.
        junk = ~there & (random.random(there.shape) < 0.3)
        low = random.uniform(0, 0.8, (*there.shape, 2))
        boxes = np.concatenate([low, low + random.uniform(0.05, 0.9, low.shape)], 2).clip(0, 1)
        found["boxes"][junk] = boxes[junk]
        found["scores"][junk] = random.uniform(0.01, 0.1, junk.sum())
        return found

    found = predict_tiled(Detect(), unsteady, pixels, spec("detect", threshold=0.4), SIDE)
    comparison = Detect().compare(found, truth, spec("detect"))
    scores = Detect().summarize([comparison], spec("detect"))
    assert found.shown() == len(truth)
    assert scores.metrics["recall"] == scores.metrics["precision"] == 1 and scores.metrics["map50"] > 0.99


def test_one_window_is_the_image_itself() -> None:
    pixels, _ = scene((SIDE, SIDE), (4, 20))
    for task, sees in ((Detect(), sees_boxes), (Segment(), sees_masks)):
        given = spec(task.name, threshold=0.5)
        outputs = {key: values[0] for key, values in sees({"image": pixels[None]}).items()}
        whole = task.postprocess(outputs, (SIDE, SIDE), given)
        assert predict_tiled(task, sees, pixels, given, SIDE).to_dict() == whole.to_dict()
        assert predict_tiled(task, sees, pixels, given, 1000).to_dict() == whole.to_dict()


def test_a_shifted_answer_lies_where_its_part_lay() -> None:
    pixels, truth = scene((SIDE, SIDE), (4, 20))
    found = predict_tiled(Detect(), sees_boxes, pixels, spec("detect"), SIDE)
    moved = found.shift(100, 7)
    assert np.allclose(moved.corners - found.corners, [100, 7, 100, 7]) and len(truth) == moved.shown()


@pytest.mark.parametrize("size", [(300, 200), (65, 190), (500, 40)])
def test_the_mask_of_windows_is_that_of_the_image(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    given = spec("segment")
    tall = min(SIDE, size[1])  # windows of this shape are seen pixel by pixel
    given = Spec("segment", "auto", NAMES, {"image": Input("uint8", (tall, SIDE, 3))}, (0.0,) * 3, (1.0,) * 3)
    found = predict_tiled(Segment(), sees_masks, pixels, given, SIDE)
    assert np.array_equal(found.classes, pixels.argmax(axis=2)) and (found.sureness == 255).all()


def mosaic(images: np.ndarray, columns: int) -> np.ndarray:
    rows = [np.concatenate(list(images[i : i + columns]), 1) for i in range(0, len(images), columns)]
    return np.concatenate(rows)


def test_a_detector_finds_in_a_large_picture_what_it_finds_in_its_parts(
    cli: Callable[..., Result], trained: Callable[..., Path], here: Path
) -> None:
    images, boxes = boxed(24, first=500)
    save_image(here / "big.png", mosaic(images, 6))
    count = sum(len(one) for one in boxes)
    run = trained("auto", "detect")
    plain = cli("predict", run, "big.png", "--json").json
    done = cli("predict", run, "big.png", "--tile", 32, "--json", "--out", "drawn").json
    assert abs(done["count"] - count) < abs(plain["count"] - count) and done["count"] > 0.6 * count
    assert (
        cli("predict", run, "big.png", "--json", "--tile").json
        == cli("predict", run, "--tile", "0", "big.png", "--json").json
    )
    model = sightline.load(run)
    assert model.spec.extra["usual"] == [32, 32]
    assert {"image": "big.png", **model.predict("big.png", tile=32).to_dict()} == done
    with pytest.raises(SightlineError, match="--tile -1 is out of range"):
        model.predict("big.png", tile=-1)
    assert Image.open("drawn/big.png").width >= 192
    chain = cli("predict", run, "big.png", "--tile", 32, "--then", run, "--json").json
    assert chain["count"] == done["count"] and all("then" in one for one in chain["boxes"])


@pytest.mark.parametrize(("task", "write"), [("detect", write_boxed), ("segment", write_masked)])
def test_evaluate_through_windows(
    task: str, write: Callable[..., Path], cli: Callable[..., Result], trained: Callable[..., Path], here: Path
) -> None:
    run = trained("auto", task)
    data = write(here / "data", 8, first=300)
    plain = cli("evaluate", run, data, "--json").json
    same = cli("evaluate", run, data, "--json", "--tile", 32).json
    assert same["metrics"] == pytest.approx(plain["metrics"], abs=2e-3)
    other = cli("evaluate", run, data, "--json", "--tile", 24, "--compare", run).json
    assert other["n"] == 8 and other["compare"]["difference"] == 0 and other["metrics"] != plain["metrics"]
    page = cli("evaluate", run, data, "--tile", 24, "--report")
    assert page.code == 0 and (here / "report.html").exists()
    refused = cli("evaluate", run, data, "--tile", 24, "--robust")
    assert refused.code == 2 and "--robust and --tile exclude each other" in refused.err


@pytest.mark.parametrize("task", sorted(set(TINY) - {"detect", "segment"}))
def test_other_tasks_say_why_not(task: str) -> None:
    with pytest.raises(SightlineError, match=f"what {task} says of windows does not add up"):
        need_merge(task_named(task))


def test_other_tasks_say_so_on_the_command_line(cli: Callable[..., Result], bundle: Path, shapes: Path) -> None:
    for arguments in (("predict", bundle, next(shapes.rglob("*.png"))), ("evaluate", bundle, shapes)):
        done = cli(*arguments, "--tile")
        assert done.code == 2 and "leave it out: it is for boxes and masks" in done.err and not done.out


LARGE = """
import json, resource, sys
import numpy as np
from PIL import Image
import sightline
Image.MAX_IMAGE_PIXELS = None
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = sightline.load(sys.argv[1]).predict(sys.argv[2], tile=1500, max_pixels=10**9)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"peak": (after - before) / 1024, "label": found.to_dict()["label"]}))
"""


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_a_large_picture_takes_memory_for_itself_and_its_answer(
    task: str, trained: Callable[..., Path], here: Path
) -> None:
    run = trained("auto", task)
    pixels = np.zeros((6000, 9000, 3), np.uint8)
    pixels[:, :, 1] = np.arange(9000) // 36
    Image.fromarray(pixels).save("large.png", compress_level=1)
    del pixels
    done = subprocess.run([sys.executable, "-c", LARGE, run, "large.png"], capture_output=True, text=True, check=True)
    # Pillow decodes into four bytes a pixel, of which three are kept: 206 + 154 MB; a mask and its sureness: 103 MB.
    assert json.loads(done.stdout)["peak"] < 620
