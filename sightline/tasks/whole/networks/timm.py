"""timm/NAME: any classifier of the timm library, with or without its published weights."""

from __future__ import annotations

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from torch import Tensor, nn

from sightline.core.errors import MissingExtra, SightlineError, nearest
from sightline.tasks.whole.networks.tryout import try_out
from sightline.tasks.whole.options import TimmOptions

HUB = "https://huggingface.co"


class Timm(nn.Module):
    """(batch, channels, height, width) to raw outputs (batch, outputs)."""

    def __init__(self, name: str, channels: int, size: tuple[int, int], outputs: int, options: TimmOptions) -> None:
        super().__init__()
        if options.pretrained:
            _prefer_disk_where_offline()
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
        self.body = _create(library, model, channels, size, outputs, options.pretrained)
        try_out(self, name, channels, size)

    @property
    def cam_layer(self) -> nn.Module:
        """Where Grad-CAM looks: the last feature stage that timm names."""
        return self.body.get_submodule(self.body.feature_info[-1]["module"])  # pyright: ignore

    @property
    def head(self) -> nn.Module:
        """The last layer: what it is given are the image's features. Of a distilled network, whose answer is the mean
        of two, both."""
        found: Any = self.body.get_classifier()  # pyright: ignore
        return found if isinstance(found, nn.Module) else nn.ModuleList(found)  # pyright: ignore

    def forward(self, images: Tensor) -> Tensor:
        """Raw outputs."""
        return self.body(images)


def _prefer_disk_where_offline() -> None:
    """Tells the hub's client to look on this disk only where the hub cannot be reached: it would try for a minute.

    Has no effect once the client is imported. Behind a proxy the client is left to find out by itself.
    """
    proxied = any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"))
    if proxied or "HF_HUB_OFFLINE" in os.environ:
        return
    host = urlsplit(os.environ.get("HF_ENDPOINT", HUB)).hostname or ""
    try:
        socket.create_connection((host, 443), timeout=3).close()
    except OSError:
        os.environ["HF_HUB_OFFLINE"] = "1"


def _create(
    library: Any, model: str, channels: int, size: tuple[int, int], outputs: int, pretrained: bool
) -> nn.Module:
    arguments: dict[str, Any] = {"pretrained": pretrained, "in_chans": channels, "num_classes": outputs}
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
