"""A bundle made ready to be asked why."""

from __future__ import annotations

import importlib.util
import itertools
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import MissingExtra, SightlineError, unknown
from sightline.core.predictions import Prediction
from sightline.core.task import Arrays, Runner, Size, Task
from sightline.data.image import Pixels
from sightline.explain import occlusion
from sightline.explain.faithfulness import Faithfulness, faithfulness
from sightline.explain.nearest import Memory, Neighbour
from sightline.explain.picture import overlay, tiles
from sightline.explain.subject import Heat, Subject
from sightline.run.bundle import Bundle
from sightline.run.runner import OnnxRunner
from sightline.tables import EXPLAINERS

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn

AUTO = ("occlusion",)
"""Best first: the first that the bundle permits. Occlusion needs no weights and says nothing but what it measured."""
LEAST_SIDE = 4
"""Pixels of a shorter side with at least two superpixels of 2 px, the smallest there are."""


SKETCH_CELLS, SKETCH_WINDOWS = 49, (2,)
"""Of a sketch: 64 windows on a square image, a quarter of what `explain` asks without its scores."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why the model answered so about one image.

    map: float32 (height, width) over the image's own pixels; above 0 speaks for the answer, below 0 against it.
    text, confidence: the answer that is explained, and how sure the model is of it, 0..1 (None where it
    does not say). item: its rank among the answers as `predict` lists them, from 1; None where it is not among them.
    scores: how far the map can be trusted, beside chance. facts: what the method has to say besides, plain JSON.
    nearest: nobody chose what is explained, and the model's answer is none: it is what came nearest to an answer.
    """

    map: NDArray[np.float32]
    method: str
    text: str
    confidence: float | None
    item: int | None
    scores: Faithfulness
    facts: dict[str, Any]
    seconds: float
    pixels: Pixels
    tiles: NDArray[np.float32] | None = None
    nearest: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the map."""
        return {
            "method": self.method,
            "label": self.text,
            "confidence": None if self.confidence is None else round(self.confidence, 6),
            "item": self.item,
            **self.scores.to_dict(),
            "size": [self.map.shape[1], self.map.shape[0]],
            **self.facts,
            "seconds": round(self.seconds, 2),
        }

    @property
    def answer(self) -> str:
        """What is explained, and how sure the model is of it, for people."""
        said = self.text if self.confidence is None else f"{self.text} {self.confidence:.1%}"
        return f"{said} (the nearest: the answer is none)" if self.nearest else said

    def overlay(self) -> Image:
        """The image beside itself with the map on it, and what is explained below."""
        lines = (self.answer, f"{self.method}: {self.scores.verdict}")
        if self.tiles is not None:
            return tiles(self.pixels, self.map, self.tiles, lines)
        return overlay(self.pixels, self.map, lines)


class Explainer:
    """Explains any image by any method that its bundle permits; the network is opened once, if at all."""

    def __init__(self, bundle: Bundle, task: Task, runner: Runner | None = None) -> None:
        """runner: what answers; the bundle's own graph where none is given."""
        self.bundle, self.task, self.spec = bundle, task, bundle.spec
        self.runner: Runner = runner or OnnxRunner(bundle.graph)

    @cached_property
    def network(self) -> nn.Module:
        """The weights, opened by torch."""
        from sightline.explain.weights import open_network

        return open_network(self.bundle, self.task)

    def method_named(self, name: str = "auto") -> str:
        """The method to use. Raises SightlineError for one that does not exist, and for what the bundle lacks."""
        permitted = [n for n, entry in EXPLAINERS.items() if not entry.weights or self._has_weights]
        if name == "auto":
            ready = [n for n in AUTO if n in permitted]
            return ready[0]
        if name not in EXPLAINERS:
            raise unknown("method", name, ["auto", *EXPLAINERS])
        if name not in permitted:
            raise SightlineError(
                f"{name} needs the network's weights, and this bundle holds none: it is quantized",
                str(self.bundle.path),
                f"these methods remain: {', '.join(permitted)}",
            )
        if EXPLAINERS[name].weights:
            for package in ("torch", "safetensors"):
                if importlib.util.find_spec(package) is None:
                    raise MissingExtra(package, "explain", f"--method {name}")
        return name

    @property
    def _has_weights(self) -> bool:
        return "model.safetensors" in self.bundle.members

    def answer(self, pixels: Pixels, size: Size) -> tuple[Arrays, Arrays, Prediction]:
        """Inputs, outputs (both without batch axis) and prediction of one image, as `predict` gives them."""
        inputs = self.task.preprocess(pixels, self.spec)
        batch = self.task.infer(self.runner, {name: value[None] for name, value in inputs.items()}, self.spec)
        outputs = {name: value[0] for name, value in batch.items()}
        return inputs, outputs, self.task.postprocess(outputs, size, self.spec)

    def sketch(self, pixels: Pixels, size: Size) -> NDArray[np.float32]:
        """A coarse map of the first answer by occlusion, (height, width) over `pixels`; not scored, so it costs little.

        For pages that show several. Raises SightlineError for an answer that says nothing, and an image too small.
        """
        if min(size) < LEAST_SIDE:
            raise SightlineError(f"an image of {size[0]} x {size[1]} px is smaller than a superpixel")
        inputs, outputs, prediction = self.answer(pixels, size)
        number = self.task.item(prediction, self.spec, None, None)
        subject = Subject(self.task, self.spec, self.runner, inputs, outputs, number, None, lambda: self.network)
        heat = occlusion.explain(subject, SKETCH_CELLS, SKETCH_WINDOWS)
        height, width = pixels.shape[:2]
        return self.task.to_image(heat.values, pixels, (width, height), self.spec)

    @cached_property
    def memory(self) -> Memory:
        """What the bundle remembers of its training images. Raises SightlineError where that is nothing."""
        return Memory.of(self.bundle)

    def nearest(self, pixels: Pixels, size: Size, count: int = 5) -> tuple[list[Neighbour], Prediction]:
        """The training images most like this one, by the network's features, and the prediction of this one."""
        memory = self.memory
        _, outputs, prediction = self.answer(pixels, size)
        if "features" not in outputs:
            raise SightlineError("the bundle's graph gives no features", str(self.bundle.path), "train with --memory")
        return memory.nearest(outputs["features"], count), prediction

    def explain(
        self, pixels: Pixels, size: Size, method: str = "auto", label: str | None = None, item: int | None = None,
        layer: str | None = None,
    ) -> Explanation:  # fmt: skip
        """One explanation. pixels: (height, width, 1 or 3) as `image.read` gives them; size: of the whole image.

        Raises SightlineError for a label, an item, a layer or a method that is not there, and an image too small.
        """
        begun = time.monotonic()
        method = self.method_named(method)
        if layer is not None and not EXPLAINERS[method].layers:
            have = ", ".join(name for name, entry in EXPLAINERS.items() if entry.layers)
            raise SightlineError(f"{method} looks at no layer of the network", fix=f"--layer is for: {have}")
        if min(size) < LEAST_SIDE and not EXPLAINERS[method].weights:
            others = [name for name, entry in EXPLAINERS.items() if entry.weights and self._has_weights]
            raise SightlineError(
                f"an image of {size[0]} x {size[1]} px is smaller than a superpixel: there are no parts to compare",
                fix=f"{method} needs at least {LEAST_SIDE} x {LEAST_SIDE} px"
                + (f"; for smaller ones type: --method {others[0]}" if others else ""),
            )
        inputs, outputs, prediction = self.answer(pixels, size)
        number = self.task.item(prediction, self.spec, label, item)
        subject = Subject(
            self.task, self.spec, self.runner, inputs, outputs, number, layer, lambda: self.network
        )  # fmt: skip
        heat: Heat = EXPLAINERS[method].load()(subject)
        scores = faithfulness(subject, heat.values)
        text, confidence = self.task.item_text(prediction, number, self.spec)
        values = self.task.to_image(heat.values, pixels, size, self.spec)
        # A prediction that names nothing has an empty label; `item` then gives what came nearest.
        nearest = label is None and item is None and prediction.to_dict().get("label") == ""
        rank, seconds = self._rank(prediction, number), time.monotonic() - begun
        return Explanation(
            values, method, text, confidence, rank, scores, heat.facts, seconds, pixels, heat.tiles, nearest
        )

    def _rank(self, prediction: Prediction, number: int) -> int | None:
        """From 1, the `item` that stands for this number."""
        for rank in itertools.count(1):
            try:
                if self.task.item(prediction, self.spec, None, rank) == number:
                    return rank
            except SightlineError:  # there are no more
                return None
        raise AssertionError
