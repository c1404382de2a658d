"""Boxes of overlapping windows as those of the whole image: what several windows saw of one object becomes one box."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from sightline.core.geometry import areas, intersections, overlaps
from sightline.core.task import Size
from sightline.core.windows import Box

Floats = NDArray[np.float64]
TOUCHES = 0.02
"""Share of a window's side: a box that comes so near to the edge of its window is taken for one that is cut there."""
AGREE = 0.5
"""Overlap, within what two windows share, of boxes that are parts of one object."""
INSIDE = 0.6
"""Share of a cut box within a larger one of which it is a part."""
SLACK = 2.0
"""Pixels by which the larger box may miss a part that is no more than a rim."""
WEAK = 0.3
"""A box of less than this share of the score of its object's surest one does not change its place."""


def joined(
    corners: Floats,
    labels: NDArray[np.int64],
    scores: Floats,
    owner: NDArray[np.int64],
    frames: list[Box],
    size: Size,
    most: float,
) -> tuple[NDArray[np.int64], Floats]:
    """Places of the surest box of each object, and the objects' corners, (k, 4).

    corners: (n, 4) in the image's pixels, the surest first; owner: (n,) the number of the window, among `frames`, that
    saw it; within a window no box is there twice. most: boxes of a class that overlap by more are one.

    From the surest box on, each joins the first object that it shows a part of. An object that some window saw whole
    lies where that window says; of one that every window cuts, such as one larger than what windows share, the parts
    are put together.
    """
    cut = cut_boxes(corners, owner, frames, size)
    same = _same(corners, labels, owner, frames, cut, most)
    head_of = np.arange(len(corners))
    counts, places, whole = np.zeros(len(corners), np.bool_), corners.copy(), ~cut
    for one in range(len(corners)):
        known = sorted({_head(head_of, other) for other in same.get(one, ()) if other < one and counts[other]})
        if not known:
            counts[one] = True
            continue
        head = head_of[one] = known[0]
        if scores[one] < WEAK * scores[head] or whole[head]:
            continue
        counts[one] = True
        parts = [one, *(other for other in known if not whole[other])]  # it may lie between two that were apart so far
        head_of[parts] = head
        if cut[one]:
            places[head, :2], places[head, 2:] = places[parts, :2].min(axis=0), places[parts, 2:].max(axis=0)
        else:
            places[head], whole[head] = corners[one], True
    chosen = np.flatnonzero(head_of == np.arange(len(corners)))
    return chosen, places[chosen]


def _head(head_of: NDArray[np.int64], one: int) -> int:
    """The surest box of the object that a box was taken for."""
    while head_of[one] != one:
        one = int(head_of[one])
    return one


def cut_boxes(corners: Floats, owner: NDArray[np.int64], frames: list[Box], size: Size) -> NDArray[np.bool_]:
    """(n,) which boxes end at an edge of their window that is none of the image."""
    frame = np.array(frames, np.float64).reshape(-1, 4)
    near = np.maximum(2.0, TOUCHES * np.concatenate([frame[:, 2:] - frame[:, :2]] * 2, axis=1))
    inner = frame != np.array([0, 0, *size])
    return ((np.abs(corners - frame[owner]) <= near[owner]) & inner[owner]).any(axis=1)


def _same(
    corners: Floats,
    labels: NDArray[np.int64],
    owner: NDArray[np.int64],
    frames: list[Box],
    cut: NDArray[np.bool_],
    most: float,
) -> dict[int, list[int]]:
    """For each box those of other windows that show the same object."""
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(len(frames) + 1))
    boxes = np.array(frames, np.float64).reshape(-1, 4)
    found: dict[int, list[int]] = defaultdict(list)
    for first in range(len(frames)):
        low = np.maximum(boxes[first, :2], boxes[first + 1 :, :2])
        high = np.minimum(boxes[first, 2:], boxes[first + 1 :, 2:])
        for second in (first + 1 + np.flatnonzero((high > low).all(axis=1))).tolist():
            shared = np.concatenate([low[second - first - 1], high[second - first - 1]])
            ours, theirs = (_within(order[ends[i] : ends[i + 1]], corners, shared) for i in (first, second))
            if not len(ours) or not len(theirs):
                continue
            one, other = corners[ours], corners[theirs]
            cut_one, cut_other = cut[ours][:, None], cut[theirs][None]
            seen = overlaps(_clipped(one, shared), _clipped(other, shared))
            alike = np.where(cut_one | cut_other, seen > AGREE, overlaps(one, other) > most)
            alike |= (cut_one & _inside(one, other)) | (cut_other & _inside(other, one).T)
            alike &= labels[ours][:, None] == labels[theirs][None]
            for a, b in zip(*np.nonzero(alike), strict=True):
                found[int(ours[a])].append(int(theirs[b]))
                found[int(theirs[b])].append(int(ours[a]))
    return found


def _within(places: NDArray[np.int64], corners: Floats, shared: Floats) -> NDArray[np.int64]:
    """Those of the places whose boxes reach into what is shared."""
    some = corners[places]
    return places[((some[:, 2:] > shared[:2]) & (some[:, :2] < shared[2:])).all(axis=1)]


def _inside(small: Floats, large: Floats) -> NDArray[np.bool_]:
    """(a, b) whether most of each small box lies in the large one."""
    grown = large + np.array([-SLACK, -SLACK, SLACK, SLACK])
    within = intersections(small, grown) > INSIDE * areas(small)[:, None]
    return within & (areas(small)[:, None] < areas(large)[None])


def _clipped(corners: Floats, shared: Floats) -> Floats:
    return np.concatenate([np.maximum(corners[:, :2], shared[:2]), np.minimum(corners[:, 2:], shared[2:])], axis=1)
