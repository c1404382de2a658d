"""compress --method distill: a small network that learns from the bundle, trained on the same data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.errors import SightlineError
from sightline.run.bundle import Bundle, open_bundle

if TYPE_CHECKING:
    from sightline.verbs.compress import CompressOptions

LIKE_THE_TEACHER = ("imgsz", "seed", "balance", "augment", "normalize", "lm", "lexicon")
"""Options of `train` that the small network shares with its teacher."""


def distilled(bundle: Bundle, data: Any, options: CompressOptions, run: Path) -> Bundle:
    """The trained small network; run: the folder of its training, `train DATA --teacher MODEL --network small`."""
    from sightline.verbs.train import run_training

    if "model.safetensors" not in bundle.members:
        raise SightlineError("this bundle holds no weights to learn from: it is quantized", str(bundle.path))
    told = bundle.card.get("options", {})
    given: dict[str, Any] = {name: told[name] for name in LIKE_THE_TEACHER if name in told}
    given |= {"task": bundle.spec.task, "network": options.network, "teacher": bundle.path, "out": run}
    given |= {"workers": options.workers, "max_bad": options.max_bad, "max_pixels": options.max_pixels}
    if options.time:
        given["time"] = options.time
    else:
        given["epochs"] = options.epochs or _epochs(bundle)
    if options.format:
        given["format"] = options.format
    return open_bundle(run_training(data, given, time.monotonic()))


def _epochs(bundle: Bundle) -> int:
    plan = bundle.card["plan"]
    return -(-int(plan["steps"]) // int(plan["per_epoch"]))
