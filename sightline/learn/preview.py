"""What the network sees while it learns, as pictures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sightline.core.spec import Spec
from sightline.learn.augment import Changes
from sightline.learn.batches import Batches, keyed
from sightline.learn.deploy import normalise


def preview(batches: Batches, policy: Changes, spec: Spec, count: int = 16) -> NDArray[np.uint8]:
    """(k, height, width, channel) uint8: the first images of the first epoch, k <= count, augmented as in training."""
    cpu = torch.device("cpu")
    inputs, targets = batches.batch(batches.order(0)[:count], cpu)
    inputs["image"] = normalise(inputs["image"], spec)
    inputs, _ = policy(inputs, targets, torch.Generator().manual_seed(keyed(batches.seed, "preview")))
    images = inputs["image"].permute(0, 2, 3, 1) * torch.tensor(spec.std) + torch.tensor(spec.mean)
    return images.round().clamp(0, 255).to(torch.uint8).numpy()
