"""Detect, the torch half: the network, its loss, and decoding in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.errors import SightlineError
from sightline.core.options import resolve
from sightline.core.spec import Spec
from sightline.core.task import Arrays
from sightline.tables import network_entry
from sightline.tasks.detect.networks.assign import assign, generalized_iou, pairwise_iou
from sightline.tasks.detect.networks.detector import BINS, STRIDES
from sightline.tasks.whole.learner import divergence

CLASS_WEIGHT, BOX_WEIGHT, BIN_WEIGHT = 0.5, 7.5, 1.5
CANDIDATES = 300
"""Boxes that the graph gives an image."""


class DetectLearner:
    """Networks give (batch, cells, classes + 4 * BINS)."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network from the spec's name and options."""
        entry = network_entry(spec.task, spec.network)
        kind: type[Any] = entry.load_options()
        channels = spec.inputs["image"].shape[-1]
        return entry.load()(spec.network, channels, len(spec.classes), resolve(kind, spec.options))

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """targets: `boxes`, (batch, m, 4) float32 corners in 0..1 of the input; `classes`, (batch, m) int64, -1 for
        none.

        Binary cross-entropy against the assigned shares, 1 - GIoU, and the cross-entropy of both bins next to each
        distance (Li et al. 2020, eq. 6), each weighed by the share and divided by the sum of the shares of its image.
        """
        images = inputs["image"]
        raw = network(images).float()
        size = images.shape[2:]
        centres, strides = cells(size, raw.device)
        logits, bins = raw[..., : -4 * BINS], raw[..., -4 * BINS :]
        found = decoded(bins, centres, strides)
        frame = torch.tensor([size[1], size[0]] * 2, device=raw.device, dtype=torch.float32)
        truth, labels = targets["boxes"] * frame, targets["classes"]
        goal = assign(logits.sigmoid(), found, centres, truth, labels)
        wanted = torch.zeros_like(logits)
        picked = labels.clamp(min=0).gather(1, goal.box)
        wanted.scatter_(2, picked[..., None], (goal.share * goal.chosen)[..., None])
        classes = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum((1, 2))
        image, cell = goal.chosen.nonzero(as_tuple=True)
        box = truth[image, goal.box[image, cell]]
        share = goal.share[image, cell]
        away = 1 - generalized_iou(found[image, cell], box)
        spread = _bin_loss(bins[image, cell], box, centres[cell], strides[cell])
        total = torch.zeros(len(images), device=raw.device).index_add(0, image, share).clamp(min=1)
        sides = torch.zeros_like(total).index_add(0, image, share * (BOX_WEIGHT * away + BIN_WEIGHT * spread))
        losses = (CLASS_WEIGHT * classes + sides) / total
        return {"loss": (losses * targets["weight"] if "weight" in targets else losses).mean(), "raw": raw}

    def distance(self, student: Tensor, teacher: Tensor, spec: Spec, taught: Spec) -> Tensor:
        """Binary cross-entropy against the teacher's scores, and the divergence of the four sides from its own (Zheng
        et al. 2022), weighed by its best score of the cell; both divided by the sum of these scores."""
        if student.shape != teacher.shape:
            height, width, _ = taught.inputs["image"].shape
            raise SightlineError(
                f"the teacher sees images of {width} x {height} px: cells of another size cannot be compared",
                fix=f"train with the same: --imgsz {max(height or 0, width or 0)}",
            )
        scores = teacher[..., : -4 * BINS].sigmoid()
        classes = functional.binary_cross_entropy_with_logits(student[..., : -4 * BINS], scores, reduction="none")
        best = scores.amax(2)
        sides = (divergence(_bins(student), _bins(teacher)).mean(2) * best).sum(1)
        return (CLASS_WEIGHT * classes.sum((1, 2)) + BIN_WEIGHT * sides) / best.sum(1).clamp(min=1)

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """The 300 surest pairs of a cell and a class, at most: {"boxes": (batch, k, 4) corners in
        0..1 of the input, "scores": (batch, k), "labels": (batch, k) float32, numbers of classes}."""
        raw = network(images).float()
        centres, strides = cells(images.shape[2:], raw.device)
        logits = (raw[..., : -4 * BINS] + float(spec.extra.get("offset", 0.0))) / spec.temperature
        classes = logits.shape[2]
        count = min(CANDIDATES, centres.shape[0] * classes)
        best, places = logits.flatten(1).topk(count, 1)
        chosen = places // classes
        # Only the chosen cells are decoded: of a large image there are thousands.
        bins = raw[..., -4 * BINS :].gather(1, chosen[..., None].expand(-1, -1, 4 * BINS))
        scale = torch.tensor([1 / images.shape[3], 1 / images.shape[2]] * 2, device=raw.device)
        boxes = (decoded(bins, centres[chosen], strides[chosen]) * scale).clamp(0, 1)
        return {"boxes": boxes, "scores": best.sigmoid(), "labels": (places % classes).float()}

    def views(self, spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
        """The image as it is."""
        return (lambda images: images,)

    def evidence(self, raw: Tensor, reference: Arrays, item: int, spec: Spec) -> Tensor:
        """Log-odds of the largest product of score and overlap with the item."""
        height, width, _ = spec.inputs["image"].shape
        assert height and width
        centres, strides = cells((height, width), raw.device)
        scale = torch.tensor([1 / width, 1 / height] * 2, device=raw.device)
        raw = raw.float()
        boxes = (decoded(raw[..., -4 * BINS :], centres, strides) * scale).clamp(0, 1)
        wanted = torch.from_numpy(reference["boxes"][item]).to(raw.device)[None, None].expand(len(raw), 1, 4)
        overlap = pairwise_iou(boxes, wanted)[..., 0]
        logits = raw[..., int(reference["labels"][item])] + float(spec.extra.get("offset", 0.0))
        score = (logits / spec.temperature).sigmoid()
        backing = (score * overlap).amax(1).clamp(1e-6, 1 - 1e-6)
        return torch.log(backing / (1 - backing))


def cells(size: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    """(cells, 2) middles x, y in pixels and (cells,) strides, in the order of the network's outputs."""
    centres: list[Tensor] = []
    strides: list[Tensor] = []
    for stride in STRIDES:
        rows, columns = int(size[0]) // stride, int(size[1]) // stride
        y = (torch.arange(rows, device=device, dtype=torch.float32) + 0.5) * stride
        x = (torch.arange(columns, device=device, dtype=torch.float32) + 0.5) * stride
        centres.append(torch.stack((x.repeat(rows), y.repeat_interleave(columns)), 1))
        strides.append(torch.full((rows * columns,), float(stride), device=device))
    return torch.cat(centres), torch.cat(strides)


def decoded(bins: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """(batch, cells, 4) corners in pixels: each side at the mean of its distribution over the bins.

    centres: (cells, 2), strides: (cells,); or with a batch axis.
    """
    shares = bins.reshape(*bins.shape[:2], 4, BINS).softmax(3)
    away = (shares * torch.arange(BINS, device=bins.device, dtype=bins.dtype)).sum(3) * strides[..., None]
    return torch.cat((centres - away[..., :2], centres + away[..., 2:]), 2)


def _bins(raw: Tensor) -> Tensor:
    """(batch, BINS, cells, 4), of raw outputs."""
    return raw[..., -4 * BINS :].reshape(*raw.shape[:2], 4, BINS).movedim(3, 1)


def _bin_loss(bins: Tensor, box: Tensor, centre: Tensor, stride: Tensor) -> Tensor:
    """(n,) mean over the four sides; bins: (n, 4 * BINS)."""
    away = torch.cat((centre - box[:, :2], box[:, 2:] - centre), 1) / stride[:, None]
    away = away.clamp(0, BINS - 1.01)
    low = away.floor()
    logs = functional.log_softmax(bins.reshape(len(bins), 4, BINS), 2)
    below = logs.gather(2, low.long()[..., None])[..., 0]
    above = logs.gather(2, low.long()[..., None] + 1)[..., 0]
    return -((low + 1 - away) * below + (away - low) * above).mean(1)
