"""The options of regress. No torch here: `--help` reads them."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.options import option


@dataclass(frozen=True)
class RegressOptions:
    """Options of the task itself."""

    loss: str = option("huber", "huber forgives outliers, squared error does not", choices=("huber", "squared"))
