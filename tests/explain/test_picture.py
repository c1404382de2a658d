"""Pictures of maps: what is bright is what matters."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.explain import blend


@pytest.mark.parametrize(
    ("shape", "size"), [((28, 28, 1), (224, 224)), ((32, 16, 3), (112, 224)), ((300, 600, 3), (224, 112))]
)
def test_a_blend_is_grey_where_nothing_matters_and_warm_where_something_does(
    shape: tuple[int, int, int], size: tuple[int, int]
) -> None:
    height, width, _ = shape
    values = np.zeros((height, width), np.float32)
    values[: height // 4, : width // 4] = 1
    made = blend(np.full(shape, 128, np.uint8), values, 224, 224)
    assert made.size == size
    pixels = np.asarray(made).astype(int)
    warm, cold = pixels[2, 2], pixels[-3, -3]
    assert len(set(cold.tolist())) == 1 and warm[0] > warm[2] + 20 and warm[0] > cold[0]
