"""cnn: two conv-pool blocks and two dense layers, the network of the field's tutorials."""

from __future__ import annotations

from torch import Tensor, nn

from sightline.core.errors import SightlineError
from sightline.tasks.whole.options import CNNOptions


def convolutions(
    channels: int, size: tuple[int, int], options: CNNOptions
) -> tuple[nn.Sequential, tuple[int, int, int]]:
    """`depth` blocks of conv 3x3 (no padding), ReLU, pool 2x2; and the (channels, height, width) that come out.

    Raises SightlineError where the image is too small for so many blocks.
    """
    pool = nn.MaxPool2d if options.pool == "max" else nn.AvgPool2d
    layers: list[nn.Module] = []
    height, width = size
    out = channels
    for block in range(options.depth):
        channels, out = out, options.width * 2**block
        height, width = (height - 2) // 2, (width - 2) // 2
        layers += [nn.Conv2d(channels, out, 3), nn.ReLU(), pool(2)]
    if min(height, width) < 1:
        raise SightlineError(
            f"images of {size[1]} x {size[0]} px are too small for {options.depth} conv-pool blocks",
            fix="use a larger --imgsz or a smaller --depth",
        )
    return nn.Sequential(*layers), (out, height, width)


class CNN(nn.Module):
    """(batch, channels, height, width) to raw outputs (batch, outputs)."""

    least_part = 8
    """Processors may take parts of so many images of a batch each."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], outputs: int, options: CNNOptions) -> None:
        super().__init__()
        self.features, (out, height, width) = convolutions(channels, size, options)
        self.flatten = nn.Flatten()
        self.dense = nn.Linear(out * height * width, options.dense)
        self.activation = nn.ReLU()
        self.head = nn.Linear(options.dense, outputs)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last convolution after its ReLU."""
        return self.features[-2]

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs."""
        hidden = self.activation(self.dense(self.flatten(self.features(images))))
        return self.head(hidden)
