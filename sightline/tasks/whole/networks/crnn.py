"""crnn: the convolutions of `cnn`, then a recurrent layer that reads the feature map column by column."""

from __future__ import annotations

from torch import Tensor, nn

from sightline.tasks.whole.networks.cnn import convolutions
from sightline.tasks.whole.options import CRNNOptions

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class CRNN(nn.Module):
    """(batch, channels, height, width) to raw outputs (batch, outputs)."""

    least_part = 8
    """Processors may take parts of so many images of a batch each."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], outputs: int, options: CRNNOptions) -> None:
        super().__init__()
        self.features, (out, height, _) = convolutions(channels, size, options)
        self.recurrent = CELLS[options.cell](out * height, options.units, batch_first=True)
        self.dense = nn.Linear(options.units, options.dense)
        self.activation = nn.ReLU()
        self.head = nn.Linear(options.dense, outputs)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last convolution after its ReLU."""
        return self.features[-2]

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs. A step of the sequence is one column: all channels and rows at that place."""
        features = self.features(images)
        columns = features.permute(0, 3, 1, 2).flatten(2)
        steps, _ = self.recurrent(columns)
        hidden = self.activation(self.dense(steps[:, -1]))
        return self.head(hidden)
