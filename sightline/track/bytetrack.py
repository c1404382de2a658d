"""Which box is which thing: ByteTrack (Zhang et al., ECCV 2022), "associating every detection box".

Boxes that the detector is sure of are given to the tracks whose predicted boxes they overlap; then those that it is
unsure of, as of things half hidden, to tracks that would be lost. Only a sure box begins a track.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import MissingExtra
from sightline.core.geometry import overlaps
from sightline.core.places import Places
from sightline.core.tracks import TracksPrediction
from sightline.track.kalman import Motion, begun

Numbers = NDArray[np.int64]
SURE, UNSURE, NEW = 0.2, 0.5, 0.3
"""Least overlap with the predicted box: of sure boxes, of unsure ones, and of sure ones with a track just begun."""
LEAST_SHARE = 0.2
"""Boxes below this share of the threshold are not looked at."""
PATIENCE = 1.0
"""Seconds for which a thing that nobody sees is waited for."""


class Tracker:
    """Follows the things in one video, frame by frame.

    fps: frames a second; min_confidence: from which on a box is sure and may begin a track; 0 stands for the detector's
    own threshold. Raises MissingExtra where scipy is not installed.
    """

    def __init__(self, fps: float = 30.0, min_confidence: float = 0.0) -> None:
        try:
            self._assign: Any = importlib.import_module("scipy.optimize").linear_sum_assignment
        except ImportError:
            raise MissingExtra("scipy", "video", "following boxes (--track)") from None
        self._patience, self._min_confidence = max(1, round(PATIENCE * fps)), min_confidence
        self._motion: Motion = begun(np.zeros((0, 4)))
        # Of each track: its number, 0 for one that was seen only once so far; its class; frames since it was seen.
        self._ids = self._labels = self._missed = np.zeros(0, np.int64)
        self._last, self._started = 0, False

    def step(self, found: Places) -> TracksPrediction:
        """The things seen in the next frame, from all boxes found in it, however unsure."""
        threshold = self._min_confidence or found.threshold
        sure = found.scores >= threshold
        unsure = ~sure & (found.scores >= LEAST_SHARE * threshold)
        self._motion.predict(self._missed > 0)
        track = self._tracks_of(found, sure, unsure)
        rows = np.flatnonzero(track >= 0)
        self._motion.correct(track[rows], found.corners[rows])
        self._missed += 1
        self._missed[track[rows]] = 0
        if self._started:
            self._name(track[rows])
        new = np.flatnonzero(sure & (track < 0))
        track[new] = len(self._ids) + np.arange(len(new))
        self._begin(found, new)
        if not self._started:  # what the first frame shows has been there before
            self._name(track[new])
            self._started = True
        seen = self._shown(found, track)
        self._forget()
        return seen

    def _tracks_of(self, found: Places, sure: NDArray[np.bool_], unsure: NDArray[np.bool_]) -> Numbers:
        """(boxes,) the place of the track that each box belongs to, or -1."""
        expected = self._motion.corners()
        track, free = np.full(len(found.scores), -1, np.int64), np.ones(len(self._ids), np.bool_)
        named, just_seen = self._ids > 0, self._missed == 0
        for boxes, tracks, least in ((sure, named, SURE), (unsure, named & just_seen, UNSURE), (sure, ~named, NEW)):
            rows, places = np.flatnonzero(boxes & (track < 0)), np.flatnonzero(tracks & free)
            overlap = overlaps(found.corners[rows], expected[places])
            # The best assignment of pairs that overlap enough, of one class; what is worth nothing is no pair.
            worth = np.maximum(overlap - least, 0) * (found.labels[rows][:, None] == self._labels[places][None])
            first, second = self._assign(worth, maximize=True)
            good = worth[first, second] > 0
            track[rows[first[good]]] = places[second[good]]
            free[places[second[good]]] = False
        return track

    def _name(self, places: Numbers) -> None:
        """Tracks seen a second time are things, and no accident of one frame: they get a number."""
        fresh = np.sort(places[self._ids[places] == 0])
        self._ids[fresh] = self._last + 1 + np.arange(len(fresh))
        self._last += len(fresh)

    def _begin(self, found: Places, rows: Numbers) -> None:
        none = np.zeros(len(rows), np.int64)
        self._motion = self._motion.joined(begun(found.corners[rows]))
        self._ids, self._missed = np.append(self._ids, none), np.append(self._missed, none)
        self._labels = np.append(self._labels, found.labels[rows])

    def _shown(self, found: Places, track: Numbers) -> TracksPrediction:
        rows = np.flatnonzero(track >= 0)
        ids = self._ids[track[rows]]
        order = np.argsort(ids)[np.count_nonzero(ids == 0) :]
        rows = rows[order]
        return TracksPrediction(found.corners[rows], found.labels[rows], found.scores[rows], ids[order], found.names)

    def _forget(self) -> None:
        """Things that have not been seen for too long, and what was seen only once."""
        stay = np.flatnonzero(self._missed <= np.where(self._ids > 0, self._patience, 0))
        self._motion = self._motion.kept(stay)
        self._ids, self._labels, self._missed = self._ids[stay], self._labels[stay], self._missed[stay]
