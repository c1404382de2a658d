"""auto: our line reader, residual convolutions and stacked recurrent layers, to be trained from a few hundred lines on.

As in the readers of Puigcerver (2017, "Are multidimensional recurrent layers really necessary …") and Kraken: most of
the convolutions see half or a quarter of the height, two bidirectional LSTM layers read along the line.
"""

from __future__ import annotations

from torch import Tensor, nn

from sightline.tasks.read.networks.dropout import Dropout
from sightline.tasks.read.options import LineOptions

STEM, STAGES = 2, ((3, 2), (4, 1), (6, 1))
"""Channels in units of `width`, and by how much each stage shrinks the width; all halve the height. With a width of 16,
all are multiples of what processors multiply at once."""
DROPPED = 0.2
"""Share of the features that each recurrent layer does without while training."""


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, SiLU."""

    def __init__(self, channels: int, out: int, kernel: int = 3, stride: tuple[int, int] = (1, 1)) -> None:
        convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(out), nn.SiLU(inplace=True))


class Stage(nn.Module):
    """A convolution that shrinks and widens, and a residual one."""

    def __init__(self, channels: int, out: int, shrink: int) -> None:
        super().__init__()
        self.down = ConvNorm(channels, out, stride=(2, shrink))
        self.body = ConvNorm(out, out)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, channels, h, w) to (batch, out, h / 2, w / shrink)."""
        images = self.down(images)
        return images + self.body(images)


class Lines(nn.Module):
    """(batch, 1, height, width) to logits (batch, width / 4, classes)."""

    scale_free = True
    """Every filter is normalised, so its length means nothing: Muon trains them."""
    adam_share = 0.06
    """Of Muon's rate, for heads, norms and biases: less than usual, as CTC's loss is steep."""
    warmup = 150
    """Steps in which the rate rises, at most: it reads nothing but blanks until it is high."""
    least_part = 4
    """Processors may take parts of so many lines of a batch each: recurrent steps are too small to be shared."""

    def __init__(self, height: int, classes: int, options: LineOptions) -> None:
        super().__init__()
        channels = STEM * options.width
        self.stem = ConvNorm(1, channels, 5, (2, 2))
        stages: list[nn.Module] = []
        rows = -(-height // 2)
        for factor, shrink in STAGES:
            out = factor * options.width
            stages.append(Stage(channels, out, shrink))
            channels, rows = out, -(-rows // 2)
        self.stages = nn.Sequential(*stages)
        size = 2 * options.units
        # A convolution over the whole height, not a flattening: its gradient keeps the channels last in memory.
        self.join = nn.Sequential(
            nn.Conv2d(channels, size, (rows, 1), bias=False), nn.BatchNorm2d(size), nn.SiLU(inplace=True)
        )
        self.recurrent = nn.ModuleList(
            nn.LSTM(size, options.units, bidirectional=True, batch_first=True) for _ in range(options.layers)
        )
        self.drop = nn.ModuleList(Dropout(DROPPED) for _ in range(options.layers + 1))
        self.head = nn.Conv1d(size, classes, 1)
        self.shortcut = nn.Conv1d(size, classes, 1)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last stage."""
        return self.stages[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each column."""
        return self.read(self.columns(images))

    def columns(self, images: Tensor) -> Tensor:
        """(batch, channels, width / 4): what the convolutions make of each column."""
        return self.drop[0](self.join(self.stages(self.stem(images))).squeeze(2))

    def read(self, columns: Tensor) -> Tensor:
        """Logits of each column, from what is read along the line."""
        for recurrent, drop in zip(self.recurrent, list(self.drop)[1:], strict=True):
            columns = drop(recurrent(columns.transpose(1, 2))[0].transpose(1, 2))
        return self.head(columns).transpose(1, 2)
