"""The options of classify. No torch here: `--help` reads them."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.options import option


@dataclass(frozen=True)
class ClassifyOptions:
    """Options of the task itself."""

    label_smoothing: float | None = option(
        None, "share of the target spread over all classes (auto: 0.1 for auto and small, else 0)", low=0, high=0.5
    )
