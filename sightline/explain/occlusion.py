"""Occlusion: what happens to the answer when a window of the image is hidden (Zeiler and Fergus 2014, section 4.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightline.data.image import resize_map
from sightline.explain.subject import Heat, Subject, grid, log_odds

CELLS = 100
"""Cells of the grid on which the windows stand."""
WINDOWS = (2, 3)
"""Sides of the windows in cells: small ones place, large ones also hide what small ones leave half visible."""


def explain(subject: Subject, count: int = CELLS, sides: tuple[int, ...] = WINDOWS) -> Heat:
    """The drop in log-odds (the "weight of evidence", Zintgraf et al. 2017, section 3) when a pixel is hidden.

    Windows slide over the image a cell at a time and put the stand-in in its place; a cell's value is the mean
    over all windows that hide it. count: cells of the grid; sides: of the windows, in cells.
    """
    height, width = subject.sides
    cells, rows, columns = grid(height, width, count)
    hidden = np.concatenate([windows(rows, columns, side) for side in sides])
    evidence = subject.evidence_without(~np.vstack((np.zeros_like(hidden[:1]), hidden)), cells, subject.stand_in)
    odds = log_odds(evidence)
    drop = odds[0] - odds[1:]
    value = ((hidden.T @ drop) / hidden.sum(axis=0)).reshape(rows, columns)
    return Heat(resize_map(value.astype(np.float32), (width, height)), {"windows": len(hidden)})


def windows(rows: int, columns: int, side: int) -> NDArray[np.bool_]:
    """(n, cells): the cells that each window of `side` x `side` cells hides; windows may lean over the edge."""
    found: list[NDArray[np.bool_]] = []
    for top in range(1 - side, rows):
        for left in range(1 - side, columns):
            mask = np.zeros((rows, columns), np.bool_)
            mask[max(top, 0) : top + side, max(left, 0) : left + side] = True
            found.append(mask.ravel())
    return np.unique(np.stack(found), axis=0)
