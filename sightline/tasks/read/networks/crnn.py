"""crnn: convolutions, a bidirectional recurrent layer over the columns, a letter a column (Shi et al. 2015)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sightline.tasks.read.options import CRNNOptions

CELLS: dict[str, type[Any]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
POOLS = ((2, 2), (2, 2), (2, 1), (2, 1))
"""Four columns of pixels become one step; the height shrinks to a sixteenth."""


class CRNN(nn.Module):
    """(batch, 1, height, width) to logits (batch, width / 4, classes)."""

    least_part = 4
    """Processors may take parts of so many lines of a batch each: recurrent steps are too small to be shared."""

    def __init__(self, height: int, classes: int, options: CRNNOptions) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for factor, pool in zip((1, 2, 4, 6), POOLS, strict=True):
            out = factor * options.width
            layers += [
                nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(pool)
            ]  # fmt: skip
            channels = out
        self.features = nn.Sequential(*layers)
        size = channels * (height // 16)
        self.recurrent = CELLS[options.cell](size, options.units, bidirectional=True, batch_first=True)
        self.head = nn.Conv1d(2 * options.units, classes, 1)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last feature maps."""
        return self.features[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each column."""
        columns = self.features(images).flatten(1, 2).transpose(1, 2)
        return self.head(self.recurrent(columns)[0].transpose(1, 2)).transpose(1, 2)
