"""The options of segment and of its networks. No torch here: `--help` and `networks` read them."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.options import option


@dataclass(frozen=True)
class SegmentOptions:
    """Options of the task segment."""

    rare: float = option(
        0.25, "how much rare classes count for more in the loss: their share of the pixels to minus this power",
        low=0, high=1,
    )  # fmt: skip
    dice: float = option(0.5, "weight of the Dice loss beside cross-entropy", low=0, high=10)


@dataclass(frozen=True)
class UNetOptions:
    """Options of `auto`."""

    width: int = option(32, "channels of the first stage; later ones have 2, 4 and 6 times as many", low=4, high=256)


@dataclass(frozen=True)
class SmallOptions(UNetOptions):
    """Options of `small`."""

    width: int = option(12, "channels of the first stage; later ones have 2, 4 and 6 times as many", low=4, high=256)


@dataclass(frozen=True)
class SmpOptions:
    """Options of `smp/ARCH/ENCODER`."""

    pretrained: bool = option(False, "start from an encoder with published weights, which are downloaded")
