"""auto: a small residual network for 8 px digits as for 224 px photos.

Few wide layers, most of them at low resolution, as in K. Jordan, "94% on CIFAR-10 in 3.29 seconds" (2024) and the
DAWNBench entries before it; with a residual connection in each stage.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sightline.tasks.whole.options import ResidualOptions

WIDTHS = (1, 4, 4)
"""Channels of the stages, in units of `width`."""
STEM_SIDE = 48
"""The stem shrinks larger images by powers of two to at most this side: it sees detail, the stages see shape."""
EPOCHS_AT_DEFAULT = 8
"""Epochs for which the default width is the right one."""
LEAST_WIDTH, LARGEST_WIDTH = 8, 96
LEAST_SIDE = 6
"""A feature map smaller than this is not halved any more."""


class ConvNorm(nn.Sequential):
    """Convolution without bias, perhaps a max-pool, batch norm, SiLU."""

    def __init__(self, channels: int, out: int, kernel: int = 3, stride: int = 1, pool: bool = False) -> None:
        convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False)
        if out >= channels > 4:
            # The first filters pass their input on (Dirac): the signal reaches the head from the first step.
            nn.init.dirac_(convolution.weight.data[:channels])
        middle = [nn.MaxPool2d(2)] if pool else []
        super().__init__(convolution, *middle, nn.BatchNorm2d(out), nn.SiLU(inplace=True))


class Stage(nn.Module):
    """A convolution that widens, and halves the map where it is large enough; then a residual one."""

    def __init__(self, channels: int, out: int, pool: bool) -> None:
        super().__init__()
        self.down = ConvNorm(channels, out, pool=pool)
        self.body = ConvNorm(out, out)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, channels, h, w) to (batch, out, h / 2, w / 2), or of the same h and w."""
        images = self.down(images)
        return images + self.body(images)


class Residual(nn.Module):
    """(batch, channels, height, width) to raw outputs (batch, outputs)."""

    least_part = 32
    """Processors may take parts of so many images of a batch each: batch norm needs as many."""
    scale_free = True
    """Every convolution is normalised, so the length of its filters means nothing: Muon trains them."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], outputs: int, options: ResidualOptions) -> None:
        super().__init__()
        width = options.width or default_width(size)
        side = min(size)
        stride = 2 ** max(0, math.ceil(math.log2(side / STEM_SIDE)))
        out = max(8, width // 2)
        self.stem = ConvNorm(channels, out, 3 if stride == 1 else 2 * stride - 1, stride)
        side //= stride
        stages: list[nn.Module] = []
        for factor in WIDTHS:
            pool = side >= LEAST_SIDE
            stages.append(Stage(out, factor * width, pool))
            out, side = factor * width, side // 2 if pool else side
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(out, outputs, bias=False)

    @staticmethod
    def options_for(size: tuple[int, int], epochs: float, options: ResidualOptions) -> dict[str, int]:
        """The options to change for a time in which the network as it is would see so many epochs."""
        return {} if options.width else {"width": width_for(size, epochs)}

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last stage."""
        return self.stages[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs, from the strongest response of each channel anywhere in the image."""
        features = self.stages(self.stem(images))
        return self.head(torch.amax(features, (2, 3)))


def width_for(size: tuple[int, int], epochs: float) -> int:
    """The width for a time in which the default width would see so many epochs.

    Time is spent on the width first: it grows with nearly the square root, which leaves the epochs almost as they are.
    Widths are multiples that processors multiply fast: of 16 from 32 on.
    """
    width = default_width(size) * (max(epochs, 1e-3) / EPOCHS_AT_DEFAULT) ** 0.45
    unit = 16 if width >= 28 else 4
    return min(max(round(width / unit) * unit, LEAST_WIDTH), LARGEST_WIDTH)


def default_width(size: tuple[int, int]) -> int:
    """16 for images up to 16 px, 24 up to 32, 32 above."""
    side = min(size)
    return 16 if side <= 16 else 24 if side <= 32 else 32
