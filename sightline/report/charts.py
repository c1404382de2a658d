"""Charts as inline SVG: pure functions of numbers. Colours are the page's, so they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.core.statistics import proportion
from sightline.report.html import Html, join, tag

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 26, 38
"""Small on purpose: a chart is drawn at the width of a phone, so its letters stay legible there and on paper."""


@dataclass(frozen=True)
class Axis:
    """From `low` to `high` in data units; `share` writes 0.5 as 50 %."""

    low: float
    high: float
    title: str
    share: bool = False


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers within low..high, about so many (steps of 1, 2 or 5 times a power of ten)."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _shown(value: float, axis: Axis) -> str:
    return f"{100 * value:.6g}%" if axis.share else f"{value:,.6g}"


class Plane:
    """A coordinate plane: grid, axes, and a place for every pair of numbers."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self.x_axis, self.y_axis = x, y

    def x(self, value: float) -> float:
        """Data to SVG units."""
        share = (value - self.x_axis.low) / ((self.x_axis.high - self.x_axis.low) or 1)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Data to SVG units; up is more."""
        share = (value - self.y_axis.low) / ((self.y_axis.high - self.y_axis.low) or 1)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def frame(self) -> Html:
        """Grid lines, numbers and titles: y above the plane, x below it, both written level."""
        parts: list[Html] = []
        for value in ticks(self.y_axis.low, self.y_axis.high):
            y = self.y(value)
            parts.append(tag("line", cls="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
            parts.append(_text(_shown(value, self.y_axis), LEFT - 6, y + 4, "tick", "end"))
        for value in ticks(self.x_axis.low, self.x_axis.high):
            parts.append(_text(_shown(value, self.x_axis), self.x(value), HEIGHT - BOTTOM + 16, "tick", "middle"))
        parts.append(_text(self.y_axis.title, 2, 12, "title", "start"))
        parts.append(_text(self.x_axis.title, WIDTH - RIGHT, HEIGHT - 4, "title", "end"))
        return join(parts)

    def path(self, xs: Sequence[float], ys: Sequence[float], cls: str) -> Html:
        """A line through the points."""
        points = " L".join(f"{self.x(x)} {self.y(y)}" for x, y in zip(xs, ys, strict=True))
        return tag("path", cls=cls, d=f"M{points}")

    def dot(self, x: float, y: float, cls: str = "dot", radius: float = 3.5) -> Html:
        """A point."""
        return tag("circle", cls=cls, cx=self.x(x), cy=self.y(y), r=round(radius, 1))

    def note(self, text: str, x: float, y: float, cls: str = "note", anchor: str = "start", up: float = 0) -> Html:
        """A label at a point, `up` SVG units above it."""
        return _text(text, self.x(x), self.y(y) - up, cls, anchor)


def _text(text: str, x: float, y: float, cls: str, anchor: str) -> Html:
    return tag("text", text, cls=cls, x=round(x, 1), y=round(y, 1), text_anchor=anchor)


def svg(alt: str, *parts: object, width: int = WIDTH, height: int = HEIGHT, cls: str = "chart") -> Html:
    """The picture with its words for those who cannot see it."""
    return tag("svg", *parts, cls=cls, viewBox=f"0 0 {width} {height}", role="img", aria_label=alt)


def line(
    alt: str, xs: Sequence[float], ys: Sequence[float], x: Axis, y: Axis,
    marks: Sequence[tuple[float, float, str]] = (),
) -> Html:  # fmt: skip
    """One line; `marks`: points (x, y, label) that are named in the chart itself. A single point is a dot."""
    plane = Plane(x, y)
    parts = [plane.frame(), plane.path(xs, ys, "line") if len(xs) > 1 else plane.dot(xs[0], ys[0])]
    middle = (x.low + x.high) / 2
    for place, height, label in marks:
        anchor = "end" if place > middle else "start"
        high = plane.y(height) < TOP + 24
        parts.append(plane.dot(place, height))
        shift = -6.0 if anchor == "end" else 6.0
        parts.append(_text(label, plane.x(place) + shift, plane.y(height) + (18 if high else -9), "note", anchor))
    return svg(alt, *parts)


def around(values: Sequence[float], share: bool = False) -> tuple[float, float]:
    """Low and high for an axis that holds the values, at round numbers; a share never leaves 0..1."""
    low, high = min(values), max(values)
    room = high - low
    if room < 1e-6 * max(1.0, abs(high)):  # a level line still needs a height
        room = max(abs(high), 0.1)
    low, high = low - 0.06 * room, high + 0.06 * room
    steps = ticks(low, high)
    step = steps[1] - steps[0] if len(steps) > 1 else room
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if min(values) >= 0:
        low = max(0.0, low)
    return (low, min(1.0, high)) if share else (low, high)


def reliability(
    alt: str, confidence: Sequence[float], accuracy: Sequence[float], count: Sequence[int],
    x_title: str, y_title: str, words: tuple[str, str, str],
) -> Html:  # fmt: skip
    """How often it is right (0..1) over how sure it says it is (0..1); dots grow with the images they stand for.

    A bin of few images tells little: its bar is the 95 % interval of the share (Wilson 1927).

    words: for the diagonal, for the side below it (too sure) and the side above it (too modest).
    """
    plane = Plane(Axis(0, 1, x_title, True), Axis(0, 1, y_title, True))
    most = max([1, *count])
    bars: list[Html] = []
    dots: list[Html] = []
    for c, a, n in zip(confidence, accuracy, count, strict=True):
        low, high = proportion(a * n, n)
        bars.append(tag("line", cls="error", x1=plane.x(c), x2=plane.x(c), y1=plane.y(low), y2=plane.y(high)))
        dots.append(plane.dot(c, a, "dot soft", 2.5 + 6 * math.sqrt(n / most)))
    ideal, below, above = words
    return svg(
        alt, plane.frame(), plane.path((0, 1), (0, 1), "ideal"),
        *bars, *dots, plane.note(ideal, 0.1, 0.04, "aside"), plane.note(below, 0.98, 0.04, "aside", "end"),
        plane.note(above, 0.02, 0.93, "aside"),
    )  # fmt: skip


def whisker(value: float, ends: tuple[float, float], scale: tuple[float, float], kind: str = "") -> Html:
    """A point with its interval on a line: a table's cell, the numbers stand beside it. scale: both ends of the line.

    kind: "" for what the page is about, "bad" or "other".
    """
    width, height, pad = 120, 14, 6
    (low, high), (least, most) = ends, scale

    def place(number: float) -> float:
        share = (number - least) / ((most - least) or 1)
        return round(pad + min(max(share, 0), 1) * (width - 2 * pad), 1)

    middle = height / 2
    parts = [
        tag("line", cls="rail", x1=pad, x2=width - pad, y1=middle, y2=middle),
        tag("line", cls=f"bar {kind}".strip(), x1=place(low), x2=place(high), y1=middle, y2=middle),
        tag("circle", cls=f"dot {kind}".strip(), cx=place(value), cy=middle, r=4),
    ]
    return tag("svg", *parts, cls="whisker", viewBox=f"0 0 {width} {height}", aria_hidden="true", focusable="false")
