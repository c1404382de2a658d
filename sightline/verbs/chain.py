"""predict --then: a second bundle looks at what the first has found, and so on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.places import ChainedPrediction, Places, shifted
from sightline.core.predictions import Prediction
from sightline.core.task import Task
from sightline.data.image import MAX_PIXELS, Pixels, read
from sightline.data.parallel import default_workers, ordered_map, part_size
from sightline.data.scan import chunks
from sightline.verbs.predict import Answer, Predictor

MOST_AT_ONCE = 64
"""Crops that go through the second bundle together."""


class Chain:
    """A predictor of places, and the predictor, or chain, that looks at each of them: used like a Predictor."""

    def __init__(self, first: Predictor, then: Predictor | Chain, min_confidence: float = 0.0) -> None:
        """min_confidence: from which on a place is looked at; 0 stands for the first bundle's threshold.

        Raises SightlineError where the first finds no places.
        """
        if not getattr(first.task, "places", False):
            raise SightlineError(
                f"--then looks into what a bundle has found, and one for {first.task.name} finds no places",
                fix="name a bundle for detect first: sightline predict DETECTOR --then OTHER IMAGE…",
            )
        self.first, self.then, self.min_confidence = first, then, min_confidence

    @property
    def task(self) -> Task:
        """That of the first bundle."""
        return self.first.task

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table of answers, a row a place."""
        places = ("item", "label", "confidence", "left", "top", "right", "bottom")
        return (*places, *(f"then_{name}" for name in self.then.columns))

    def rows(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of that table from a prediction's `to_dict`; one with nothing in it where nothing was found."""
        found: list[dict[str, Any]] = []
        for number, box in enumerate(answer["boxes"], 1):
            place = dict(zip(("left", "top", "right", "bottom"), box["box"], strict=True))
            place |= {"item": number, "label": box["label"], "confidence": box["confidence"]}
            inner: list[dict[str, Any]] = [{}] if "error" in box["then"] else self.then.rows(box["then"])
            found += [{**place, **{f"then_{name}": value for name, value in row.items()}} for row in inner]
        return found or [{}]

    def use_threads(self, count: int) -> None:
        """Of all graphs."""
        self.first.use_threads(count)
        self.then.use_threads(count)

    def answers(
        self, sources: Sequence[Any], workers: int | None = None, max_pixels: int = MAX_PIXELS, tile: int | None = None
    ) -> Iterator[Answer]:
        """One answer a source, in order, each worker doing all that belongs to its sources.

        tile: the first looks through windows, as in `Predictor.answers`.
        """
        if tile is not None:
            for one in self.first.answers(sources, 0, max_pixels, tile):
                found = one.prediction and self.inside(cast("Places", one.prediction), one.pixels, max_pixels)
                yield dataclasses.replace(one, prediction=found)
            return
        workers = default_workers(len(sources)) if workers is None else workers
        if workers > 1:
            self.use_threads(1)
        parts = list(chunks(len(sources), part_size(len(sources), workers)))

        def look(part: slice) -> list[tuple[Prediction | None, str | None]]:  # the sources need not travel back
            return [(one.prediction, one.error) for one in self.batch(sources[part], max_pixels)]

        for part, found in zip(parts, ordered_map(look, parts, workers), strict=True):
            for source, (prediction, error) in zip(sources[part], found, strict=True):
                yield Answer(source, prediction, error)

    def batch(self, sources: Sequence[Any], max_pixels: int = MAX_PIXELS) -> list[Answer]:
        """One answer a source, in this process."""
        found = self.first.batch(sources, max_pixels)
        return [
            Answer(one.source, self.inside(cast("Places", one.prediction), one.source, max_pixels))
            if one.prediction
            else one
            for one in found
        ]

    def inside(self, found: Places, source: Any, max_pixels: int = MAX_PIXELS) -> ChainedPrediction:
        """What the second sees in the places that the first has found in an image."""
        corners = found.corners[: found.shown(self.min_confidence)]
        pixels = read(source, None, max_pixels) if len(corners) else np.zeros((1, 1, 1), np.uint8)
        crops = [crop(pixels, one) for one in corners]
        seen: list[Answer] = []
        for begin in range(0, len(crops), MOST_AT_ONCE):
            seen += self.then.batch([pixels for pixels, _ in crops[begin : begin + MOST_AT_ONCE]], max_pixels)
        parts = [
            shifted(one.prediction, left, top) if one.prediction else one.error or ""
            for one, (_, (left, top)) in zip(seen, crops, strict=True)
        ]
        return ChainedPrediction(found, tuple(parts), self.min_confidence)


def chained(predictors: Sequence[Predictor], min_confidence: float = 0.0) -> Predictor | Chain:
    """The first, whose places the second looks at, whose places the third looks at …"""
    first, *rest = predictors
    return Chain(first, chained(rest, min_confidence), min_confidence) if rest else first


def crop(pixels: Pixels, corners: NDArray[np.float64]) -> tuple[Pixels, tuple[int, int]]:
    """The pixels that a box touches, at least one, and the (left, top) of the first."""
    height, width = pixels.shape[:2]
    left, top = min(max(0, math.floor(corners[0])), width - 1), min(max(0, math.floor(corners[1])), height - 1)
    right, bottom = max(left + 1, math.ceil(corners[2])), max(top + 1, math.ceil(corners[3]))
    return np.ascontiguousarray(pixels[top:bottom, left:right]), (left, top)
