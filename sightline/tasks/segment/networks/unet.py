"""auto: a small encoder and decoder for few images: residual stages that halve the map, joined on the way back up.

After U-Net (Ronneberger et al. 2015), with what is quick on processors: most work at an eighth and a sixteenth of the
size, skips that are added instead of joined, and an answer at half of the size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.tasks.segment.options import UNetOptions

STAGES = ((1, 1), (2, 1), (4, 2), (6, 2))
"""Channels in units of `width`, and residual convolutions, of the stages at 1/2, 1/4, 1/8 and 1/16 of the size."""


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, SiLU."""

    def __init__(self, channels: int, out: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        convolution = nn.Conv2d(channels, out, kernel, stride, padding, dilation, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(out), nn.SiLU(inplace=True))


class Residual(nn.Module):
    """Adds what a convolution sees."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.body = ConvNorm(channels, channels, dilation=dilation)

    def forward(self, maps: Tensor) -> Tensor:
        """Of the same shape."""
        return maps + self.body(maps)


class Context(nn.Module):
    """Adds to each place what the whole map holds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Of the same shape."""
        return maps + self.body(maps.mean((2, 3)))[:, :, None, None]


class Up(nn.Module):
    """The coarse map enlarged, and the finer one of the way down added; then a residual convolution."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.narrow = ConvNorm(coarse, fine, 1)
        self.across = ConvNorm(fine, fine, 1)
        self.body = Residual(fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Of the shape of `fine`."""
        wide = functional.interpolate(self.narrow(coarse), list(fine.shape[2:]), mode="bilinear")
        return self.body(wide + self.across(fine))


class Head(nn.Module):
    """Logits of each place. Its weights are a matrix, not a filter: their length means something."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, channels) * channels**-0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, outputs, h, w)."""
        return functional.conv2d(maps, self.weight[:, :, None, None], self.bias)


class UNet(nn.Module):
    """(batch, channels, height, width) to logits (batch, outputs, height / 2, width / 2)."""

    scale_free = True
    """Every convolution is normalised, so the length of its filters means nothing: Muon trains them."""
    least_part = 4
    """Processors may take parts of so many images of a batch each."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], outputs: int, options: UNetOptions) -> None:
        super().__init__()
        widths = [factor * options.width for factor, _ in STAGES]
        down: list[nn.Module] = []
        for out, (_, count) in zip(widths, STAGES, strict=True):
            kernel = 5 if not down else 3
            down.append(nn.Sequential(ConvNorm(channels, out, kernel, 2), *(Residual(out) for _ in range(count))))
            channels = out
        self.down = nn.ModuleList(down)
        self.context = Context(channels)
        self.up = nn.ModuleList(Up(coarse, fine) for fine, coarse in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.head = Head(widths[0], outputs)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last map of the way back up."""
        return self.up[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Logits at half of the size."""
        maps: list[Tensor] = []
        for stage in self.down:
            images = stage(images)
            maps.append(images)
        found = self.context(maps.pop())
        for up in self.up:
            found = up(found, maps.pop())
        return self.head(found)
