"""timm/NAME: a backbone of the timm library under our own neck and heads."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sightline.core.errors import MissingExtra, SightlineError, nearest
from sightline.tasks.detect.networks.detector import SIZES, STRIDES, Pyramid
from sightline.tasks.detect.options import BackboneOptions


class TimmDetector(Pyramid):
    """(batch, channels, height, width), multiples of 32, to (batch, cells, classes + 4 * BINS), as `Detector`."""

    def __init__(self, name: str, channels: int, classes: int, options: BackboneOptions) -> None:
        super().__init__()
        try:
            import timm
        except ImportError:
            raise MissingExtra("timm", "timm", f"the network {name}") from None
        library: Any = timm
        model = name.removeprefix("timm/")
        if not library.is_model(model):
            near = nearest(model, library.list_models())
            fix = f"did you mean {' or '.join('timm/' + n for n in near)}?" if near else "see timm.list_models()"
            raise SightlineError(f"timm has no model {model!r}", fix=fix)
        places = _levels(_create(library, model, channels), model)
        self.body = _create(library, model, channels, places)  # the stages behind the last are not even built
        self.add_heads(self.body.feature_info.channels(), 2 * SIZES[options.size][0], classes)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: what comes out of the backbone at stride 16, as the neck takes it."""
        return self.reduce[1]

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs of all cells."""
        return self.answers(*self.body(images))


def _levels(body: Any, model: str) -> list[int]:
    """Which of the backbone's maps have strides 8, 16 and 32; the last of each."""
    strides: list[int] = body.feature_info.reduction()
    if not set(STRIDES) <= set(strides):
        raise SightlineError(
            f"the maps of {model!r} have strides of {', '.join(map(str, strides))}, and a detector needs 8, 16 and 32",
            fix="take a convolutional network with stages, such as timm/resnet18",
        )
    return [len(strides) - 1 - strides[::-1].index(stride) for stride in STRIDES]


def _create(library: Any, model: str, channels: int, places: list[int] | None = None) -> Any:
    more = {} if places is None else {"out_indices": tuple(places)}
    try:
        return library.create_model(model, pretrained=False, in_chans=channels, features_only=True, **more)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise SightlineError(
            f"timm cannot make a backbone of {model!r} ({said})",
            fix="take a convolutional network with stages, such as timm/resnet18",
        ) from None
