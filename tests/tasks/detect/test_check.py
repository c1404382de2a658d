"""What `check` says of boxes."""

from __future__ import annotations

import numpy as np
from tiny import TINY

from sightline.core.boxes import Boxes
from sightline.data.formats import open_data
from sightline.tasks.detect.check import findings


def codes(boxes: Boxes, size: tuple[int, int] = (640, 480)) -> dict[str, str]:
    images, targets = TINY["detect"].arrays()
    dataset = open_data((images, [boxes, *targets[1:]]), kind="boxes")
    splits = np.full(len(dataset), "train")
    return {f.code: f.level for f in findings(dataset, splits, np.array([size] * len(dataset)))}


def test_boxes_outside_of_no_area_and_twice_are_listed() -> None:
    found = codes(Boxes(np.array([[600.0, 0, 700, 50], [5, 5, 5, 9], [1, 1, 50, 50], [1, 1, 50, 50]]), ("circle",) * 4))
    assert {"outside", "no_area", "twice"} <= found.keys()
    assert all(found[code] == "warning" for code in ("outside", "no_area", "twice"))


def test_tiny_is_measured_in_the_input() -> None:
    ten = Boxes(np.array([[0.0, 0, 10, 100]]), ("circle",))
    images, _ = TINY["detect"].arrays()
    dataset = open_data((images[:1], [ten]), kind="boxes")
    splits = np.array(["train"])
    small, large = ([f.code for f in findings(dataset, splits, np.array([size]))] for size in ((320, 240), (640, 480)))
    assert "tiny" not in small and "tiny" in large


def test_nothing_to_learn_is_an_error() -> None:
    images, _ = TINY["detect"].arrays()
    dataset = open_data((images[:3], [Boxes(np.zeros((0, 4)))] * 3), kind="boxes")
    found = findings(dataset, np.full(3, "train"), np.array([(32, 32)] * 3))
    assert [(f.code, f.level) for f in found] == [("no_boxes", "error")]
