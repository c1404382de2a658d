"""Occlusion, LIME and their parts find what was planted, and compute what the papers say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from sightline.explain import lime, occlusion
from sightline.explain.faithfulness import Faithfulness, faithfulness
from sightline.explain.subject import Subject, blurred, grid, log_odds
from sightline.explain.superpixels import superpixels


@pytest.mark.parametrize("method", [occlusion, lime])
def test_the_planted_corner_is_found(method: object, toy: Subject, planted: np.ndarray) -> None:
    values = method.explain(toy).values  # type: ignore[attr-defined]
    assert values.dtype == np.float32 and values.shape == planted.shape
    assert values[planted > 0].mean() > 5 * abs(values[planted == 0].mean())
    assert planted.ravel()[values.argmax()] == 1


def test_every_window_counts_as_often_as_it_hides() -> None:
    masks = occlusion.windows(3, 4, 2)
    assert masks.shape[1] == 12 and masks.any(axis=1).all()
    assert len(np.unique(masks, axis=0)) == len(masks)
    assert set(masks.sum(axis=1)) == {1, 2, 4}
    assert masks.any(axis=0).all()


def test_the_ridge_agrees_with_an_independent_library() -> None:
    random = np.random.default_rng(0)
    x, weights = (random.random((80, 12)) < 0.5).astype(float), random.random(80)
    y = x @ random.normal(size=12) + 0.1 * random.normal(size=80) + 3
    ours, fit = lime.weighted_ridge(x, y, weights, ridge=0.7)
    theirs = Ridge(alpha=0.7).fit(x, y, sample_weight=weights)
    assert np.allclose(ours, theirs.coef_, atol=1e-9)
    assert fit == pytest.approx(theirs.score(x, y, sample_weight=weights), abs=1e-9)


def test_the_kernel_is_that_of_the_paper() -> None:
    keep = np.array([[True] * 4, [True, False, False, False], [False] * 4])
    cosine = 1 - np.array([1, 1 / np.sqrt(4), 0])
    assert np.allclose(lime.closeness(keep), np.exp(-(cosine**2) / 0.25**2))


def test_superpixels_follow_the_colours() -> None:
    image = np.full((48, 64, 3), (200, 30, 30), np.uint8)
    image[:, 29:] = (20, 40, 220)
    parts = superpixels(image, 24)
    left, right = set(parts[:, :29].ravel()), set(parts[:, 29:].ravel())
    assert not left & right, "no region lies on both sides of the edge"
    assert sorted(left | right) == list(range(parts.max() + 1)) and 18 <= parts.max() + 1 <= 30


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 100))
def test_a_grid_covers_every_pixel_with_even_cells(height: int, width: int, count: int) -> None:
    cells, rows, columns = grid(height, width, count)
    assert cells.shape == (height, width)
    assert sorted(set(cells.ravel())) == list(range(rows * columns))
    sizes = np.bincount(cells.ravel())
    assert sizes.max() <= 4 * sizes.min() + 4


def test_log_odds_are_finite_where_an_answer_is_certain() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
    assert log_odds(np.array([0.5, 0.75])) == pytest.approx([0, np.log(3)])


def test_the_stand_in_is_what_backs_the_answer_less(toy: Subject) -> None:
    # The corner stays bright under a blur; the mean colour of the whole is darker.
    assert (toy.stand_in == round(float(toy.image.mean()))).all()
    assert blurred(toy.image)[:8, 16:].mean() > toy.stand_in.mean()


def test_parts_are_replaced_where_they_are_not_kept(toy: Subject) -> None:
    parts, rows, columns = grid(24, 24, 9)
    keep = np.ones((70, rows * columns), bool)  # more than a batch
    keep[1:, 2] = False
    evidence = toy.evidence_without(keep, parts, np.zeros_like(toy.image))
    assert evidence == pytest.approx([230 / 255] + [0.0] * 69)


def test_areas_of_the_true_map_are_those_by_hand(toy: Subject, planted: np.ndarray) -> None:
    found = faithfulness(toy, planted)
    # 64 patches of 3 x 3, 4 a step; the corner is 3 x 3 patches in part: all of it is gone after 9 of 64.
    gone, low, high = np.linspace(0, 64, 17), float(toy.stand_in[0, 0, 0]) / 255, 230 / 255
    assert found.deletion < found.random_deletion and found.insertion > found.random_insertion
    assert low < found.deletion < low + (high - low) * 12 / 64 and len(gone) == 17
    assert high > found.insertion > high - (high - low) * 12 / 64
    assert found.random_deletion == pytest.approx((low + high) / 2, abs=0.12)
    assert found.verdict == "better than chance"
    worst = faithfulness(toy, -planted)
    assert worst.deletion > worst.random_deletion and worst.verdict == "no better than chance"
    assert worst.random_deletion == found.random_deletion, "chance does not depend on the map"


@pytest.mark.parametrize(("areas", "nothing"), [((0.001, 0.004, 0.002, 0.003), True), ((0.0, 0.02, 0.0, 0.01), False)])
def test_where_the_answer_has_no_weight_there_is_nothing_to_measure(areas: tuple[float, ...], nothing: bool) -> None:
    assert Faithfulness(*areas).verdict.startswith("nothing to measure: the model gives") is nothing
