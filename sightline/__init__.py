"""Sightline: image recognition that people can train, trust and ship, on their own images and their own machine."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.core.errors import SightlineError as SightlineError
    from sightline.model import Model as Model
    from sightline.model import load as load
    from sightline.verbs.check import check as check
    from sightline.verbs.convert import convert as convert
    from sightline.verbs.evaluate import evaluate as evaluate
    from sightline.verbs.render import render as render
    from sightline.verbs.train import train as train

__version__ = "0.1.0"

# onnxruntime's own builds report names and hashes of models to their maker, since 1.29 everywhere, and keep a number of
# this machine in the home folder. It looks for this before its first session, so it is set before all else.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_PLACES = {
    "SightlineError": "sightline.core.errors",
    "Model": "sightline.model",
    "load": "sightline.model",
    "check": "sightline.verbs.check",
    "convert": "sightline.verbs.convert",
    "evaluate": "sightline.verbs.evaluate",
    "render": "sightline.verbs.render",
    "train": "sightline.verbs.train",
}
__all__ = [*_PLACES, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for (PEP 562): `import sightline` alone costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'sightline' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
