"""Targets that stand at places, moved along with their images: boxes and masks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sightline.learn.batches import Tensors

PLACES = frozenset({"boxes", "mask"})
"""Keys of targets that say where something is."""
IGNORED = 255
"""What a mask says of pixels that nobody knows."""
LEAST_LEFT = 0.25
"""A box of which less is left inside the image is not learned."""


def moved(targets: Tensors, matrices: Tensor, side: int | None = None) -> Tensors:
    """The targets after their images were sampled at `matrices`, (batch, 2, 3) from output to input places in -1..1.

    boxes: (batch, m, 4) corners in 0..1, beside classes: (batch, m), which become -1 for boxes that left the image.
    mask: (batch, height, width) numbers of classes; 255 beyond the edge; of height and width `side`, if given.
    """
    found = dict(targets)
    if "boxes" in targets:
        found["boxes"], left = boxes_after(targets["boxes"], matrices)
        found["classes"] = targets["classes"].masked_fill(left < LEAST_LEFT, -1)
    if "mask" in targets:
        found["mask"] = mask_after(targets["mask"], matrices, side)
    return found


def boxes_after(boxes: Tensor, matrices: Tensor, within: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The boxes around the moved corners, clipped to the image; and (batch, m) the share of each that is inside.

    within: (batch, 4) corners in 0..1 of the part of the image that they are clipped to instead.
    """
    back: Tensor = torch.linalg.inv(matrices[:, :, :2])  # pyright: ignore[reportUnknownVariableType]
    columns = [boxes[..., [0, 2, 0, 2]], boxes[..., [1, 1, 3, 3]]]
    corners = torch.stack(columns, 3) * 2 - 1  # (batch, m, 4, 2)
    corners = torch.einsum("bij,bmcj->bmci", back, corners - matrices[:, None, None, :, 2])
    corners = (corners + 1) / 2
    whole = torch.cat((corners.amin(2), corners.amax(2)), 2)
    inside = whole.clamp(0, 1)
    if within is not None:
        low, high = (within[:, None, part].repeat(1, 1, 2) for part in (slice(0, 2), slice(2, 4)))
        inside = torch.minimum(torch.maximum(whole, low), high)
    areas = [(one[..., 2:] - one[..., :2]).clamp(min=0).prod(2) for one in (inside, whole)]
    return inside, areas[0] / areas[1].clamp(min=1e-12)


def mask_after(mask: Tensor, matrices: Tensor, side: int | None = None) -> Tensor:
    """(batch, height, width) of the same dtype, the nearest pixel's number."""
    size = [len(mask), 1, side or mask.shape[1], side or mask.shape[2]]
    grid = functional.affine_grid(matrices, size, align_corners=False)
    shifted = (mask.float() - IGNORED)[:, None]  # what lies beyond comes out as 0
    found = functional.grid_sample(shifted, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return (found[:, 0] + IGNORED).round().to(mask.dtype)
