"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_READ = ("cer", "cer_folded", "wer", "insertions", "deletions", "substitutions")
_CLASSES = ("accuracy", "top5", "precision", "recall", "f1", "macro_f1", "micro_f1", "ap", "map", "iou")
_PIXELS = ("miou", "dice", "pixel_accuracy", "boundary_f")
_BOXES = ("map50_95", "map50", "map75", "ar", "ap50")
_OTHER = ("exact", "coverage", "ece", "ece_uncalibrated", "char_accuracy")
PERCENT = frozenset((*_CLASSES, *_PIXELS, *_BOXES, *_OTHER, *_READ))
"""Metrics from 0 to 1, which read better as a percentage."""
LOWER = frozenset(("nll", "ece", "ece_uncalibrated", "mae", "rmse", "mse", "hamming", "aurc", "loss", *_READ))
"""Metrics of which less is better."""
DASH = "–"


def percent(value: float, digits: int = 1) -> str:
    """`86.1%`; never rounds what is not all of it up to 100 %, or what is not nothing down to 0 %."""
    shown = 100 * value
    edge = 10.0**-digits
    if 0 < shown < edge / 2:
        return f"<{edge:g}%"
    if 100 - edge / 2 < shown < 100:
        return f">{100 - edge:g}%"
    return "0%" if value == 0 else "100%" if value == 1 else f"{shown:.{digits}f}%"


def points(value: float) -> str:
    """A difference of shares in percentage points, without a unit: `1.6`."""
    return f"{100 * value:.1f}"


def number(value: float) -> str:
    """Three decimals below 10, fewer above; thousands apart."""
    if not math.isfinite(value):
        return "∞" if value > 0 else ("-∞" if value < 0 else DASH)
    if float(value).is_integer() and abs(value) >= 10:
        return f"{int(value):,}"
    size = abs(value)
    return f"{value:,.3f}" if size < 10 else f"{value:,.2f}" if size < 100 else f"{value:,.0f}"


def metric(name: str, value: float) -> str:
    """The value of a metric as its kind is read."""
    return percent(value) if name in PERCENT else number(value)


def span(name: str, interval: Sequence[float]) -> str:
    """`85.1–87.0%`, or `0.851–0.870`."""
    low, high = metric(name, interval[0]), metric(name, interval[1])
    if low.endswith("%") and high.endswith("%"):
        low = low[:-1]
    return f"{low}{DASH}{high}"


def count(value: float) -> str:
    """`5,046`."""
    return f"{int(value):,}"


def is_number(value: Any) -> bool:
    """Whether it is a finite number, not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
