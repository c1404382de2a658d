"""Errors, predictions and the Spec: small values that check themselves."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightline.core.errors import MissingExtra, SightlineError, nearest, unknown
from sightline.core.predictions import ClassPrediction
from sightline.core.spec import VERSION, Input, Spec

NAMES = ("cat", "dog", "名前 🐈")
SPEC = Spec(
    "classify",
    "cnn",
    NAMES,
    {"image": Input("uint8", (16, None, 3))},
    (127.5,) * 3,
    (64.0,) * 3,
    {"dense": 8},
    1.25,
    {"a": [1]},
)


def prediction(*values: float) -> ClassPrediction:
    return ClassPrediction(np.array(values, np.float32), NAMES)


def test_an_error_says_what_was_wrong_where_and_what_to_type() -> None:
    assert str(SightlineError("it broke", "a.csv", "type: mend")) == "it broke: a.csv\n  type: mend"
    assert str(SightlineError("it broke")) == "it broke"
    error = MissingExtra("timm", "timm", "the network x")
    assert isinstance(error, SightlineError)
    assert (
        str(error)
        == "the network x needs the package timm, which is not installed\n  type: pip install 'sightline[timm]'"
    )


def test_the_nearest_names_come_best_first() -> None:
    assert nearest("epcohs", ["epochs", "patience", "epoch"])[0] == "epochs"
    assert nearest("zzz", ["epochs"]) == []
    assert unknown("verb", "zzz", ["b", "a"]).fix == "known: a, b"
    assert unknown("verb", "trian", ["train", "check"]).fix == "did you mean train?"


def test_a_prediction_ranks_its_classes() -> None:
    found = prediction(0.2, 0.7, 0.1)
    assert (found.label, round(found.confidence, 4)) == ("dog", 0.7)
    assert [name for name, _ in found.top(2)] == ["dog", "cat"]
    assert [name for name, _ in found.top(5, 0.15)] == ["dog", "cat"]
    assert found.to_dict(top=1) == {
        "label": "dog",
        "confidence": 0.7,
        "top": [{"label": "dog", "confidence": 0.7}],
    }
    assert found.to_text(1) == "dog 70.0%"


def test_a_prediction_below_the_confidence_has_no_label() -> None:
    found = prediction(0.2, 0.5, 0.3)
    assert found.to_dict(min_confidence=0.6) == {"label": None, "confidence": 0.5, "top": []}
    assert found.to_text(min_confidence=0.6) == "unsure (best dog 50.0%)"


def test_equal_probabilities_are_ranked_in_the_order_of_the_classes() -> None:
    found = prediction(1 / 3, 1 / 3, 1 / 3)
    assert found.label == "cat" and [name for name, _ in found.top()] == list(NAMES)


@pytest.mark.parametrize(
    "values", [(0.5, 0.4, 0.2), (0, 0, 0), (float("nan"), 0.5, 0.5), (float("inf"), 0, 0), (-1, 1, 1)]
)
def test_probabilities_that_are_none_are_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        prediction(*values)


def test_a_prediction_of_other_length_than_its_names_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 3 probabilities, got shape"):
        ClassPrediction(np.ones(2, np.float32) / 2, NAMES)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=30))
def test_any_prediction_is_plain_json(weights: list[float]) -> None:
    values = np.array(weights, np.float32) / np.float32(sum(weights))
    found = ClassPrediction(values, tuple(f"class {i}" for i in range(len(weights))))
    row = json.loads(json.dumps(found.to_dict()))
    assert row["label"] == found.label == row["top"][0]["label"]
    confidences = [entry["confidence"] for entry in row["top"]]
    assert confidences == sorted(confidences, reverse=True) and len(confidences) == min(5, len(weights))


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8, 3), (300, 500, 3), (8, 8)])
def test_a_prediction_is_drawn_below_its_image(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 200, np.uint8)
    drawn = prediction(0.2, 0.7, 0.1).draw(pixels)
    assert isinstance(drawn, Image.Image) and drawn.mode == "RGB"
    assert drawn.height > drawn.width * shape[0] / shape[1] and drawn.getpixel((0, 0)) == (200, 200, 200)
    strip = np.asarray(drawn)[-12:]
    assert strip.min() < 40 and strip.max() > 200, "there is no text in the strip"


def test_a_spec_survives_json() -> None:
    assert Spec.from_json(json.loads(json.dumps(SPEC.to_json()))) == SPEC


def test_a_newer_spec_is_refused_with_what_to_type() -> None:
    with pytest.raises(SightlineError, match=f"version {VERSION + 1}") as caught:
        Spec.from_json({**SPEC.to_json(), "version": VERSION + 1}, "x")
    assert "upgrade" in caught.value.fix and caught.value.where == "x"


@pytest.mark.parametrize("version", [None, 0, -1, "1", 1.5])
def test_a_spec_without_a_usable_version_is_refused(version: Any) -> None:
    with pytest.raises(SightlineError, match="the spec has no version"):
        Spec.from_json({**SPEC.to_json(), "version": version})


@pytest.mark.parametrize("name", sorted(SPEC.to_json().keys() - {"version"}))
def test_a_spec_that_lacks_a_field_is_refused(name: str) -> None:
    with pytest.raises(SightlineError, match="the spec is damaged"):
        Spec.from_json({k: v for k, v in SPEC.to_json().items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", ["x"]),
        ("mean", 3),
        ("mean", [10**400]),
        ("inputs", []),
        ("inputs", {"image": 3}),
        ("inputs", {"image": {"dtype": "uint8"}}),
        ("classes", 5),
        ("temperature", None),
        ("temperature", [1]),
        ("options", 3),
        ("extra", [1]),
    ],
)
def test_a_spec_with_a_wrong_field_is_refused(name: str, value: Any) -> None:
    with pytest.raises(SightlineError, match="the spec is damaged"):
        Spec.from_json({**SPEC.to_json(), name: value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from([f.name for f in dataclasses.fields(Spec)]), json_values)
def test_any_json_in_a_spec_is_read_or_refused(name: str, value: Any) -> None:
    try:
        found = Spec.from_json({**SPEC.to_json(), name: value})
    except SightlineError:
        return
    assert isinstance(found, Spec) and found.version == VERSION
