"""The subject of an explanation: one image, one of the model's answers about it, and the means to ask again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sightline.core.spec import Spec
from sightline.core.task import Arrays, Runner, Task

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float32] | NDArray[np.float64]
BATCH_PIXELS = 2**20
"""Pixels of a batch that is asked at once: at most 64 images, fewer if they are large."""
SURE = 1e-6
"""Evidence nearer than this to 0 or 1 counts as this near: float32 tells no more."""


@dataclass(frozen=True)
class Heat:
    """What a method found.

    values: float32 over the input's pixels (height, width); above 0 speaks for the answer, below 0 against it.
    facts: what only this method has to say, plain JSON.
    tiles: (n, height, width) float32, further maps to show, where the method has them.
    """

    values: NDArray[np.float32]
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    tiles: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Subject:
    """One image and the answer that is explained.

    inputs, outputs: of the whole image, without batch axis. item: the number that `Task.item` gave.
    layer: the layer that the user named. network: opens the weights, on the CPU; only methods that need them call it.
    """

    task: Task
    spec: Spec
    runner: Runner
    inputs: Arrays
    outputs: Arrays
    item: int
    layer: str | None
    network: Callable[[], nn.Module]

    @property
    def image(self) -> NDArray[np.uint8]:
        """The input's pixels, uint8 (height, width, 1 or 3)."""
        return self.inputs["image"]

    @property
    def sides(self) -> tuple[int, int]:
        """(height, width) of the input."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def stand_in(self) -> NDArray[np.uint8]:
        """What replaces hidden parts: the image blurred, or its mean colour, whichever backs the answer less.

        Both are soft: black or grey parts would be edges that no image has. But a blurred cat may still be a cat,
        and then to hide nothing would look like hiding much.
        """
        mean = np.rint(self.image.mean(axis=(0, 1))).astype(np.uint8)
        fills = (blurred(self.image), np.broadcast_to(mean, self.image.shape))
        whole = np.zeros(self.sides, np.int64)
        backing = [float(self.evidence_without(np.zeros((1, 1), np.bool_), whole, fill)[0]) for fill in fills]
        return fills[int(np.argmin(backing))]

    def evidence_without(
        self, keep: NDArray[np.bool_], parts: NDArray[np.int64], fill: NDArray[np.uint8]
    ) -> NDArray[np.float64]:
        """(n,) evidence in 0..1 for the answer when parts of the image are replaced.

        keep: (n, number of parts), False where a part is replaced; parts: (height, width), the part of each pixel;
        fill: (height, width, channel), what stands in for the image there.
        """
        size = max(1, min(64, BATCH_PIXELS // parts.size))
        found: list[NDArray[np.float64]] = []
        for start in range(0, len(keep), size):
            shown = keep[start : start + size][:, parts][..., None]
            batch = {name: np.repeat(value[None], len(shown), 0) for name, value in self.inputs.items()}
            batch["image"] = np.where(shown, self.image, fill)
            outputs = self.task.infer(self.runner, batch, self.spec)
            found.append(self.task.evidence(outputs, self.outputs, self.item, self.spec))
        return np.concatenate(found)


def log_odds(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p / (1 - p)): where an answer is all but certain, p itself hardly moves and this still does."""
    p = np.clip(evidence, SURE, 1 - SURE)
    return np.log(p / (1 - p))


def blurred(image: NDArray[np.uint8], share: float = 0.15) -> NDArray[np.uint8]:
    """The image without its detail: a Gaussian blur of `share` of the shorter side, of the same shape."""
    grey = image.shape[2] == 1
    picture = Image.fromarray(image[..., 0] if grey else image)
    radius = share * min(picture.size)
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)))
    return soft[..., None] if grey else soft


def grid(height: int, width: int, count: int) -> tuple[NDArray[np.int64], int, int]:
    """Cuts the input into about `count` nearly square cells: (height, width) numbers of cells, rows, columns."""
    side = max(1.0, np.sqrt(height * width / count))
    rows, columns = max(1, round(height / side)), max(1, round(width / side))
    y = np.arange(height) * rows // height
    x = np.arange(width) * columns // width
    return y[:, None] * columns + x[None], rows, columns
