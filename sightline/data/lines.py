"""Lines cut out of pages: along their polygon, straightened along their baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.data.image import Pixels, read

Points = NDArray[np.float64]
"""(n, 2) x and y in the page's pixels."""
LEAST_HEIGHT, LEAST_WIDTH = 4, 4


@dataclass(frozen=True)
class Line:
    """Where a line lies on its page: a polygon around it, and the line its letters stand on; either may be missing.

    tall: the height of a line on this page, in px, for those without a polygon; None where nothing tells it.
    """

    page: Path
    polygon: Points | None
    baseline: Points | None
    name: str
    tall: float | None = None


@dataclass(frozen=True)
class CutImages:
    """Line images that are cut out of their pages when asked for; the page read last is kept, as lines come in order.

    A page is decoded once for all of its lines by a process that reads them one after the other.
    """

    lines: tuple[Line, ...]

    def __len__(self) -> int:
        return len(self.lines)

    def name(self, index: int) -> str:
        """The page's file and the line's own name."""
        line = self.lines[index]
        return f"{line.page.name}#{line.name}"

    def load(self, index: int) -> Pixels:
        """(height, width, 1 or 3). Raises SightlineError where the page cannot be read or the line is not on it."""
        line = self.lines[index]
        return cut(_page(line.page), line.polygon, line.baseline, line.tall)


_last: list[tuple[Path, Pixels]] = []


def _page(path: Path) -> Pixels:
    if not _last or _last[0][0] != path:
        _last[:] = [(path, read(path))]
    return _last[0][1]


def line_height(baselines: Sequence[Points]) -> float | None:
    """The median distance from a baseline to the next one below it, in px; None where no two are stacked."""
    gaps: list[float] = []
    for upper in baselines:
        left, right = upper[:, 0].min(), upper[:, 0].max()
        stacked = [
            lower for lower in baselines
            if min(right, lower[:, 0].max()) - max(left, lower[:, 0].min()) > 0.5 * (right - left)
        ]  # fmt: skip
        below = [float(np.median(lower[:, 1]) - np.median(upper[:, 1])) for lower in stacked]
        gaps += sorted(gap for gap in below if gap > LEAST_HEIGHT)[:1]
    return float(np.median(gaps)) if gaps else None


def cut(page: Pixels, polygon: Points | None, baseline: Points | None, tall: float | None = None) -> Pixels:
    """The line on the page: what lies outside the polygon is paper, and the baseline runs level.

    Each column is moved up or down by whole pixels until the baseline is straight: letters keep their shape where it is
    about level, as on pages that lie straight. Raises SightlineError where nothing of the line is on the page.
    """
    height, width = page.shape[:2]
    points = polygon if polygon is not None and len(polygon) >= 3 else None
    if points is None and (baseline is None or len(baseline) < 2):
        raise SightlineError("the line has neither a polygon nor a baseline")
    if points is None:
        assert baseline is not None
        points = _around(baseline, tall)
    low = np.maximum(np.floor(points.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0)) + 1, (width, height)).astype(int)
    if high[0] - low[0] < LEAST_WIDTH or high[1] - low[1] < LEAST_HEIGHT:
        raise SightlineError("the line lies outside the page, or has no area")
    box = page[low[1] : high[1], low[0] : high[0]]
    paper = np.percentile(box.reshape(-1, page.shape[2]), 85, axis=0).astype(np.uint8)
    inside = _inside(points - low, box.shape[:2])
    box = np.where(inside[:, :, None], box, paper)
    if baseline is not None and len(baseline) >= 2:
        return _straightened(box, baseline - low, inside, paper)
    return box


def _around(baseline: Points, tall: float | None) -> Points:
    """A polygon for a line of which only the baseline is known: three quarters of a line's height lie above it."""
    if tall is None:
        tall = max(16.0, min(float(np.ptp(baseline[:, 0])) / 12, 60.0))
    above, below = np.array([0, 0.75 * tall]), np.array([0, 0.25 * tall])
    return np.concatenate([baseline - above, np.flip(baseline + below, axis=0)])


def _inside(points: Points, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(height, width) whether each pixel's centre lies inside the polygon, by the even-odd rule."""
    height, width = shape
    rows = np.arange(height) + 0.5
    crossings = np.zeros((height, width + 1), np.int64)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        hit = (rows >= min(y0, y1)) & (rows < max(y0, y1))
        x = x0 + (rows[hit] - y0) * (x1 - x0) / (y1 - y0)
        np.add.at(crossings, (np.flatnonzero(hit), np.clip(np.ceil(x - 0.5), 0, width).astype(int)), 1)
    return np.cumsum(crossings, axis=1)[:, :width] % 2 == 1


def _straightened(box: Pixels, baseline: Points, inside: NDArray[np.bool_], paper: NDArray[np.uint8]) -> Pixels:
    """The columns moved so that the baseline is level; rows without anything of the line's polygon are cut off."""
    height, width = box.shape[:2]
    order = np.argsort(baseline[:, 0], kind="stable")
    columns = np.arange(width, dtype=np.float64) + 0.5
    level: Points = np.asarray(np.interp(columns, baseline[order, 0], baseline[order, 1]), np.float64)
    shifts: NDArray[np.int64] = np.round(level - float(level.mean())).astype(np.int64)
    most = int(np.abs(shifts).max())
    if most > height:  # a baseline that has nothing to do with its polygon
        return box
    tall = np.broadcast_to(paper, (height + 2 * most, width, box.shape[2])).copy()
    tall[most : most + height] = box
    wanted: NDArray[np.int64] = np.add.outer(np.arange(height + 2 * most, dtype=np.int64), shifts)
    rows = np.clip(wanted, 0, len(tall) - 1)
    moved = tall[rows, np.arange(width)[None, :]]
    within = np.pad(inside, ((most, most), (0, 0)))[rows, np.arange(width)[None, :]]
    used = np.flatnonzero(within.any(axis=1))
    return moved[used[0] : used[-1] + 1] if len(used) >= LEAST_HEIGHT else box
