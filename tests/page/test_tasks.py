"""Each task's module of the page against the task itself: inputs, answers, evidence and maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import PACKAGE
from tiny import TINY

from sightline.core.spec import Input, Spec
from sightline.data import bidi
from sightline.data.bidi import visual, visual_order
from sightline.export.parity import compared
from sightline.tables import TASKS
from sightline.tasks.read.decode import LEXICON, MODEL
from sightline.tasks.read.language import learn

from .conftest import pixels_of, tensors

CLASSES = ("circle", "cross", "square")
EXTRA: dict[str, dict[str, Any]] = {
    "regress": {"mean": 2.0, "scale": 1.5, "margin": 0.75},
    "multilabel": {"thresholds": [0.3, 0.6, 0.5]},
    "detect": {"threshold": 0.4},
    "read": {"normalize": "NFC", "certainty": 0.8, "spread": 0.15},
}
SIZES = [(32, 32), (97, 131), (131, 40), (33, 300), (400, 60), (640, 480)]
COUNT = 6


def spec_of(task: str, channels: int = 3) -> Spec:
    shape = {"read": (16, None, 1), "detect": (32, 48, channels)}.get(task, (32, 32, channels))
    classes = {"read": tuple("abc"), "segment": ("none", *CLASSES), "regress": ()}.get(task, CLASSES)
    mean = (0.0,) * channels
    return Spec(task, "auto", classes, {"image": Input("uint8", shape)}, mean, mean, extra=EXTRA.get(task, {}))


def pictures(seed: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(seed)
    for width, height in SIZES:
        for channels in (1, 3):
            small = random.integers(0, 256, (6, 9, channels), np.uint8)
            picture = Image.fromarray(small[..., 0] if channels == 1 else small).resize((width, height))
            yield np.asarray(picture).reshape(height, width, channels)


def outputs_of(name: str) -> list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """The outputs of a graph, row by row: as they are, and as the task hands them on."""
    batch = {key: values.astype(np.float32) for key, values in TINY[name].outputs(COUNT).items()}
    rows = [{key: values[i] for key, values in batch.items()} for i in range(COUNT)]
    return [(row, _handed(name, row)) for row in rows]


def _handed(name: str, row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    one = {key: values[None] for key, values in row.items()}
    found = TASKS[name].load()().infer(lambda _: one, {"image": np.zeros((1, 32, 32, 3), np.uint8)}, spec_of(name))
    return {key: values[0] for key, values in found.items()}


@pytest.mark.parametrize("name", TASKS)
def test_the_page_has_a_module_and_a_view(name: str, node: Callable[..., Any]) -> None:
    assert (PACKAGE / "page" / "views" / f"{name}.js").is_file()
    assert node(f"tasks/{name}.js", "columns") == list(TASKS[name].load().columns)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", TASKS)
def test_inputs_are_the_same(name: str, channels: int, node: Callable[..., Any]) -> None:
    task, spec = TASKS[name].load()(), spec_of(name, channels)
    for pixels in pictures(1):
        found = node(f"tasks/{name}.js", "preprocess", pixels_of(pixels), spec.to_json())["image"]
        wanted = task.preprocess(pixels, spec)["image"]
        assert tuple(found["dims"]) == wanted.shape and np.array_equal(found["data"], wanted.ravel()), pixels.shape


@pytest.mark.parametrize("confidence", [0.0, 0.2, 0.45, 0.7])
@pytest.mark.parametrize("name", TASKS)
def test_answers_are_the_same(name: str, confidence: float, node: Callable[..., Any]) -> None:
    task, spec = TASKS[name].load()(), spec_of(name)
    ours, theirs = [], []
    for place, (outputs, handed) in enumerate(outputs_of(name)):
        size = SIZES[place % len(SIZES)]
        ours.append(task.postprocess(handed, size, spec).to_dict(5, confidence))
        options = {"minConfidence": confidence}
        theirs.append(node(f"tasks/{name}.js", "postprocess", tensors(outputs), size, spec.to_json(), {}, options))
    found = compared(ours, theirs)
    assert found["passed"] and found["largest_difference"] < 1e-5, found


@pytest.mark.parametrize("name", TASKS)
def test_explanations_ask_for_the_same(name: str, node: Callable[..., Any]) -> None:
    task, spec = TASKS[name].load()(), spec_of(name)
    batch = {key: values.astype(np.float32) for key, values in TINY[name].outputs(COUNT).items()}
    (reference, handed), size = outputs_of(name)[0], (97, 131)
    prediction = task.postprocess(handed, size, spec)
    number = task.item(prediction, spec, None, None)
    js = f"tasks/{name}.js"
    asked = node(js, "itemAsked", tensors(reference), {"item": 1}, size, spec.to_json(), {})
    found = node(js, "evidence", tensors(batch), tensors(reference), asked, spec.to_json())
    assert np.allclose(found, task.evidence(batch, reference, number, spec), atol=1e-6)
    small = np.random.default_rng(1).integers(0, 256, (6, 9), np.uint8)
    pixels = np.asarray(Image.fromarray(small).resize(size))[..., None]
    shape = task.preprocess(pixels, spec)["image"].shape
    values = np.random.default_rng(0).normal(size=shape[:2]).astype(np.float32)
    here = {"data": values, "width": shape[1], "height": shape[0]}
    there = node(js, "toImage", here, size, spec.to_json(), pixels_of(pixels))
    assert np.allclose(there["data"].reshape(size[::-1]), task.to_image(values, pixels, size, spec), atol=1e-5)


@pytest.mark.parametrize("lexicon", [[], ["abc", "cab", "bca"]])
def test_the_search_finds_what_the_reader_finds(lexicon: list[str], node: Callable[..., Any]) -> None:
    task = TASKS["read"].load()()
    model = learn(["abc cab", "abca bcab", "cab abc"] * 20).to_bytes()
    assets = {MODEL: model} | ({LEXICON: "\n".join(lexicon).encode()} if lexicon else {})
    search = {"width": 6, "weight": 0.5, "bonus": 0.9, "least": 1e-3, "sure": 0.999}
    spec = dataclasses.replace(
        spec_of("read"), classes=tuple(" abc"), assets=assets, extra={**EXTRA["read"], "search": search}
    )
    random = np.random.default_rng(0)
    many = random.dirichlet(np.ones(5) * 0.3, (20, 30)).astype(np.float32)
    rows = [tensors({"probabilities": one}) for one in many]
    found = node("../../tests/page/searched.mjs", "searched", rows, (120, 16), spec.to_json(), assets)
    assert found == [task.postprocess({"probabilities": one}, (120, 16), spec).to_dict() for one in many]


def test_the_order_of_typing_is_that_of_the_reader(node: Callable[..., Any]) -> None:
    characters = "אבגהלש abXY019%$()[«»,.-٣עربي\u05b0\u0301"
    random = np.random.default_rng(0)
    for text in ["".join(random.choice(list(characters), random.integers(1, 14))) for _ in range(100)]:
        found = node("tasks/read-bidi.js", "typed", list(text), bidi.table(characters))
        wanted = [[place, c] for (place, _), c in zip(visual_order(text), visual(text), strict=True)]
        assert found == wanted, text
    spec = dataclasses.replace(spec_of("read"), classes=tuple("אב"), extra={**EXTRA["read"], "bidi": bidi.table("אב")})
    batch = {"probabilities": np.eye(3, dtype=np.float32)[[0, 1, 0, 2, 0]] * 0.8 + 0.1}
    found = node("tasks/read.js", "postprocess", tensors(batch), (32, 16), spec.to_json(), {})
    assert found == TASKS["read"].load()().postprocess(batch, (32, 16), spec).to_dict()
    assert found["text"] == "בא"
    second = node("tasks/read.js", "itemAsked", tensors(batch), {"item": 2}, (32, 16), spec.to_json(), {})
    assert (second["index"], second["begin"]) == (1, 1), "the last letter that is typed stands on the left"


def test_a_line_that_is_too_long_is_refused(node: Callable[..., Any]) -> None:
    pixels = pixels_of(np.zeros((2, 2000, 1), np.uint8))
    found = node("tasks/read.js", "preprocess", pixels, spec_of("read").to_json())
    assert found == {"problem": "too-long", "values": {"times": 512}}


def test_the_blur_of_hidden_parts_is_pillows(node: Callable[..., Any]) -> None:
    from sightline.explain.subject import blurred

    for pixels in pictures(2):
        height, width, channels = pixels.shape
        found = node("occlusion.js", "blurred", pixels, height, width, channels)
        wanted = blurred(pixels)
        assert abs(found.reshape(pixels.shape).astype(int) - wanted).max() <= 1


def test_numbers_are_rounded_as_python_does(node: Callable[..., Any]) -> None:
    for value in (0.5, 1.5, 2.5, -0.5, 2.4999, 1e6 + 0.5):
        assert node("numbers.js", "rint", value) == round(value)
    for value in (0.1234567, 0.25, 0.75, 2.25, 2.35, 0.15, 0.125, 1e-9, 123.456, 0.5**7, 3 * 0.5**7, 12345.0625):
        for digits in (1, 2, 3, 4, 6):
            assert node("numbers.js", "rounded", value, digits) == round(value, digits), (value, digits)
