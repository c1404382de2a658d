"""Mosaic: four images of a batch meet at a point of one (Bochkovskiy et al. 2020, YOLOv4), for boxes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sightline.learn.augment_lines import uniform
from sightline.learn.augment_places import LEAST_LEFT, boxes_after
from sightline.learn.batches import Tensors

NEAREST_EDGE = 0.25
"""The four meet no nearer to the edge than this share of the side."""


def mosaic(
    images: Tensor, boxes: Tensor, classes: Tensor, matrices: Tensor, generator: torch.Generator, size: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """As many mosaics as `matrices` has quarters: images (k, channel, *size), boxes (k, m, 4), classes (k, m).

    images: (batch, channel, height, width), beside boxes (batch, m, 4) in 0..1 and classes (batch, m), -1 for none.
    matrices: (4, k, 2, 3), how each quarter is turned and scaled, from output to input places in -1..1; where it lies
    is decided here: its own inner corner is the point at which the four meet. What is left of an image reaches from
    there to the edge, or ends before in grey.
    """
    quarters, count = matrices.shape[:2]
    device = images.device
    meeting = uniform((count, 2), NEAREST_EDGE, 1 - NEAREST_EDGE, generator).to(device)
    who = torch.stack([torch.randint(len(images), (count,), generator=generator) for _ in range(quarters)]).to(device)
    whole = torch.zeros((count, images.shape[1], *size), device=device, dtype=images.dtype)
    x, y = ((torch.arange(n, device=device) + 0.5) / n for n in (size[1], size[0]))
    found: list[tuple[Tensor, Tensor]] = []
    for quarter in range(quarters):
        right, low = quarter % 2, quarter // 2
        sides = torch.tensor([1.0 - 2 * right, 1.0 - 2 * low], device=device)
        placed = _meeting_at(matrices[quarter], meeting, sides)
        grid = functional.affine_grid(placed, [count, images.shape[1], *size], align_corners=False)
        part = functional.grid_sample(images[who[quarter]], grid, padding_mode="zeros", align_corners=False)
        across, down = (x[None] >= meeting[:, :1]) == bool(right), (y[None] >= meeting[:, 1:]) == bool(low)
        whole = torch.where((across[:, None] & down[:, :, None])[:, None], part, whole)
        low_corner = meeting * torch.tensor([right, low], device=device)
        high_corner = torch.where(torch.tensor([right, low], device=device) > 0, torch.ones_like(meeting), meeting)
        inside, left = boxes_after(boxes[who[quarter]], placed, torch.cat((low_corner, high_corner), 1))
        found.append((inside, classes[who[quarter]].masked_fill(left < LEAST_LEFT, -1)))
    return whole, torch.cat([one for one, _ in found], 1), torch.cat([one for _, one in found], 1)


def _meeting_at(matrices: Tensor, meeting: Tensor, sides: Tensor) -> Tensor:
    """(k, 2, 3) the matrices with their input's corner at the meeting point, (k, 2) in 0..1 of the output.

    sides: (2,) 1 where the input lies left of, or above, that point, and -1 on the other side.
    """
    turns = matrices[:, :, :2]
    corner = torch.sign(torch.diagonal(turns, dim1=1, dim2=2)) * sides
    shift = corner - torch.einsum("bij,bj->bi", turns, 2 * meeting - 1)
    return torch.cat((turns, shift[:, :, None]), 2)


def spliced(targets: Tensors, rows: Tensor, boxes: Tensor, classes: Tensor) -> Tensors:
    """The targets with other boxes for the images `rows`; no more columns than the fullest image needs."""
    old_boxes, old_classes = targets["boxes"], targets["classes"]
    wide = max(boxes.shape[1], old_boxes.shape[1])
    all_boxes = old_boxes.new_zeros((len(old_boxes), wide, 4))
    all_classes = old_classes.new_full((len(old_boxes), wide), -1)
    all_boxes[:, : old_boxes.shape[1]], all_classes[:, : old_boxes.shape[1]] = old_boxes, old_classes
    all_boxes[rows] = functional.pad(boxes, (0, 0, 0, wide - boxes.shape[1]))
    all_classes[rows] = functional.pad(classes, (0, wide - classes.shape[1]), value=-1)
    order = torch.argsort((all_classes < 0).int(), dim=1, stable=True)
    order = order[:, : max(1, int((all_classes >= 0).sum(1).max()))]
    moved = all_boxes.gather(1, order[..., None].expand(-1, -1, 4))
    return {**targets, "boxes": moved, "classes": all_classes.gather(1, order)}
