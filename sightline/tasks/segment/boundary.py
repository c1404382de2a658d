"""Whether the edges of regions lie where they should, for all classes at once: a bit a class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sightline.data.masks import IGNORE, Labels, resized_labels

TOLERANCE = 0.0075
"""Edges may lie this share of the image's diagonal apart, as for Cityscapes and DAVIS."""
MOST_PIXELS = 2**20
"""Larger images are looked at in this many pixels; the tolerance shrinks with them."""
AT_ONCE = 63
Bits = NDArray[np.uint64]


def boundary_counts(answer: Labels, truth: Labels, classes: int) -> NDArray[np.int64]:
    """(classes, 4): edge pixels of the answer that are near one of the truth, and all; and the other way round.

    Both (height, width). What lies on ignored pixels of the truth does not count.
    """
    height, width = truth.shape
    if height * width > MOST_PIXELS:
        shrink = math.sqrt(MOST_PIXELS / (height * width))
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        answer, truth = resized_labels(answer, size), resized_labels(truth, size)
    radius = TOLERANCE * math.hypot(*truth.shape)
    counted = truth != IGNORE
    counts = np.zeros((classes, 4), np.int64)
    for first in range(0, classes, AT_ONCE):
        some = min(AT_ONCE, classes - first)
        ours, theirs = (np.where(counted, edges(one, first, some), 0) for one in (answer, truth))
        for column, (edge, other) in enumerate(((ours, theirs), (theirs, ours))):
            places = np.flatnonzero(edge)
            bits = edge.ravel()[places]
            near = bits & dilated(other, radius).ravel()[places]
            for number in range(some):
                mask = np.array(1 << number, edge.dtype)
                counts[first + number, 2 * column] = np.count_nonzero(near & mask)
                counts[first + number, 2 * column + 1] = np.count_nonzero(bits & mask)
    return counts


def edges(labels: Labels, first: int, count: int) -> NDArray[np.unsignedinteger]:
    """(height, width) with bit k set where a pixel of class `first` + k has a neighbour of another class (of four).

    Neighbours that are ignored make no edge.
    """
    kind = np.uint16 if count <= 16 else np.uint32 if count <= 32 else np.uint64
    edge = np.zeros(labels.shape, np.bool_)
    for one, other, mark, back in (
        (labels[1:], labels[:-1], edge[1:], edge[:-1]),
        (labels[:, 1:], labels[:, :-1], edge[:, 1:], edge[:, :-1]),
    ):
        differs = (one != other) & (one != IGNORE) & (other != IGNORE)
        mark |= differs
        back |= differs
    table = np.zeros(256, kind)
    table[first : first + count] = np.left_shift(np.array(1, kind), np.arange(count).astype(kind))
    return np.where(edge, table[labels], np.array(0, kind))


def dilated(bits: NDArray[np.unsignedinteger], radius: float) -> NDArray[np.unsignedinteger]:
    """Each bit spread to all pixels whose centres are at most `radius` away."""
    wide, found, reach = bits.copy(), np.zeros_like(bits), 0
    for rise in range(min(int(radius), bits.shape[0] - 1), -1, -1):
        for step in range(reach + 1, min(int(math.sqrt(radius**2 - rise**2)), bits.shape[1] - 1) + 1):
            wide[:, step:] |= bits[:, :-step]
            wide[:, :-step] |= bits[:, step:]
            reach = step
        if rise:
            found[rise:] |= wide[:-rise]
            found[:-rise] |= wide[rise:]
        else:
            found |= wide
    return found
