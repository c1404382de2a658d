"""Histograms of oriented gradients: a case by hand, edges of known direction, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.baseline import hog


def edge(degrees: float, side: int = 24) -> np.ndarray:
    """A soft ramp of brightness whose gradient points that way."""
    y, x = np.mgrid[:side, :side].astype(np.float64)
    ramp = np.cos(np.radians(degrees)) * x + np.sin(np.radians(degrees)) * y
    return (4 * ramp).astype(np.float32)[None, ..., None]


def test_a_step_by_hand() -> None:
    """Left half 0, right half 10, 4 x 4: the two middle columns have gradient 10 at 0 degrees, between bins 8 and 0."""
    image = np.zeros((1, 4, 4, 1), np.uint8)
    image[:, :, 2:] = 10
    magnitude, angle = hog.gradients(image)
    assert magnitude[0].tolist() == [[0, 10, 10, 0]] * 4 and not angle[magnitude > 0].any()
    cells = hog.cell_histograms(magnitude, angle, 2)
    wanted = np.zeros(9)
    wanted[[0, 8]] = 10  # two pixels of 10, half in each of the two bins around 0 degrees
    assert np.allclose(cells, wanted)
    block = hog.hog(image, 2)
    # Eight equal values of 10 and 28 zeros: 10 / sqrt(800 + 1) = 0.353, clipped to 0.2, then 1 / sqrt(8).
    assert np.allclose(block, np.tile(wanted / 10, 4) / np.sqrt(8 + 1e-6 / 0.04), atol=1e-5)


@pytest.mark.parametrize("number", range(9))
def test_an_edge_falls_into_the_bin_of_its_direction(number: int) -> None:
    for degrees in (20 * number + 10, 20 * number + 190):  # the sign does not count
        cells = hog.cell_histograms(*hog.gradients(edge(degrees)), 8)[0, 1, 1]
        assert cells.argmax() == number and cells[number] > 0.98 * cells.sum()


def test_between_two_directions_the_vote_is_shared_by_nearness() -> None:
    cells = hog.cell_histograms(*hog.gradients(edge(35)), 8)[0, 1, 1]
    assert np.allclose(cells[1:3] / cells.sum(), [0.75, 0.25], atol=1e-3)


def test_votes_are_neither_lost_nor_made() -> None:
    magnitude, angle = hog.gradients(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8))
    assert np.allclose(hog.cell_histograms(magnitude, angle, 4).sum(axis=(1, 2, 3)), magnitude.sum(axis=(1, 2)))


def test_brightness_and_contrast_do_not_matter() -> None:
    image = np.random.default_rng(1).uniform(0, 100, (2, 16, 16, 1)).astype(np.float32)
    found = hog.hog(image, 4)
    assert np.allclose(hog.hog(image + 50, 4), found, atol=1e-4)
    assert np.allclose(hog.hog(image * 2.5, 4), found, atol=1e-3)
    assert not np.allclose(hog.hog(image[:, :, ::-1], 4), found, atol=0.1)


def test_the_channel_with_the_strongest_gradient_speaks() -> None:
    colour = np.random.default_rng(2).integers(0, 20, (1, 16, 16, 3)).astype(np.uint8)
    colour[..., 1:2] = np.clip(edge(90, 16) * 4, 0, 255).astype(np.uint8)
    assert np.allclose(hog.hog(colour, 8), hog.hog(colour[..., 1:2], 8), atol=0.05)


@pytest.mark.parametrize(
    ("side", "channels", "count"),
    [
        (8, 1, 9 * 36 + 64),
        (16, 3, 49 * 36 + 768),
        (28, 1, 36 * 36),
        (32, 3, 49 * 36),
        (30, 1, 36 * 36),
        (224, 3, 36 * 36),
    ],
)
def test_shapes_and_finite_values(side: int, channels: int, count: int) -> None:
    images = np.random.default_rng(3).integers(0, 256, (2, side, side, channels)).astype(np.uint8)
    images[1] = 7
    found = hog.features(images)
    assert found.shape == (2, count) and found.dtype == np.float32 and np.isfinite(found).all()
    assert found.min() >= 0 and found.max() <= 1
    assert not found[1, : 36 * ((side // hog.cell_size(side)) - 1) ** 2].any(), "an even image has no direction"
    assert np.array_equal(hog.features(images[:1])[0], found[0]), "a batch changes nothing"
