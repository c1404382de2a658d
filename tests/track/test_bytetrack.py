"""Following things in made films of known truth: judged by motmetrics, beside a tracker as one writes it first."""

from __future__ import annotations

import motmetrics
import numpy as np
import pytest
from films import Found, Scene, scene
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.geometry import overlaps
from sightline.core.tracks import TracksPrediction
from sightline.track.bytetrack import Tracker

SEEDS = range(5)


def judged(made: Scene, answers: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """IDF1 and MOTA of ids (k,) and corners (k, 4) a frame; a pair overlaps by at least a half."""
    kept = motmetrics.MOTAccumulator(auto_id=True)
    for ids, corners, (found, boxes) in zip(made.ids, made.corners, answers, strict=True):
        distance = 1 - overlaps(corners, boxes)
        kept.update(ids, found, np.where(distance > 0.5, np.nan, distance))
    row = motmetrics.metrics.create().compute(kept, metrics=["idf1", "mota"])
    return float(row["idf1"].iloc[0]), float(row["mota"].iloc[0])


def followed(made: Scene) -> list[TracksPrediction]:
    tracker = Tracker(fps=30)
    return [tracker.step(one) for one in made.found]


def greedy(made: Scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """The sure boxes; each takes the id of the box of the frame before that it overlaps most, if by 0.3."""
    ids, before, last, answers = np.zeros(0, int), np.zeros((0, 4)), 0, []
    for one in made.found:
        boxes = one.corners[one.scores >= one.threshold]
        overlap, given_ids = overlaps(boxes, before), np.zeros(len(boxes), int)
        for row in range(len(boxes)):
            best = int(overlap[row].argmax()) if len(before) else 0
            if len(before) and overlap[row, best] >= 0.3:
                given_ids[row] = ids[best]
                overlap[:, best] = 0
            else:
                last += 1
                given_ids[row] = last
        ids, before = given_ids, boxes
        answers.append((ids, boxes))
    return answers


@pytest.mark.parametrize("seed", SEEDS)
def test_things_keep_their_numbers(seed: int) -> None:
    made = scene(seed)
    idf1, mota = judged(made, [(one.ids, one.corners) for one in followed(made)])
    plain_idf1, plain_mota = judged(made, greedy(made))
    assert idf1 >= 0.88 and mota >= 0.86
    assert idf1 > plain_idf1 + 0.2 and mota > plain_mota + 0.03


def test_without_unsure_boxes_less_is_followed() -> None:
    """That they are looked at is what ByteTrack is about."""
    made = scene(2)
    blind = [Found(*(v[f.scores >= f.threshold] for v in (f.corners, f.labels, f.scores))) for f in made.found]
    with_all, without = (followed(Scene(made.ids, made.corners, found)) for found in (made.found, blind))
    scores = [judged(made, [(one.ids, one.corners) for one in some]) for some in (with_all, without)]
    assert scores[0][0] > scores[1][0] and scores[0][1] > scores[1][1]


def box(left: float, score: float = 0.9, label: int = 0) -> Found:
    return Found(np.array([[left, 50.0, left + 40, 90.0]]), np.array([label]), np.array([score]))


NOTHING = Found(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))


def ids_of(frames: list[Found], fps: float = 10) -> list[list[int]]:
    tracker = Tracker(fps)
    return [tracker.step(one).ids.tolist() for one in frames]


def test_what_is_hidden_for_less_than_a_second_is_known_again_where_it_should_be_by_then() -> None:
    seen = [box(8.0 * frame) for frame in range(12)]
    assert ids_of([*seen, *[NOTHING] * 9, box(8.0 * 21)]) == [*[[1]] * 12, *[[]] * 9, [1]]
    assert ids_of([*seen, *[NOTHING] * 12, box(8.0 * 24), box(8.0 * 25)])[-2:] == [[], [2]], "a second is up"


def test_an_accident_of_one_frame_gets_no_number() -> None:
    frames = [box(10), NOTHING, box(300), NOTHING, box(500), box(502)]
    assert ids_of(frames) == [[1], [], [], [], [], [2]]


def test_a_box_that_is_unsure_begins_nothing_and_continues_what_is_there() -> None:
    assert ids_of([box(10, 0.4)] * 3) == [[], [], []]
    assert ids_of([box(10), box(12, 0.2), box(14)]) == [[1], [1], [1]]
    assert ids_of([box(10), box(12, 0.05)]) == [[1], []], "too unsure"


def test_a_thing_stays_what_it_is() -> None:
    assert ids_of([box(10), box(11), box(12, label=1), box(13, label=1)]) == [[1], [1], [], [2]]


def test_the_threshold_of_the_command_wins() -> None:
    assert Tracker(10, min_confidence=0.95).step(box(10, 0.9)).ids.tolist() == []
    assert Tracker(10, min_confidence=0.3).step(box(10, 0.4)).ids.tolist() == [1]


@given(st.integers(0, 10**6), st.integers(0, 12))
def test_no_number_is_given_twice_and_none_is_used_again_after_it_was_given_up(seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    tracker, gone, open_ids, highest = Tracker(fps=3), set[int](), dict[int, int](), 0
    for frame in range(12):
        count = int(random.integers(0, most + 1))
        low = random.uniform(0, 80, (count, 2))
        boxes = np.concatenate([low, low + random.uniform(1, 60, (count, 2))], 1)
        scores = np.sort(random.uniform(0, 1, count))[::-1]
        seen = tracker.step(Found(boxes, random.integers(0, 2, count), scores))  # the value checks itself: ids differ
        for number in seen.ids.tolist():
            assert number not in gone and (number in open_ids or number > highest)
            open_ids[number], highest = frame, max(highest, number)
        gone |= {number for number, last in open_ids.items() if frame - last > 3}
        assert all(any((corners == boxes[row]).all() for row in range(count)) for corners in seen.corners)


def test_the_value_checks_itself_and_says_what_it_holds() -> None:
    corners, labels = np.array([[0.0, 1, 10, 21], [5, 5, 9, 9]]), np.array([1, 0])
    one = TracksPrediction(corners, labels, np.array([0.5, 0.75]), np.array([3, 7]), ("ball", "box"))
    assert one.to_dict()["boxes"][0] == {"id": 3, "label": "box", "confidence": 0.5, "box": [0.0, 1.0, 10.0, 21.0]}
    assert one.to_text() == "box #3  ball #7" and one.label == "ball 1, box 1" and one.confidence == 0.75
    assert one.to_mot(4) == "4,3,1.00,2.00,10.00,20.00,0.5000,-1,-1,-1\n4,7,6.00,6.00,4.00,4.00,0.7500,-1,-1,-1\n"
    assert one.shift(2, 3).corners[0].tolist() == [2, 4, 12, 24]
    for ids in ([7, 3], [3, 3], [0, 1], [1]):
        with pytest.raises(ValueError, match="expected"):
            TracksPrediction(corners, labels, np.array([0.5, 0.75]), np.array(ids), ("ball", "box"))
    with pytest.raises(ValueError, match="expected scores"):
        TracksPrediction(corners, labels, np.array([0.5, 1.75]), np.array([3, 7]), ("ball", "box"))
