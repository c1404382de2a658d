"""Where boxes will be in the next frame: a Kalman filter (1960) for each, all of them at once.

State and noise are those of SORT's successors: centre, aspect (width / height), height, and the speed of each, constant
but for noise that grows with the box's height (Wojke, Bewley and Paulus 2017, "Simple Online and Realtime Tracking
with a Deep Association Metric"; ByteTrack, Zhang et al. 2022, keeps it). All its matrices are zero between the four
measured values, so that the filter of eight dimensions falls apart into four of (value, speed), which need no matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.core.geometry import Floats

OF_PLACE, OF_SPEED = 1 / 20, 1 / 160
"""Standard deviations of noise a frame, in heights of the box."""


@dataclass(eq=False)
class Motion:
    """The state of n boxes after the last frame.

    value, speed: (n, 4) float64 centre x, centre y, aspect, height, in pixels, and their change a frame; cov: (n, 3, 4)
    the variance of the value, its covariance with the speed, the variance of the speed.
    """

    value: Floats
    speed: Floats
    cov: Floats

    def predict(self, still: NDArray[np.bool_]) -> None:
        """One frame on. still: (n,) boxes that nobody sees: their height no longer changes."""
        self.speed[still, 3] = 0
        place, speed = _noise(self.value[:, 3], OF_PLACE, 1e-2), _noise(self.value[:, 3], OF_SPEED, 1e-5)
        of_value, both, of_speed = self.cov.transpose(1, 0, 2)
        self.value = self.value + self.speed
        self.cov = np.stack([of_value + 2 * both + of_speed + place**2, both + of_speed, of_speed + speed**2], 1)

    def correct(self, places: NDArray[np.int64], corners: Floats) -> None:
        """The boxes at `places` were seen at corners (k, 4)."""
        value, cov = self.value[places], self.cov[places]
        total = cov[:, 0] + _noise(value[:, 3], OF_PLACE, 1e-1) ** 2
        gain, of_speed = cov[:, 0] / total, cov[:, 1] / total
        missed = measured(corners) - value
        self.value[places] = value + gain * missed
        self.speed[places] += of_speed * missed
        self.cov[places] = np.stack(
            [cov[:, 0] * (1 - gain), cov[:, 1] * (1 - gain), cov[:, 2] - of_speed * cov[:, 1]], axis=1
        )

    def corners(self) -> Floats:
        """(n, 4) left, top, right, bottom."""
        height = np.maximum(self.value[:, 3], 1e-6)
        half = np.stack([np.maximum(self.value[:, 2], 1e-6) * height, height], axis=1) / 2
        return np.concatenate([self.value[:, :2] - half, self.value[:, :2] + half], axis=1)

    def kept(self, places: NDArray[np.int64]) -> Motion:
        """Those at `places`."""
        return Motion(self.value[places], self.speed[places], self.cov[places])

    def joined(self, other: Motion) -> Motion:
        """These, then the others."""
        return Motion(*(np.concatenate(pair) for pair in zip(_parts(self), _parts(other), strict=True)))


def begun(corners: Floats) -> Motion:
    """Boxes (k, 4) seen for the first time: they stand still, as far as anybody knows."""
    value = measured(corners)
    place, speed = _noise(value[:, 3], 2 * OF_PLACE, 1e-2), _noise(value[:, 3], 10 * OF_SPEED, 1e-5)
    return Motion(value, np.zeros_like(value), np.stack([place**2, np.zeros_like(value), speed**2], axis=1))


def measured(corners: Floats) -> Floats:
    """(k, 4) centre x, centre y, width / height, height of corners."""
    size = np.maximum(corners[:, 2:] - corners[:, :2], 1e-6)
    centre = (corners[:, :2] + corners[:, 2:]) / 2
    return np.concatenate([centre, size[:, :1] / size[:, 1:], size[:, 1:]], axis=1)


def _noise(heights: Floats, share: float, of_aspect: float) -> Floats:
    """(n, 4) standard deviations: a share of the height, but for the aspect."""
    found = np.repeat(share * heights[:, None], 4, axis=1)
    found[:, 2] = of_aspect
    return found


def _parts(motion: Motion) -> tuple[Floats, Floats, Floats]:
    return motion.value, motion.speed, motion.cov
