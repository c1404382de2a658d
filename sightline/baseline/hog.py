"""Histograms of oriented gradients (Dalal & Triggs 2005), in numpy, for a batch of images at once.

Kept of the paper: the centred mask [-1, 0, 1] without smoothing, of colour the channel with the strongest gradient,
9 unsigned orientations with linear interpolation, overlapping blocks of 2 x 2 cells, L2-hys. Left out: gamma, and the
interpolation of votes between cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 9
BLOCK = 2
CLIP = 0.2
"""Of L2-hys: no value of a block may make up more of its norm, so that one strong edge does not drown the others."""
EPSILON = 1.0
"""Added to a block's norm, in grey levels: the grain of an even area stays small, as it should."""
CELLS = 7
"""Cells along a side, about: 8 x 8 at 32 px with 4 px each, 7 x 7 at 224 px with 32 px each."""
SMALL = 16
"""Up to this side in px the pixels themselves join the features: cells of 2 px say little more than they do."""

Floats = NDArray[np.float32]


def features(images: NDArray[np.uint8]) -> Floats:
    """(n, features) of (n, height, width, channel) images: HOG, and up to 16 px the pixels in 0..1."""
    side = min(images.shape[1:3])
    found = hog(images, cell_size(side))
    if side > SMALL:
        return found
    pixels = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return np.concatenate([found, pixels], axis=1).astype(np.float32)


def cell_size(side: int) -> int:
    """Pixels along a cell for images with that shorter side: 2 up to 20 px, 4 at 28 and 32 px, 32 at 224 px."""
    return max(2, side // CELLS)


def hog(images: NDArray[np.uint8] | Floats, cell: int) -> Floats:
    """(n, blocks down * blocks across * 4 * 9) of (n, height, width, channel) images.

    cell: pixels along a cell; each side must hold two cells. Pixels left over are cut off evenly around.
    """
    histograms = cell_histograms(*gradients(images), cell)
    down, across = (length - BLOCK + 1 for length in histograms.shape[1:3])
    corners = [histograms[:, y : y + down, x : x + across] for y in range(BLOCK) for x in range(BLOCK)]
    return l2_hys(np.concatenate(corners, axis=3)).reshape(len(images), -1)


def gradients(images: NDArray[np.uint8] | Floats) -> tuple[Floats, Floats]:
    """Magnitude, and angle in 0..pi of the gradient (0: brightness changes from left to right), each (n, h, w).

    images: (n, h, w, channel). The edge pixels are repeated beyond the border. Of several channels, the one with the
    largest magnitude speaks for the pixel.
    """
    padded = np.pad(images.astype(np.float32), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    across = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    strongest = (across**2 + down**2).argmax(axis=3)[..., None]
    across, down = (np.take_along_axis(values, strongest, axis=3)[..., 0] for values in (across, down))
    return np.hypot(across, down), np.arctan2(down, across) % np.float32(np.pi)


def cell_histograms(magnitude: Floats, angle: Floats, cell: int) -> Floats:
    """(n, cells down, cells across, 9): each pixel's magnitude, shared linearly among the two nearest orientations.

    Bin b has its centre at (b + 1/2) * 20 degrees; the last and the first are neighbours.
    """
    count, height, width = magnitude.shape
    down, across = height // cell, width // cell
    top, left = (height - down * cell) // 2, (width - across * cell) // 2
    inner = np.s_[:, top : top + down * cell, left : left + across * cell]
    strength, place = magnitude[inner], angle[inner] * np.float32(BINS / np.pi) - np.float32(0.5)
    found = np.empty((count, down, across, BINS), np.float32)
    for number in range(BINS):
        gap = np.abs(place - number)
        share = np.maximum(0, 1 - np.minimum(gap, BINS - gap))
        found[..., number] = (strength * share).reshape(count, down, cell, across, cell).sum(axis=(2, 4))
    return found


def l2_hys(blocks: Floats) -> Floats:
    """Each block (last axis) to length 1, clipped at 0.2, and to length 1 again (section 6.4 of the paper)."""
    units = blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + EPSILON**2)
    clipped = np.minimum(units, CLIP)
    return clipped / np.sqrt((clipped**2).sum(axis=-1, keepdims=True) + np.float32(1e-6))
