"""Windows cover an image, share enough, and answer for each pixel once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.spec import Input, Spec
from sightline.core.windows import frame_of, windows

sides = st.integers(1, 90)


@given(st.tuples(sides, sides), st.tuples(sides, sides))
def test_every_pixel_is_answered_for_once_by_a_window_that_sees_it(
    size: tuple[int, int], frame: tuple[int, int]
) -> None:
    seen = np.zeros(size[::-1], np.int64)
    found = windows(size, frame)
    for one in found:
        left, top, right, low = one.box
        assert (right - left, low - top) == (min(frame[0], size[0]), min(frame[1], size[1]))
        x, y, x_end, y_end = one.core
        assert left <= x <= x_end <= right and top <= y <= y_end <= low
        seen[y:y_end, x:x_end] += 1
    assert (seen == 1).all()
    starts = sorted({one.box[0] for one in found})
    assert all(b - a <= max(1, min(frame[0], size[0]) * 3 // 4) for a, b in pairwise(starts))


def test_an_image_that_fits_is_one_window() -> None:
    (one,) = windows((30, 20), (30, 20))
    assert one.box == one.core == (0, 0, 30, 20)
    assert len(windows((31, 20), (30, 20))) == 2


def test_windows_have_the_shape_of_the_input() -> None:
    spec = Spec("detect", "auto", ("a",), {"image": Input("uint8", (240, 320, 3))}, (0.0,) * 3, (1.0,) * 3)
    assert frame_of(spec, 640) == (640, 480)
    assert frame_of(spec, 0) == (320, 240)
    tall = Spec("detect", "auto", ("a",), {"image": Input("uint8", (320, 160, 3))}, (0.0,) * 3, (1.0,) * 3)
    assert frame_of(tall, 100) == (50, 100)
    learned = Spec("detect", "auto", ("a",), tall.inputs, (0.0,) * 3, (1.0,) * 3, extra={"usual": [640, 480]})
    assert frame_of(learned, 0) == (640, 480)
