"""A toy to explain: its answer is how bright one corner of the image is, so the truth about it is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sightline.core.spec import Input, Spec
from sightline.explain.subject import Subject

CORNER = (slice(0, 8), slice(16, 24))


class Bright:
    """A task whose evidence is the mean brightness of the corner, 0..1."""

    def infer(self, runner: Any, inputs: dict[str, np.ndarray], spec: Spec) -> dict[str, np.ndarray]:
        return runner(inputs)

    def evidence(self, outputs: Any, reference: Any, item: int, spec: Spec) -> np.ndarray:
        return outputs["brightness"].astype(np.float64)


def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    corner = inputs["image"][:, CORNER[0], CORNER[1]]
    return {"brightness": corner.reshape(len(corner), -1).mean(axis=1) / 255}


def subject_of(image: np.ndarray, task: Any = None, network: Callable[[], Any] | None = None) -> Subject:
    """The toy's answer about an image of 24 x 24."""
    spec = Spec("toy", "toy", ("bright",), {"image": Input("uint8", image.shape)}, (0.0,), (255.0,))
    outputs = {name: values[0] for name, values in run({"image": image[None]}).items()}
    return Subject(task or Bright(), spec, run, {"image": image}, outputs, 0, None, network or (lambda: None))


@pytest.fixture
def toy() -> Subject:
    """A dark image that is bright in the corner."""
    image = np.full((24, 24, 1), 20, np.uint8)
    image[CORNER] = 230
    return subject_of(image)


@pytest.fixture
def planted() -> np.ndarray:
    """(24, 24) the true map: 1 in the corner."""
    truth = np.zeros((24, 24), np.float32)
    truth[CORNER] = 1
    return truth


@pytest.fixture
def make_subject() -> Callable[..., Subject]:
    """subject_of(image, task, network)."""
    return subject_of
