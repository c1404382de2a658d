"""Which cell learns which box: task-aligned assignment (Feng et al. 2021, TOOD), for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CANDIDATES = 10
"""Cells that may learn a box."""
SCORE_POWER, OVERLAP_POWER = 0.5, 6.0


@dataclass(frozen=True)
class Assignment:
    """chosen: (batch, cells) bool, the cells that learn a box; box: (batch, cells) int64, which one; share: (batch,
    cells) float32, 0..1, the score that the class of that box should have there."""

    chosen: Tensor
    box: Tensor
    share: Tensor


@torch.no_grad()
def assign(scores: Tensor, found: Tensor, centres: Tensor, truth: Tensor, labels: Tensor) -> Assignment:
    """scores: (batch, cells, classes) 0..1; found: (batch, cells, 4) corners; centres: (cells, 2); truth: (batch, m, 4)
    corners; labels: (batch, m), -1 for none.

    A box is learned by the ten cells inside it that score s ** 0.5 * overlap ** 6 highest; a cell that several boxes
    want learns the one that it overlaps most.
    """
    real = labels >= 0
    iou = pairwise_iou(truth, found) * real[..., None]  # (batch, m, cells)
    inside = ((centres[None, None] - truth[:, :, None, :2]).amin(3) > 0) & (
        (truth[:, :, None, 2:] - centres[None, None]).amin(3) > 0
    )
    places = labels.clamp(min=0)[:, None].expand(-1, scores.shape[1], -1)
    score = scores.gather(2, places).transpose(1, 2)
    metric = score.pow(SCORE_POWER) * iou.pow(OVERLAP_POWER) * inside * real[..., None]
    # A hair of the score keeps cells apart whose overlap is nothing yet, as in the first steps.
    ranked = metric + 1e-9 * (inside & real[..., None])
    best = ranked.topk(min(CANDIDATES, ranked.shape[2]), 2)
    wanted = torch.zeros_like(ranked, dtype=torch.bool).scatter_(2, best.indices, best.values > 0)
    rank = torch.where(wanted, iou + 1e-6, torch.zeros_like(iou))
    strongest, box = rank.max(1)
    chosen = strongest > 0
    mine = torch.nn.functional.one_hot(box, truth.shape[1]).transpose(1, 2).bool() & chosen[:, None]
    metric, iou = metric * mine, iou * mine
    share = metric / metric.amax(2, keepdim=True).clamp(min=1e-9) * iou.amax(2, keepdim=True)
    return Assignment(chosen, box, share.amax(1))


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """(batch, a, b) intersection over union of corners (batch, a, 4) and (batch, b, 4)."""
    low = torch.maximum(first[:, :, None, :2], second[:, None, :, :2])
    high = torch.minimum(first[:, :, None, 2:], second[:, None, :, 2:])
    inside = (high - low).clamp(min=0).prod(3)
    return inside / (_areas(first)[:, :, None] + _areas(second)[:, None] - inside).clamp(min=1e-9)


def generalized_iou(first: Tensor, second: Tensor) -> Tensor:
    """(n,) of corners (n, 4) each: intersection over union less the empty share of the hull (Rezatofighi 2019)."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    inside = (high - low).clamp(min=0).prod(1)
    union = (_areas(first) + _areas(second) - inside).clamp(min=1e-9)
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(1)
    return inside / union - (hull - union) / hull.clamp(min=1e-9)


def _areas(corners: Tensor) -> Tensor:
    return (corners[..., 2:] - corners[..., :2]).clamp(min=0).prod(-1)
