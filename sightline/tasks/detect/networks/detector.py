"""auto: a small anchor-free one-stage detector: a residual backbone, a feature pyramid both ways, decoupled heads.

The parts are those of FCOS (Tian et al. 2019), PANet (Liu et al. 2018) and the distances as distributions of
Generalized Focal Loss (Li et al. 2020), kept small: it is trained from scratch on a few hundred images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.tasks.detect.options import DetectorOptions

STRIDES = (8, 16, 32)
BINS = 16
"""A side's distance from its cell's middle is a distribution over 0..15 strides."""
SIZES = {"xs": (12, 1), "s": (24, 1), "m": (40, 2), "l": (56, 3)}
"""Channels of the first stage, blocks a stage."""
PRIOR = -4.6
"""The bias of all classes at the start: a probability of 1 %, as nearly all cells are background."""


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, ReLU: graphs do it with the convolution, as they do not with SiLU."""

    def __init__(self, channels: int, out: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )


class Block(nn.Module):
    """Two convolutions over half of the channels, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNorm(channels, channels // 2), ConvNorm(channels // 2, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Of the same shape."""
        return maps + self.body(maps)


def _stage(channels: int, out: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(ConvNorm(channels, out, 3, 2), *(Block(out) for _ in range(blocks)))


class Pyramid(nn.Module):
    """What all detectors share: neck and heads over a backbone's maps of strides 8, 16 and 32."""

    least_part = 4
    """Processors may take parts of so many images of a batch each."""
    stride = STRIDES[-1]
    """Sides are multiples of it."""

    def add_heads(self, widths: Sequence[int], out: int, classes: int) -> None:
        """widths: channels of the backbone's three maps; out: of the neck's."""
        self.reduce = nn.ModuleList(ConvNorm(width, out, 1) for width in widths)
        self.down_from_16, self.down_from_32 = ConvNorm(out, out), ConvNorm(out, out)
        self.up_to_16, self.up_to_32 = ConvNorm(out, out, 3, 2), ConvNorm(out, out, 3, 2)
        self.mix16, self.mix32 = Block(out), Block(out)
        self.class_towers = nn.ModuleList(nn.Sequential(ConvNorm(out, out), ConvNorm(out, out)) for _ in STRIDES)
        self.side_towers = nn.ModuleList(nn.Sequential(ConvNorm(out, out), ConvNorm(out, out)) for _ in STRIDES)
        self.head = _Pointwise(out, classes)
        self.sides = _Pointwise(out, 4 * BINS)
        nn.init.constant_(self.head.bias, PRIOR)

    def answers(self, maps8: Tensor, maps16: Tensor, maps32: Tensor) -> Tensor:
        """(batch, cells, classes + 4 * BINS): cells of stride 8 first, each level row by row."""
        low, middle, high = (reduce(m) for reduce, m in zip(self.reduce, (maps8, maps16, maps32), strict=True))
        middle = self.down_from_32(middle + functional.interpolate(high, scale_factor=2.0, mode="nearest"))
        low = self.down_from_16(low + functional.interpolate(middle, scale_factor=2.0, mode="nearest"))
        middle = self.mix16(middle + self.up_to_16(low))
        high = self.mix32(high + self.up_to_32(middle))
        levels: list[Tensor] = []
        for maps, classes, sides in zip((low, middle, high), self.class_towers, self.side_towers, strict=True):
            levels.append(torch.cat((self.head(classes(maps)), self.sides(sides(maps))), 2))
        return torch.cat(levels, 1)


class Detector(Pyramid):
    """(batch, channels, height, width), multiples of 32, to (batch, cells, classes + 4 * BINS): raw class outputs,
    then those of the four distances left, top, right, bottom."""

    scale_free = True
    """Every convolution is normalised (the last layers are linear ones): Muon trains their filters."""

    def __init__(self, name: str, channels: int, classes: int, options: DetectorOptions) -> None:
        super().__init__()
        width, blocks = SIZES[options.size]
        self.stem = nn.Sequential(ConvNorm(channels, width, 3, 2), _stage(width, width, blocks))
        self.stage8 = _stage(width, 2 * width, blocks)
        self.stage16 = _stage(2 * width, 4 * width, blocks)
        self.stage32 = _stage(4 * width, 6 * width, blocks)
        self.add_heads([2 * width, 4 * width, 6 * width], 2 * width, classes)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the backbone's maps of stride 16."""
        return self.stage16

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs of all cells."""
        maps8 = self.stage8(self.stem(images))
        maps16 = self.stage16(maps8)
        return self.answers(maps8, maps16, self.stage32(maps16))


class _Pointwise(nn.Linear):
    """A linear layer at each place: (batch, channels, height, width) to (batch, height * width, out)."""

    def forward(self, input: Tensor) -> Tensor:
        """Row by row."""
        return super().forward(input.flatten(2).transpose(1, 2))
