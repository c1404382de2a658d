"""The options of detect and of its network. No torch here: `--help` and `networks` read them."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.options import option

SIZES = ("xs", "s", "m", "l")


@dataclass(frozen=True)
class DetectOptions:
    """Options of the task itself."""

    overlap: float = option(0.6, "boxes of one class that overlap by more are taken for one", low=0, high=1)


@dataclass(frozen=True)
class DetectorOptions:
    """Options of `auto`."""

    size: str = option("s", "size of the network", choices=SIZES)


@dataclass(frozen=True)
class SmallOptions(DetectorOptions):
    """Options of `small`."""

    size: str = option("xs", "size of the network", choices=SIZES)


@dataclass(frozen=True)
class BackboneOptions(DetectorOptions):
    """Options of `timm/NAME`."""

    size: str = option("s", "size of the neck and heads over the backbone", choices=SIZES)
