"""predict --then: a second bundle looks at what the first has found, whatever its task; and a third."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support import Result, save_image
from tiny import TINY, scattered

import sightline
from sightline.core.errors import SightlineError
from sightline.core.places import ChainedPrediction
from sightline.run.bundle import open_bundle
from sightline.tables import TASKS
from sightline.verbs.chain import chained, crop
from sightline.verbs.predict import Predictor

Cli = Callable[..., Result]


@pytest.fixture(scope="module")
def bundles(trained: Callable[..., Path]) -> Callable[[str], Path]:
    """The bundle of a task, trained once."""

    def of(task: str) -> Path:
        run = trained(TINY[task].network[0], task)
        return run / f"{run.name}.sightline"

    return of


@pytest.fixture
def images(here: Path) -> list[Path]:
    """One with nothing in it (seed 1), then some with up to three squares."""
    return [save_image(Path(f"squares/{seed}.png"), scattered(seed)[0]) for seed in (1, 2, 3, 4, 6)]


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_of_any_task_looks_at_each_box(
    task: str, cli: Cli, bundles: Callable[[str], Path], images: list[Path]
) -> None:
    first, second = bundles("detect"), bundles(task)
    options = ("--then", second, "--json", "--out", "drawn", "--csv", "boxes.csv")
    done = cli("predict", first, *images, *options)
    assert done.code == 0, done.err
    detector, other = sightline.load(first), sightline.load(second)
    alone = [json.loads(line) for line in cli("predict", first, *images, "--json").out.splitlines()]
    boxes = [box for row in done.lines for box in row["boxes"]]
    assert len(boxes) >= 3
    for row, plain, path in zip(done.lines, alone, images, strict=True):
        assert [{k: v for k, v in box.items() if k != "then"} for box in row["boxes"]] == plain["boxes"]
        assert {k: v for k, v in row.items() if k != "boxes"} == {k: v for k, v in plain.items() if k != "boxes"}
        pixels = np.asarray(Image.open(path))
        for box in row["boxes"]:
            part, (left, top) = crop(pixels, np.array(box["box"]))
            seen = other.predict(part)
            assert box["then"] == (seen.shift(left, top) if hasattr(seen, "shift") else seen).to_dict()
    assert detector.predict(images, then=other)[-1].to_dict() == {
        k: v for k, v in done.lines[-1].items() if k != "image"
    }
    with Path("boxes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places = ["image", "item", "label", "confidence", "left", "top", "right", "bottom"]
    assert list(rows[0]) == [*places, *(f"then_{name}" for name in other_columns(task)), "error"]
    assert {row["image"] for row in rows} == set(map(str, images)), "an image without a box keeps a row"
    assert len([row for row in rows if row["item"]]) == len(boxes)
    assert sorted(path.name for path in Path("drawn").iterdir()) == [f"{seed}.png" for seed in (1, 2, 3, 4, 6)]
    text = cli("predict", first, *images, "--then", second).out.splitlines()
    assert len(text) == len(images) and any(f"{boxes[0]['label']}: " in line for line in text)


def other_columns(task: str) -> tuple[str, ...]:
    return TASKS[task].load().columns


def test_a_third_bundle_looks_at_what_the_second_finds(
    cli: Cli, bundles: Callable[[str], Path], bundle: Path, images: list[Path]
) -> None:
    detector = bundles("detect")
    options = ("--min-confidence", 0.02, "--json", "--csv", "t.csv")
    done = cli("predict", detector, images[-1], "--then", detector, "--then", bundle, *options)
    assert done.code == 0, done.err
    outer = done.json["boxes"][0]
    inner = [box for one in done.json["boxes"] for box in one["then"]["boxes"]]
    assert inner and all(set(box["then"]) == {"label", "confidence", "top"} for box in inner)
    rows = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert "then_then_label" in rows[0] and len(rows) >= len(inner)
    model = sightline.load(detector)
    assert len(model.predict(images, then=[model, sightline.load(bundle)])) == len(images)
    three = chained([Predictor(open_bundle(path)) for path in (detector, detector, bundle)], 0.02)
    found = three.batch(images[-1:])[0].prediction
    assert isinstance(found, ChainedPrediction) and found.to_dict(5, 0.02)["boxes"][0] == outer
    for box in outer["then"]["boxes"]:  # in the pixels of the whole image, within the box around it
        assert all(a >= b - 1 for a, b in zip(box["box"][:2], outer["box"][:2], strict=True))
    assert "[" in found.to_text() and found.draw(np.asarray(Image.open(images[-1]))).mode == "RGB"
    again = found.shift(5, 7).to_dict(5, 0.02)["boxes"][0]
    assert np.subtract(again["box"], outer["box"]) == pytest.approx([5, 7, 5, 7])


def test_the_answers_do_not_depend_on_the_workers(
    cli: Cli, bundles: Callable[[str], Path], bundle: Path, images: list[Path]
) -> None:
    several = [*images * 8, Path("missing.png")]
    one, two = (
        cli("predict", bundles("detect"), *several[:-1], "--then", bundle, "--json", "--workers", n) for n in (0, 2)
    )
    assert one.code == 0 and one.out == two.out and len(one.lines) == 40


def test_one_that_cannot_be_read_does_not_stop_the_others(
    cli: Cli, bundles: Callable[[str], Path], bundle: Path, images: list[Path]
) -> None:
    Path("squares/zero.png").write_bytes(b"")
    done = cli("predict", bundles("detect"), "squares", "--then", bundle, "--json", "--csv", "t.csv")
    assert done.code == 0 and done.lines[-1]["error"] == "the image file is empty (0 bytes)"
    assert "0 bytes" in list(csv.DictReader(Path("t.csv").read_text().splitlines()))[-1]["error"]


def test_less_confidence_asks_for_more_boxes(
    cli: Cli, bundles: Callable[[str], Path], bundle: Path, images: list[Path]
) -> None:
    done = cli("predict", bundles("detect"), *images, "--then", bundle, "--json", "--min-confidence", "0.001")
    found = [box for row in done.lines for box in row["boxes"]]
    ones = sightline.load(bundles("detect")).predict(images, then=sightline.load(bundle))
    assert len(found) > sum(len(one.parts) for one in ones) and all("then" in box for box in found)
    assert all(row["count"] == len(row["boxes"]) for row in done.lines)
    for one in ones:
        assert len(one.to_dict(min_confidence=0.001)["boxes"]) == len(one.parts), "what nobody looked at is left out"
    assert one.to_dict(min_confidence=1)["boxes"] == [] and one.to_text(min_confidence=1) == "nothing found"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--then", "missing.sightline"), "missing.sightline"),
        (("--page",), "--page and --then exclude each other"),
    ],
)
def test_what_does_not_go_together_is_said(
    arguments: tuple[str, ...], words: str, cli: Cli, bundles: Callable[[str], Path], bundle: Path, images: list[Path]
) -> None:
    done = cli("predict", bundles("detect"), images[0], "--then", bundle, *arguments)
    assert done.code == 2 and words in done.err and done.out == ""


def test_a_bundle_that_finds_no_places_cannot_be_first(
    cli: Cli, bundles: Callable[[str], Path], bundle: Path, images: list[Path]
) -> None:
    done = cli("predict", bundle, images[0], "--then", bundles("detect"))
    assert (
        done.code == 2 and "one for classify finds no places" in done.err and "sightline predict DETECTOR" in done.err
    )
    with pytest.raises(SightlineError, match="finds no places"):
        sightline.load(bundle).predict(images[0], then=sightline.load(bundle))


sides = st.integers(1, 12)
corners = st.tuples(*[st.floats(-5, 20, allow_nan=False)] * 4)


@given(sides, sides, corners)
def test_a_crop_is_what_its_box_touches(width: int, height: int, box: tuple[float, ...]) -> None:
    pixels = np.arange(width * height, dtype=np.uint8).reshape(height, width, 1)
    part, (left, top) = crop(pixels, np.array(box))
    assert part.size and part.shape[0] <= height and part.shape[1] <= width
    assert np.array_equal(part, pixels[top : top + part.shape[0], left : left + part.shape[1]])
    for x in range(width):
        if box[0] < x + 1 and box[2] > x and box[0] < box[2]:
            assert left <= x < left + part.shape[1]


def test_a_chained_prediction_checks_itself(bundles: Callable[[str], Path], images: list[Path]) -> None:
    found = sightline.load(bundles("detect")).predict(images[-1])
    with pytest.raises(ValueError, match="parts"):
        ChainedPrediction(found, ())
    parts = ("too small",) * found.shown()
    failed = ChainedPrediction(found, parts)
    assert failed.to_dict()["boxes"][0]["then"] == {"error": "too small"} and "too small" in failed.to_text()
