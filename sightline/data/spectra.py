"""What is seen in thumbnails, by spatial frequency, and how far two are apart after small moves of the edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.dataset import Indices

SIDE = 32
COARSE, FINE = 8, 12
"""Frequencies along each axis, for a search and for a close look."""
FLOOR = 10.0
"""Grey levels of contrast that count as nothing: noise in a nearly blank image is no likeness."""
HIGH = 220
"""Brighter pixels than this may be white in a brighter copy."""
MARGIN = 0.02
"""The share of a side that a crop may take at each edge; one pixel where that is more."""
WORTH = 0.17
"""Distance below which a second, finer look is worth it."""
CHUNK = 8192

Floats = NDArray[np.floating[Any]]
Margins = tuple[float, float]


class Spectra:
    """The thumbnails, and the spectra of what is left of them when edges are cut off."""

    def __init__(self, grey: NDArray[np.uint8], sizes: NDArray[np.int32]) -> None:
        self.grey, self.sizes = grey, sizes
        # All images of 50 px and more are cut alike; smaller ones by one pixel.
        kinds, kind = np.unique(np.minimum(sizes, round(1 / MARGIN)), axis=0, return_inverse=True)
        self.kind = kind.reshape(-1)
        self.margins: list[Margins] = [(1 / max(int(w), 1), 1 / max(int(h), 1)) for w, h in kinds]

    def __len__(self) -> int:
        return len(self.grey)

    def parts(self, of: Indices) -> Iterator[tuple[Indices, Margins]]:
        """Places in `of`, few at a time, whose images share margins; and those."""
        for kind, margins in enumerate(self.margins):
            rows = np.flatnonzero(self.kind[of] == kind)
            for start in range(0, len(rows), CHUNK):
                yield rows[start : start + CHUNK], margins

    def of(self, rows: Indices, margins: Margins) -> Floats:
        """(ways, m, COARSE² - 1) the spectra of some images, with the edges cut off that CUTS lists.

        Where a margin is one pixel, wider than MARGIN, a crop may well lie between two of them: 31 ways, else 17.
        """
        wide, high = margins
        across = np.concatenate([_basis(COARSE, a * wide, b * wide) for a, b in _WAYS])
        down = np.concatenate([_basis(COARSE, a * high, b * high) for a, b in _WAYS])
        found = _transform(self.grey[rows], across, down).reshape(len(rows), len(_WAYS), COARSE, len(_WAYS), COARSE)
        ways = _CHOSEN if max(margins) > MARGIN else _CHOSEN[:_FEW]
        chosen = [found[:, down, :, across].reshape(len(rows), -1)[:, 1:] for across, down in ways]
        return _unit(np.stack(chosen))

    def distance(self, first: Indices, second: Indices, cut: Indices) -> Floats:
        """(m,) the distance of each pair, the first image cut in the way of that number, and then finer."""
        nodes = np.rint(4 * CUTS[cut]).astype(np.int64)
        found, steps = self._measured(first, second, nodes)
        finer = np.clip(nodes + np.rint(2 * steps), 0, 4).astype(np.int64)
        again = np.flatnonzero((finer != nodes).any(axis=1) & (found < WORTH))
        other, _ = self._measured(first[again], second[again], finer[again])
        found[again] = np.minimum(found[again], other)
        return found

    def _measured(self, first: Indices, second: Indices, nodes: Indices) -> tuple[Floats, Floats]:
        """(m,) distances; and (m, 4) how far the edges want to move. nodes: (m, 4) cuts in quarters of a margin."""
        found, steps = np.empty(len(first), np.float32), np.empty((len(first), 4), np.float32)
        for node in np.unique(nodes, axis=0):
            chosen = np.flatnonzero((nodes == node).all(axis=1))
            for rows, margins in self.parts(first[chosen]):
                some = chosen[rows]
                found[some], steps[some] = self._aligned(first[some], second[some], node / 4, margins)
        return found, steps

    def _aligned(
        self, first: Indices, second: Indices, cut: NDArray[np.float64], margins: Margins
    ) -> tuple[Floats, Floats]:
        """The distance left after the best small moves of the four edges, gain, blur and lost highlights."""
        edges = [(cut[0] * margins[0], cut[1] * margins[0]), (cut[2] * margins[1], cut[3] * margins[1])]
        across, down = (
            np.concatenate([_basis(FINE, *edge), *_moved(FINE, *edge, margin)])
            for edge, margin in zip(edges, margins, strict=True)
        )
        grid = _transform(self.grey[first], across, down).reshape(len(first), 3, FINE, 3, FINE)
        spectrum, *moves = (grid[:, y, :, x].reshape(len(first), -1)[:, 1:] for y, x in _MOVES)
        length = _length(spectrum)
        own = spectrum / length
        whole = _basis(FINE, 0.0, 0.0)
        other, *lost = (
            _transform(grey, whole, whole).reshape(len(first), -1)[:, 1:]
            for grey in (self.grey[second], _highlights(self.grey[first]), _highlights(self.grey[second]))
        )
        directions = [move / length for move in (*moves, *lost)] + [own, own * _BLUR]
        distance, steps = _residual(_unit(other) - own, np.stack(directions, axis=2))
        return distance, steps[:, :4]


_MOVES = ((0, 0), (0, 1), (0, 2), (1, 0), (2, 0))
"""Which rows of bases, down and across, give the spectrum, and its changes as an edge moves."""
_WAYS = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5), (0.5, 0.0), (0.0, 0.5)]
_FEW = 17
_CHOSEN = [
    *((across, down) for across in range(4) for down in range(4)),
    *((across, down) for across in (4, 5, 6, 0) for down in (4, 5, 6, 0)),
][:-1]
CUTS = np.array([(*_WAYS[across], *_WAYS[down]) for across, down in _CHOSEN])
"""(31, 4) how much is cut off at the left, right, top and lower edge, in margins; the first is nothing."""
_PULL = 0.01
"""Squared distance that a direction costs when it is followed for half a margin, or for a clear blur."""

_frequency = np.arange(FINE, dtype=np.float32)
_BLUR = (-(_frequency[:, None] ** 2 + _frequency**2) / FINE**2).reshape(-1)[1:]
"""How a blur changes each coefficient, as a share of it."""


def _highlights(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a brighter copy loses where it is at its brightest."""
    return np.maximum(grey, HIGH) - np.uint8(HIGH)


