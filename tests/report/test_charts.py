"""Charts: what is drawn stands where the numbers say."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sightline.report import charts
from sightline.report.charts import HEIGHT, LEFT, RIGHT, WIDTH, Axis, Plane

AXES = Axis(0, 10, "epoch"), Axis(0, 1, "accuracy", True)


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def of_class(svg: str, name: str) -> list[dict[str, str]]:
    return [node.attrib for node in parse(svg).iter() if name in node.get("class", "").split()]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_round_evenly_spaced_and_within(low: float, size: float, about: int) -> None:
    assume(low + size > low)
    found = charts.ticks(low, low + size, about)
    slack = 1e-6 * max(1, abs(low), size)
    assert all(low - slack <= value <= low + size + slack for value in found)
    assert len(found) <= about + 2
    if len(found) > 2:
        steps = [b - a for a, b in itertools.pairwise(found)]
        assert max(steps) - min(steps) <= 1e-6 * max(steps) + 1e-6 * abs(low) * 1e-3 + 1e-9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_an_axis_holds_its_values(values: list[float]) -> None:
    low, high = charts.around(values, share=True)
    assert 0 <= low <= min(values) and max(values) <= high <= 1 and low < high


def test_a_line_goes_through_its_points() -> None:
    svg = charts.line("falls", [0, 5, 10], [0, 0.5, 1], *AXES)
    path = of_class(svg, "line")[0]["d"]
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]
    plane = Plane(*AXES)
    assert points == [(plane.x(x), plane.y(y)) for x, y in ((0, 0), (5, 0.5), (10, 1))]
    assert points[0][0] == LEFT and points[-1][0] == WIDTH - RIGHT and points[0][1] > points[-1][1]


def test_a_single_point_is_a_dot() -> None:
    svg = charts.line("one", [3], [0.5], *AXES)
    assert of_class(svg, "line") == [] and len(of_class(svg, "dot")) == 1


def test_marks_are_named_in_the_chart_and_stay_inside() -> None:
    svg = charts.line("x", [0, 10], [0, 1], *AXES, [(0, 0, "low"), (10, 1, "high")])
    notes = [node for node in parse(svg).iter() if node.get("class") == "note"]
    assert [node.text for node in notes] == ["low", "high"]
    assert [node.get("text-anchor") for node in notes] == ["start", "end"]
    assert all(0 < float(node.get("y", "-1")) < HEIGHT for node in notes)


def test_the_reliability_diagram_puts_accuracy_over_confidence_and_shows_how_little_few_images_tell() -> None:
    svg = charts.reliability("r", [0.4, 0.9], [0.2, 0.9], [4, 400], "sure", "right", ("ideal", "over", "under"))
    plane = Plane(Axis(0, 1, "", True), Axis(0, 1, "", True))
    dots, bars = of_class(svg, "dot"), of_class(svg, "error")
    assert [(float(d["cx"]), float(d["cy"])) for d in dots] == [
        (plane.x(0.4), plane.y(0.2)), (plane.x(0.9), plane.y(0.9)),
    ]  # fmt: skip
    assert float(dots[1]["r"]) > float(dots[0]["r"])
    lengths = [float(b["y1"]) - float(b["y2"]) for b in bars]
    assert lengths[0] > 3 * lengths[1] > 0


def test_a_whisker_spans_its_interval_on_the_scale() -> None:
    svg = charts.whisker(0.5, (0.25, 0.75), (0.0, 1.0), "bad")
    bar, dot = of_class(svg, "bar")[0], of_class(svg, "dot")[0]
    assert [float(bar["x1"]), float(dot["cx"]), float(bar["x2"])] == [33, 60, 87]
    assert "bad" in bar["class"] and parse(svg).get("aria-hidden") == "true"


@pytest.mark.parametrize("alt", ['<">', "a & b"])
def test_a_chart_says_in_words_what_it_shows(alt: str) -> None:
    node = parse(charts.line(alt, [0, 1], [0, 1], *AXES))
    assert node.get("role") == "img" and node.get("aria-label") == alt
