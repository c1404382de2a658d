"""timm/NAME: any classifier of the timm library, with or without its published weights."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sightline.core.errors import MissingExtra, SightlineError, nearest
from sightline.tasks.classify.options import TimmOptions


class Timm(nn.Module):
    """(batch, channels, height, width) to logits (batch, classes)."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], classes: int, options: TimmOptions) -> None:
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
        self.body = _create(library, model, channels, size, classes, options.pretrained)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last feature stage that timm names."""
        return self.body.get_submodule(self.body.feature_info[-1]["module"])  # pyright: ignore

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        return self.body(images)


def _create(
    library: Any, model: str, channels: int, size: tuple[int, int], classes: int, pretrained: bool
) -> nn.Module:
    arguments: dict[str, Any] = {"pretrained": pretrained, "in_chans": channels, "num_classes": classes}
    try:
        try:
            return library.create_model(model, img_size=size, **arguments)
        except TypeError:  # convolutional models take any size and no such argument
            return library.create_model(model, **arguments)
    except SightlineError:
        raise
    except Exception as error:
        if not pretrained:
            raise SightlineError(f"timm cannot build {model!r}: {' '.join(str(error).split())[:200]}") from None
        raise SightlineError(
            f"the published weights of {model!r} cannot be downloaded",
            fix="fetch them where there is a network and give the file: --weights FILE.safetensors, "
            "without --pretrained",
        ) from None
