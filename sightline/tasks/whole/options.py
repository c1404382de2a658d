"""The options of the networks that see a whole image. No torch here: `--help` and `networks` read them."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.options import option


@dataclass(frozen=True)
class CNNOptions:
    """Options of `cnn`."""

    dense: int = option(128, "units of the dense layer", low=1)
    pool: str = option("max", "pooling", choices=("max", "avg"))
    width: int = option(32, "channels of the first convolution; each further one doubles them", low=1)
    depth: int = option(2, "number of conv-pool blocks", low=1, high=6)


@dataclass(frozen=True)
class CRNNOptions(CNNOptions):
    """Options of `crnn`."""

    cell: str = option("gru", "recurrent cell over the columns", choices=("rnn", "gru", "lstm"))
    units: int = option(64, "units of the recurrent layer", low=1)


@dataclass(frozen=True)
class ResidualOptions:
    """Options of `auto`."""

    width: int | None = option(None, "channels of the first stage (auto: by image size)", low=4, high=512)


@dataclass(frozen=True)
class SmallOptions(ResidualOptions):
    """Options of `small`."""

    width: int = option(12, "channels of the first stage", low=4, high=512)


@dataclass(frozen=True)
class TimmOptions:
    """Options of `timm/NAME`."""

    pretrained: bool = option(False, "start from the published weights; the one place where the network is used")
