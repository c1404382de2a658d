"""Mosaic: boxes lie where their things lie, four images are used, and near the end there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from sightline.learn.augment import MOSAIC_ENDS, Policy, choose
from sightline.learn.augment_lines import LinePolicy

SIDE = 64


def scenes(count: int = 6) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Each image a grey level of its own with one bright square, of class `i`, away from the edge."""
    images, boxes = torch.zeros((count, 1, SIDE, SIDE)), torch.zeros((count, 2, 4))
    classes = torch.full((count, 2), -1)
    for i in range(count):
        left, top, side = 10 + 5 * i, 40 - 4 * i, 12
        images[i] = 0.1 + 0.05 * i
        images[i, 0, top : top + side, left : left + side] = 10.0 + i
        boxes[i, 0] = torch.tensor([left, top, left + side, top + side]) / SIDE
        classes[i, 0] = i
    return {"image": images}, {"boxes": boxes, "classes": classes}


def chance(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "policy", [Policy(mosaic=1), Policy(mosaic=1, flip=True), Policy(mosaic=1, flip=True, zoom=0.4)]
)
@pytest.mark.parametrize("seed", range(4))
def test_boxes_lie_around_their_things(policy: Policy, seed: int) -> None:
    inputs, targets = policy(*scenes(), chance(seed))
    assert inputs["image"].shape == (6, 1, SIDE, SIDE)
    seen = 0
    for image, boxes, classes in zip(inputs["image"][:, 0], targets["boxes"], targets["classes"], strict=True):
        for box, number in zip(boxes * SIDE, classes, strict=True):
            if number < 0:
                continue
            seen += 1
            left, top, right, low = (round(v) for v in box.tolist())
            inside = image[top:low, left:right]
            # What is in the box is the thing; its pixels at the rim are blended with what is around it.
            assert inside[1:-1, 1:-1].numel() == 0 or (inside[1:-1, 1:-1] > 9.4 + number).float().mean() > 0.9
        things, count = ndimage.label(image.numpy() > 9)  # type: ignore[misc]
        for rows, columns in ndimage.find_objects(things, count):
            centre = np.array([columns.start + columns.stop, rows.start + rows.stop]) / 2 / SIDE
            whole = (rows.stop - rows.start) * (columns.stop - columns.start) >= 0.5 * 12**2
            known = boxes[classes >= 0].numpy()
            within = ((known[:, :2] <= centre + 0.02) & (known[:, 2:] >= centre - 0.02)).all(1)
            assert within.any() or not whole
    assert seen >= 4


def test_four_images_meet_in_one() -> None:
    inputs, targets = Policy(mosaic=1)(*scenes(), chance(0))
    corners = inputs["image"][:, 0][:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert all(len(set(np.round(row, 3))) >= 2 for row in corners.numpy())
    assert targets["classes"].shape[1] <= 8


def test_some_images_stay_what_they_were() -> None:
    before, known = scenes()
    inputs, targets = Policy(mosaic=0.5)(before, known, chance(1))
    same = [torch.allclose(a, b, atol=1e-4) for a, b in zip(inputs["image"], before["image"], strict=True)]
    assert 0 < sum(same) < 6
    for i in np.flatnonzero(same):
        assert torch.allclose(targets["boxes"][i, 0], known["boxes"][i, 0], atol=1e-5)
        assert targets["classes"][i].tolist()[:1] == [i] and (targets["classes"][i, 1:] < 0).all()


def test_chance_repeats_and_the_end_is_without() -> None:
    policy = choose("strong", 3, "places")
    assert isinstance(policy, Policy) and policy.mosaic > 0
    first, again = (policy(*scenes(), chance(5))[0]["image"] for _ in range(2))
    assert torch.equal(first, again)
    assert policy.at(MOSAIC_ENDS - 0.01) is policy
    late = policy.at(MOSAIC_ENDS)
    assert isinstance(late, Policy) and late.mosaic == 0 and late.zoom == policy.zoom
    assert LinePolicy(slant=3).at(0.99) == LinePolicy(slant=3)


def test_masks_and_labels_know_no_mosaic() -> None:
    images = scenes()[0]["image"]
    inputs, targets = Policy(mosaic=1)({"image": images}, {"label": torch.arange(6)}, chance(0))
    assert torch.allclose(inputs["image"], images, atol=1e-4) and targets["label"].tolist() == list(range(6))
