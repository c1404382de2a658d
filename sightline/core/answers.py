"""The JSON of answers as types: what `predict --json`, `explain --json` and the server write."""

from __future__ import annotations

from typing import Any, Required, TypedDict


class Ranked(TypedDict):
    """A class and how probable it is, 0..1."""

    label: str
    confidence: float


class Character(TypedDict):
    """A character that was read; x: from where to where it stands, in pixels of the image."""

    text: str
    confidence: float
    x: list[float]


class Box(TypedDict):
    """What was found; box: left, top, right, bottom in pixels of the image."""

    label: str
    confidence: float
    box: list[float]


class Region(TypedDict):
    """All pixels of one class; share: of the image, 0..1; confidence: the mean; box: around all of them."""

    label: str
    share: float
    confidence: float
    box: list[int]


class Answer(TypedDict, total=False):
    """What a model sees in one image: the keys are those of its task, as on the page of each in the manual.

    image: its path, or `image N`. error: why there is no answer; then there is nothing else.
    """

    image: Required[str]
    error: str
    label: str | None
    labels: list[str]
    confidence: float
    top: list[Ranked]
    value: float
    low: float | None
    high: float | None
    text: str | None
    characters: list[Character]
    count: int
    boxes: list[Box]
    size: list[int]
    classes: list[Region]
    names: list[str]
    rle: list[list[int]]


class Explained(TypedDict, total=False):
    """What in an image an answer rests on: `explain --json`, whether it can be believed, and the map as a picture.

    heat: the map as a `data:` address of a PNG with transparency, of the image's size.
    """

    image: Required[str]
    method: Required[str]
    label: Required[str]
    confidence: float | None
    item: int | None
    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float
    size: list[int]
    seconds: float
    verdict: Required[str]
    heat: Required[str]


class ModelFacts(TypedDict):
    """One model of a server. input: height, width, channels; refused: why the file that lies there is not served."""

    name: str
    task: str
    network: str
    classes: list[str]
    input: list[int | None]
    version: str
    loaded: str
    metrics: dict[str, Any]
    refused: dict[str, str] | None
