"""Superpixels: small regions of like colour, after SLIC (Achanta et al. 2012), in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightline.explain.subject import grid

COMPACTNESS = 20.0
"""Weight of distance against colour, in units of 0..255: higher gives squarer regions."""
ROUNDS = 8


def superpixels(image: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """(height, width) numbers 0..n-1 of about `count` regions of an image (height, width, 1 or 3).

    k-means over colour and place, in which a pixel may only join one of the nine regions around the grid cell it
    began in (SLIC's limited search). Regions are nearly always connected; stray pixels are left where they are.
    """
    height, width = image.shape[:2]
    start, rows, columns = grid(height, width, count)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    spacing = np.sqrt(height * width / (rows * columns))
    features = np.concatenate(
        [image.reshape(-1, image.shape[2]) / np.sqrt(image.shape[2]),
         np.stack([y.ravel(), x.ravel()], 1) * (COMPACTNESS / spacing)], axis=1,
    )  # fmt: skip
    candidates = _neighbours(start.ravel(), rows, columns)
    labels = start.ravel()
    for _ in range(ROUNDS):
        centres = _means(features, labels, rows * columns)
        best, least = labels, np.full(len(labels), np.inf)
        for candidate in candidates:
            distance = ((features - centres[candidate]) ** 2).sum(axis=1)
            nearer = distance < least
            best, least = np.where(nearer, candidate, best), np.where(nearer, distance, least)
        labels = best
    return np.unique(labels, return_inverse=True)[1].reshape(height, width).astype(np.int64)


def _neighbours(cells: NDArray[np.int64], rows: int, columns: int) -> list[NDArray[np.int64]]:
    """For each pixel the nine cells around its own, as nine arrays; at the edge the nearest there is."""
    row, column = cells // columns, cells % columns
    return [
        np.clip(row + down, 0, rows - 1) * columns + np.clip(column + right, 0, columns - 1)
        for down in (0, -1, 1)
        for right in (0, -1, 1)
    ]


def _means(features: NDArray[np.float64], labels: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(count, features) the mean of each region; one that lost all its pixels goes where none will join it."""
    sizes = np.bincount(labels, minlength=count)
    sums = np.stack([np.bincount(labels, column, count) for column in features.T], axis=1)
    return np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], np.inf)
