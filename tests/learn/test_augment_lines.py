"""Augmented lines: a little wider or narrower, never mirrored, repeatable, and dark ink stays dark on light paper."""

from __future__ import annotations

import pytest
import torch

from sightline.learn.augment import choose
from sightline.learn.augment_lines import STEP, LinePolicy


def lines(count: int = 4) -> torch.Tensor:
    images = torch.full((count, 1, 48, 200), 1.5)
    for left in range(20, 180, 10):
        images[:, :, 16:32, left : left + 4] = -1.5
    return images


@pytest.mark.parametrize("name", ["light", "strong"])
def test_a_line_stays_a_line(name: str) -> None:
    policy = choose(name, 1, "line")
    targets = {"text": torch.ones(4, 7, dtype=torch.int64)}
    seen, found = policy({"image": lines()}, targets, torch.Generator().manual_seed(3))
    again, _ = policy({"image": lines()}, targets, torch.Generator().manual_seed(3))
    other, _ = policy({"image": lines()}, targets, torch.Generator().manual_seed(4))
    image = seen["image"]
    assert torch.equal(image, again["image"]) and not torch.equal(image, other["image"])
    assert image.shape[:3] == (4, 1, 48) and image.shape[3] % STEP == 0 and 200 * 0.8 <= image.shape[3] <= 200 * 1.3
    assert torch.isfinite(image).all() and found is targets
    assert image[:, :, 18:30].mean() < image[:, :, :6].mean() - 0.3, "the ink is still in the middle"


def test_nothing_is_changed_where_nothing_is_asked_for() -> None:
    images = lines()
    assert choose("none", 1, "line")({"image": images}, {}, torch.Generator())[0]["image"] is images
    assert LinePolicy.flip is False


def test_stretching_moves_the_end_of_the_text_and_not_its_beginning() -> None:
    generator, ends, widths = torch.Generator().manual_seed(0), [], []
    for _ in range(24):
        seen, _ = LinePolicy(stretch=0.2)({"image": lines(2)}, {}, generator)
        dark = (seen["image"][:, 0, 24] < 0).float()
        first, last = dark.argmax(1), dark.shape[1] - 1 - dark.flip(1).argmax(1)
        assert (first.float() - 20).abs().max() <= 6
        assert int(last.max()) < dark.shape[1] - 8, "text was cut off"
        ends += last.tolist()
        widths.append(dark.shape[1])
    assert max(ends) - min(ends) > 40
    assert min(widths) < 200 < max(widths), "batches were padded instead of stretched"


def test_ink_is_made_thicker_and_thinner() -> None:
    images = lines(64)
    seen, _ = LinePolicy(ink=1.0)({"image": images}, {}, torch.Generator().manual_seed(0))
    light = seen["image"][:, :, :, :200].mean((1, 2, 3))
    assert light.min() < images.mean() - 0.05 and images.mean() + 0.05 < light.max()
