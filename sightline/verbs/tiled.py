"""--tile: large images in overlapping windows, whose answers the task puts together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from sightline.core.errors import SightlineError
from sightline.core.predictions import Prediction
from sightline.core.spec import Spec
from sightline.core.task import Runner, Task
from sightline.core.windows import Window, frame_of, windows
from sightline.data.dataset import Dataset
from sightline.data.image import Pixels, read
from sightline.data.scan import chunks

AT_ONCE, INPUT_PIXELS = 16, 2**21
"""Windows that the graph sees at a time: fewer of large inputs."""
HELP = (
    "look at large images through overlapping windows of so many of their pixels along the longer side (alone: as "
    "large as the images it learned from)"
)


def need_merge(task: Task) -> None:
    """Raises SightlineError where a task cannot put the answers of windows together."""
    if not hasattr(task, "merge"):
        raise SightlineError(
            f"--tile cuts images into windows, and what {task.name} says of windows does not add up to an answer about "
            "the image",
            fix="leave it out: it is for boxes and masks (detect and segment)",
        )


def predict_tiled(task: Task, runner: Runner, image: Pixels, spec: Spec, tile: int) -> Prediction:
    """One prediction in the image's own pixels.

    image: uint8 (height, width, channel); tile: as in `frame_of`. Beside the image, memory holds some windows at a time
    and the answer.
    """
    size = (image.shape[1], image.shape[0])

    def parts() -> Iterator[tuple[Window, Prediction]]:
        found = windows(size, frame_of(spec, tile))
        height, width = (side or 1 for side in spec.inputs["image"].shape[:2])
        for some in chunks(len(found), max(1, min(AT_ONCE, INPUT_PIXELS // (height * width)))):
            yield from _answers(task, runner, image, spec, found[some])

    return cast("Any", task).merge(parts(), size, spec)


def _answers(
    task: Task, runner: Runner, image: Pixels, spec: Spec, some: list[Window]
) -> Iterator[tuple[Window, Prediction]]:
    cut = [image[window.box[1] : window.box[3], window.box[0] : window.box[2]] for window in some]
    seen = [task.preprocess(np.ascontiguousarray(part), spec) for part in cut]
    outputs = task.infer(runner, {key: np.stack([one[key] for one in seen]) for key in seen[0]}, spec)
    for place, (window, part) in enumerate(zip(some, cut, strict=True)):
        one = {key: values[place] for key, values in outputs.items()}
        yield window, task.postprocess(one, (part.shape[1], part.shape[0]), spec)


def tiled_all(
    task: Task, runner: Runner, dataset: Dataset, spec: Spec, tile: int, max_pixels: int
) -> Iterator[tuple[int, Prediction]]:
    """The place and the prediction of each example."""
    for place in range(len(dataset)):
        image = read(dataset.images.load(place), None, max_pixels)
        yield place, predict_tiled(task, runner, image, spec, tile)
