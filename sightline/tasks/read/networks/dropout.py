"""Dropout that draws from a generator of its own: networks that learn in several threads draw alike every time."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Drops whole channels of (batch, channels, steps), for all steps of an example alike (Gal and Ghahramani 2016).

    The loop seeds `generator` before each step.
    """

    def __init__(self, share: float) -> None:
        """share: of the channels that are dropped while training."""
        super().__init__()
        self.share, self.generator = share, torch.Generator()

    def forward(self, features: Tensor) -> Tensor:
        """The same shape; untouched when not training."""
        if not self.training or not self.share:
            return features
        shape = (*features.shape[:2], 1)
        keep = (torch.rand(shape, generator=self.generator) >= self.share) / (1 - self.share)
        return features * keep.to(features.device, features.dtype)
