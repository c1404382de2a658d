"""The options of multilabel. No torch here: `--help` reads them."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.options import option


@dataclass(frozen=True)
class MultilabelOptions:
    """Options of the task itself."""

    label_smoothing: float | None = option(
        None, "share by which each yes and no is drawn towards one half (auto: 0)", low=0, high=0.5
    )