def _residual(difference: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """(m,) the length of (m, d) differences after the best steps along (m, d, k) directions, where long steps cost.

    Also (m, k) the steps that would be best if they cost a tenth.
    """
    turned = directions.transpose(0, 2, 1)
    products, wanted = turned @ directions, turned @ difference[:, :, None]
    cost = _PULL * np.eye(directions.shape[2], dtype=np.float32)
    steps = np.linalg.solve(products + cost, wanted)
    left = difference - (directions @ steps)[:, :, 0]
    distance = np.sqrt((left**2).sum(axis=1) + _PULL * (steps[:, :, 0] ** 2).sum(axis=1))
    return distance, np.linalg.solve(products + cost / 10, wanted)[:, :, 0]


def _basis(count: int, before: float, after: float) -> Floats:
    """(count, 32) the first cosines over the part of a side that is left, stretched to the whole side."""
    samples = 2 * SIDE
    middle = (np.arange(samples) + 0.5) / samples
    places = np.clip((before + middle * (1 - before - after)) * SIDE - 0.5, 0, SIDE - 1)
    low = np.minimum(places.astype(np.int64), SIDE - 2)
    share = places - low
    sampled = np.zeros((samples, SIDE))
    sampled[np.arange(samples), low] = 1 - share
    sampled[np.arange(samples), low + 1] += share
    cosines = np.cos(np.pi * np.arange(count)[:, None] * middle) * np.sqrt(2 / samples) * np.sqrt(SIDE / samples)
    cosines[0] /= np.sqrt(2)
    return (cosines @ sampled).astype(np.float32)


def _moved(count: int, before: float, after: float, margin: float) -> tuple[Floats, Floats]:
    """(count, 32) each: how `_basis` changes as its first, and its second edge move by half a margin."""
    step = margin / 4
    one = _basis(count, before + step, after) - _basis(count, before - step, after)
    other = _basis(count, before, after + step) - _basis(count, before, after - step)
    return one, other


def _transform(grey: NDArray[np.uint8], across: Floats, down: Floats) -> Floats:
    """(m, rows of down, rows of across) cosine coefficients of (m, 32, 32)."""
    rows = grey.reshape(-1, SIDE).astype(np.float32) @ across.T
    return down @ rows.reshape(len(grey), SIDE, len(across))


def _length(spectra: Floats) -> Floats:
    return np.sqrt((spectra**2).sum(axis=-1, keepdims=True) + (FLOOR * SIDE) ** 2)


def _unit(spectra: Floats) -> Floats:
    """Divided by their length, so that contrast does not count; nearly blank ones stay short."""
    return spectra / _length(spectra)
