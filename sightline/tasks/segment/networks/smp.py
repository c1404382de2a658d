"""smp/ARCH/ENCODER: any network of segmentation_models_pytorch, such as smp/unet/resnet18."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from sightline.core.errors import MissingExtra, SightlineError, nearest
from sightline.tasks.segment.options import SmpOptions
from sightline.tasks.whole.networks.tryout import try_out

UNIT = 32
"""Its networks want sides that are multiples of it."""


class Smp(nn.Module):
    """(batch, channels, height, width) to logits (batch, outputs, height, width)."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], outputs: int, options: SmpOptions) -> None:
        super().__init__()
        try:
            import segmentation_models_pytorch  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise MissingExtra("segmentation_models_pytorch", "smp", f"the network {name}") from None
        library: Any = segmentation_models_pytorch  # pyright: ignore[reportUnknownVariableType]
        _, _, rest = name.partition("/")
        architecture, _, encoder = rest.partition("/")
        _check(library, architecture, encoder, name)
        self.body = _create(library, architecture, encoder, channels, outputs, options.pretrained)
        try_out(self, name, channels, size)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: what the decoder gives."""
        return self.body.decoder  # pyright: ignore[reportReturnType]

    @property
    def head(self) -> nn.Module:
        """The last layer."""
        return self.body.segmentation_head  # pyright: ignore[reportReturnType]

    def forward(self, images: Tensor) -> Tensor:
        """Logits; sides are filled up with the edge, and the filling is cut off again."""
        height, width = images.shape[2:]
        more = (0, -width % UNIT, 0, -height % UNIT)
        return self.body(functional.pad(images, more, mode="replicate"))[:, :, :height, :width]


def _check(library: Any, architecture: str, encoder: str, name: str) -> None:
    """Raises SightlineError with the nearest names for an architecture or encoder that is not there."""
    for kind, given, known in (
        ("architecture", architecture, library.MODEL_ARCHITECTURES_MAPPING),
        ("encoder", encoder, library.encoders.encoders),
    ):
        if given not in known and not (kind == "encoder" and given.startswith("tu-")):
            near = nearest(given, known)
            fix = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(sorted(known))}"
            raise SightlineError(f"segmentation_models_pytorch has no {kind} {given!r}", name, fix)


def _create(library: Any, architecture: str, encoder: str, channels: int, outputs: int, pretrained: bool) -> nn.Module:
    weights = "imagenet" if pretrained else None
    try:
        return library.create_model(architecture, encoder, weights, in_channels=channels, classes=outputs)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        if pretrained:
            raise SightlineError(
                f"the published weights of {encoder!r} cannot be had ({said})",
                fix="train without --pretrained, or where there is a network",
            ) from None
        raise SightlineError(f"segmentation_models_pytorch cannot build {architecture}/{encoder} ({said})") from None
