"""auto: a small residual network for 8 px digits as for 224 px photos."""

from __future__ import annotations

from torch import Tensor, nn

from sightline.tasks.classify.options import ResidualOptions


class Block(nn.Module):
    """Conv-BN-ReLU that halves the resolution, then a residual pair."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.down = _conv(channels, out, stride)
        self.pair = nn.Sequential(_conv(out, out), _conv(out, out))

    def forward(self, images: Tensor) -> Tensor:
        """(batch, channels, h, w) to (batch, out, h / stride, w / stride)."""
        images = self.down(images)
        return images + self.pair(images)


def _conv(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU())


class Residual(nn.Module):
    """(batch, channels, height, width) to logits (batch, classes)."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], classes: int, options: ResidualOptions) -> None:
        super().__init__()
        width = options.width or 32
        stages = [_conv(channels, width)]
        side, out = min(size), width
        while side > 4 and len(stages) < 6:
            stages.append(Block(out, min(out * 2, 256), 2))
            side, out = (side + 1) // 2, min(out * 2, 256)
        self.features = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(out, classes)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last stage."""
        return self.features[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        return self.head(self.pool(self.features(images)).flatten(1))
