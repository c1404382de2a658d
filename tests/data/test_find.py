"""Lines are found on pages that are drawn here: straight, turned, in columns, and on pages without any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageFont

from sightline.data.find import components, find_lines, skew_of

WORDS = "the quick brown fox jumps over lazy dogs while a hundred millions of pages wait"


def page(angle: float = 0.0, columns: int = 1, lines: int = 8) -> np.ndarray:
    image = Image.new("L", (900, 700), 235)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    for column in range(columns):
        for row in range(lines):
            text = WORDS[row : row + (60 if columns == 1 else 26)]
            pen.text((60 + 430 * column, 60 + 60 * row), text, fill=20, font=font)
    return np.asarray(image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=235))[..., None]


@pytest.mark.parametrize("angle", [0.0, 2.0, -3.0])
def test_every_line_is_found_once_and_in_order(angle: float) -> None:
    found = find_lines(page(angle))
    assert len(found) == 8
    middles = [float(one.baseline[:, 1].mean()) for one in found]
    assert middles == sorted(middles)
    for one in found:
        cut = one.cut_from(page(angle))
        assert 20 <= cut.shape[0] <= 90 and cut.shape[1] > 200 and (cut < 100).any()


def test_boxes_end_at_the_ink_and_on_the_page() -> None:
    image = page()
    for one in find_lines(image):
        left, top, right, bottom = one.box
        columns = np.flatnonzero((image[top:bottom, :, 0] < 100).any(axis=0))
        assert left >= 0 and right <= 900 and top >= 0 and bottom <= 700
        assert columns[0] - 30 < left <= columns[0] and columns[-1] < right < columns[-1] + 30


def test_columns_are_read_one_after_the_other() -> None:
    found = find_lines(page(columns=2))
    assert len(found) == 16
    lefts = [one.box[0] for one in found]
    assert max(lefts[:8]) < 300 < min(lefts[8:])


def test_a_page_without_lines_has_none() -> None:
    assert find_lines(np.full((300, 400, 3), 240, np.uint8)) == []
    assert find_lines(np.zeros((20, 20, 1), np.uint8)) == []


def test_the_skew_is_measured() -> None:
    assert skew_of(page(0.0)[..., 0] < 128) == 0
    assert skew_of(page(2.0)[..., 0] < 128) == pytest.approx(-2.0, abs=0.3)


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_components_are_those_of_scipy(mask: np.ndarray) -> None:
    from scipy import ndimage

    labels, boxes = components(mask)
    wanted, count = ndimage.label(mask, np.ones((3, 3)))
    assert len(boxes) == count and ((labels > 0) == mask).all()
    pairs = {(int(a), int(b)) for a, b in zip(labels[mask], wanted[mask], strict=True)}
    assert len(pairs) == count
    for number, (left, top, right, bottom) in enumerate(boxes.tolist(), 1):
        y, x = np.nonzero(labels == number)
        assert (left, top, right, bottom) == (x.min(), y.min(), x.max() + 1, y.max() + 1)
