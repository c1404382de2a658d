"""Segment, the torch half: cross-entropy and soft Dice over the pixels that count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.spec import Spec
from sightline.core.task import Arrays
from sightline.tasks.segment.options import SegmentOptions
from sightline.tasks.whole.learner import build, divergence

IGNORE = 255
MOST_WEIGHT = 10.0


class SegmentLearner:
    """Networks give (batch, classes, h, w), perhaps smaller than the image by a power of two."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network from the spec's name and options."""
        return build(spec, len(spec.classes))

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """The mean over the images of both losses; `mask`: (batch, height, width), 255 for what does not count."""
        raw = stretched(network(inputs["image"]).float(), inputs["image"].shape[2:])
        mask = targets["mask"].long()
        counted = mask != IGNORE
        log = functional.log_softmax(raw, 1)
        weight = class_weights(spec).to(raw.device)
        # The weights do not change how much an image counts as a whole, but for what it holds.
        entropy = functional.nll_loss(log, mask, weight, ignore_index=IGNORE, reduction="none").sum((1, 2))
        pixels = counted.sum((1, 2))
        losses = entropy / pixels.clamp(min=1)
        share = float(spec.options.get("dice", SegmentOptions().dice))
        if share:
            losses = losses + share * dice_loss(log.exp(), mask, counted)
        weights = targets.get("weight")
        return {"loss": (losses if weights is None else losses * weights).mean(), "raw": raw}

    def distance(self, student: Tensor, teacher: Tensor, spec: Spec, taught: Spec) -> Tensor:
        """The divergence from the teacher's probabilities, averaged over the pixels."""
        return divergence(student, stretched(teacher, student.shape[2:])).mean((1, 2))

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """{"probabilities": (batch, classes, height, width)} at the size of the input."""
        raw = stretched(network(images).float(), images.shape[2:]) / spec.temperature
        # Softmax in its parts: along an axis that is not the last, onnxruntime's own is eight times slower.
        powers = torch.exp(raw - raw.amax(1, keepdim=True))
        return {"probabilities": powers / powers.sum(1, keepdim=True)}

    def views(self, spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
        """The image as it is."""
        return (_same,)

    def evidence(self, raw: Tensor, reference: Arrays, item: int, spec: Spec) -> Tensor:
        """The log-odds of the mean probability of the class over the region where it was found."""
        found = reference["probabilities"].argmax(axis=0) == item
        region = torch.from_numpy(found if found.any() else np.ones_like(found)).to(raw.device)
        log = functional.log_softmax(stretched(raw, region.shape) / spec.temperature, 1)[:, :, region]
        others = torch.cat([log[:, :item], log[:, item + 1 :]], 1)
        return log[:, item].logsumexp(1) - others.flatten(1).logsumexp(1)


def stretched(raw: Tensor, size: torch.Size) -> Tensor:
    """(batch, classes, h, w) at another height and width, bilinearly."""
    return raw if raw.shape[2:] == size else functional.interpolate(raw, list(size), mode="bilinear")


def dice_loss(probabilities: Tensor, mask: Tensor, counted: Tensor) -> Tensor:
    """(batch,) 1 - the mean soft Dice of the classes that an image holds (Milletari et al. 2016)."""
    classes = probabilities.shape[1]
    place = torch.where(counted, mask, classes)
    truth = functional.one_hot(place, classes + 1)[..., :classes].permute(0, 3, 1, 2).to(probabilities.dtype)
    both = (probabilities * truth).sum((2, 3))
    support = truth.sum((2, 3))
    guessed = (probabilities * counted[:, None]).sum((2, 3))
    dice = (2 * both + 1) / (support + guessed + 1)
    held = support > 0
    return 1 - (dice * held).sum(1) / held.sum(1).clamp(min=1)


def class_weights(spec: Spec) -> Tensor:
    """(classes,) the share of each class to minus the power `rare`, with a mean of 1 over the pixels."""
    seen = torch.tensor(spec.extra.get("seen") or [1] * len(spec.classes), dtype=torch.float64).clamp(min=1)
    share = seen / seen.sum()
    weight = share ** -float(spec.options.get("rare", SegmentOptions().rare))
    weight = weight / (weight * share).sum()
    return weight.clamp(max=MOST_WEIGHT).float()


def _same(images: Tensor) -> Tensor:
    return images
