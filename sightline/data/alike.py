"""Near duplicates: the same picture saved anew, a little resized, cropped, or made brighter. Linear in the images.

A thumbnail of each image is kept by the one pass over the data. Its low spatial frequencies (a discrete cosine
transform, as in pHash), centred and divided by their length, say what is seen whatever the brightness and contrast.

1. Candidates: the signs of random projections are a perceptual hash (Charikar 2002); images with one hash in any of
   some tables are compared. Each image is looked up as it is and with its edges cut off, in up to 31 ways, so that
   crops meet.
2. Verification at a higher resolution: the distance that is left after the best small shift, stretch and blur, by one
   linear step in these directions (tangent distance: Simard, LeCun and Denker 1993). Then the colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Arrays
from sightline.data.dataset import Indices
from sightline.data.image import Pixels, resize, to_channels
from sightline.data.spectra import CHUNK, COARSE, MARGIN, SIDE, Floats, Spectra

COLOUR_SIDE = 8
LIMIT = 0.052
"""Distance below which two images are one; `benchmarks/NOTES.md` says what it finds and what it takes for alike."""
LEAST_CONTRAST = 3.0
TABLES, DIMENSIONS, MOST_BITS, WINDOW = 4, 24, 24, 32
NEAR = 0.15
"""Coarse distance of a candidate that is worth a closer look."""
STEADY = 0.03


@dataclass(frozen=True)
class Pairs:
    """Near duplicates: places, (m, 2) int64, the smaller first and each pair once; distance: (m,) float32, 0..LIMIT."""

    places: Indices
    distance: Floats


def thumbnail(pixels: Pixels) -> Arrays:
    """What is kept of an image: `grey`, uint8 (32, 32), and `colour`, uint8 (8, 8, 2), its Cb and Cr."""
    small = resize(pixels, (SIDE, SIDE))
    if pixels.shape[2] == 1:
        return {"grey": small[..., 0], "colour": np.full((COLOUR_SIDE, COLOUR_SIDE, 2), 128, np.uint8)}
    blocks = small.reshape(COLOUR_SIDE, SIDE // COLOUR_SIDE, COLOUR_SIDE, SIDE // COLOUR_SIDE, 3)
    red, green, blue = np.moveaxis(blocks.mean(axis=(1, 3)), 2, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    colour = 128 + np.stack([0.564 * (blue - luma), 0.713 * (red - luma)], axis=2)
    return {"grey": to_channels(small, 1)[..., 0], "colour": np.clip(np.rint(colour), 0, 255).astype(np.uint8)}


def near_duplicates(
    grey: NDArray[np.uint8], colour: NDArray[np.uint8], sizes: NDArray[np.int32], crops: bool = True
) -> Pairs:
    """Pairs among n images, from what `thumbnail` kept of each and their (n, 2) width and height in pixels.

    Images without contrast are left out: they are like each other and nothing else. crops: whether cropped copies are
    looked for as well, which takes most of the time.
    """
    contrast = np.concatenate([part.std(axis=(1, 2)) for part in _parts(grey)]) if len(grey) else np.zeros(0)
    rich = np.flatnonzero(contrast >= LEAST_CONTRAST)
    if len(rich) < 2:
        return Pairs(np.zeros((0, 2), np.int64), np.zeros(0, np.float32))
    images = Spectra(grey[rich], sizes[rich])
    first, second, cut = _candidates(images, crops)
    keep = _same_colour(colour[rich], first, second) & _same_shape(images.sizes, first, second)
    first, second, cut = first[keep], second[keep], cut[keep]
    distance = images.distance(first, second, cut)
    found = distance < LIMIT
    places = np.sort(np.stack([rich[first[found]], rich[second[found]]], axis=1), axis=1)
    order = np.lexsort((places[:, 1], places[:, 0]))
    return Pairs(places[order], distance[found][order])


def _candidates(images: Spectra, crops: bool) -> tuple[Indices, Indices, Indices]:
    """(first, second, number of the cut): pairs worth a closer look, each once, by its best cut of the first image."""
    everything = np.arange(len(images))
    spectra = np.empty((len(images), COARSE**2 - 1), np.float32)
    for rows, margins in images.parts(everything):
        spectra[rows] = images.of(rows, margins)[0]
    components = _components(spectra)
    whole = spectra @ components
    random = np.random.Generator(np.random.Philox(0))
    tables = [_Table(whole, random) for _ in range(TABLES)]
    pairs: list[tuple[Indices, Indices, Indices]] = []
    distances: list[Floats] = []
    for rows, margins in images.parts(everything):
        for number, cut in enumerate(images.of(rows, margins)[: None if crops else 1]):
            seen = cut @ components
            for table in tables:
                place, second = table.pairs(seen)
                # Uncut, a pair is met from both sides.
                keep = (rows[place] != second) & ((number > 0) | (rows[place] < second))
                place, second = place[keep], second[keep]
                near = ((seen[place] - whole[second]) ** 2).sum(axis=1) < NEAR**2
                place, second = place[near], second[near]
                pairs.append((rows[place], second, np.full(len(place), number)))
                distances.append(((cut[place] - spectra[second]) ** 2).sum(axis=1))
    first, second, cut = (np.concatenate([rows[place] for rows in pairs]) for place in range(3))
    distance = np.concatenate(distances)
    near = np.flatnonzero(distance < NEAR**2)
    best = near[_first_of_each(np.minimum(first, second)[near], np.maximum(first, second)[near], distance[near])]
    return first[best], second[best], cut[best]


def _first_of_each(low: Indices, high: Indices, distance: Floats) -> Indices:
    """The places of the least distance of each (low, high), in order of these."""
    order = np.lexsort((distance, high, low))
    new = np.ones(len(order), bool)
    new[1:] = (low[order][1:] != low[order][:-1]) | (high[order][1:] != high[order][:-1])
    return order[new]


def _components(spectra: Floats) -> Floats:
    """(d, k) the strongest principal components: distances along them are never above those of the whole.

    Those along which copies differ as much as others do are left out; one stays in any case.
    """
    sample = spectra[:: max(1, len(spectra) // 20_000)]
    centred = sample - sample.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(sample))
    strongest = np.argsort(values)[::-1][:DIMENSIONS]
    count = max(1, int((values[strongest] > STEADY**2).sum()))
    return vectors[:, strongest[:count]].astype(np.float32)


class _Table:
    """The images by one hash; among those of one hash, by a further projection.

    The projections are a random rotation of the principal components (n, k), which are whitened by half: the strong
    ones are also the steady ones. A bit says on which side of the median an image lies.
    """

    def __init__(self, whole: Floats, random: np.random.Generator) -> None:
        count, dimensions = whole.shape
        self._bits = min(MOST_BITS, dimensions, 8 + int(np.log2(count))) if count > WINDOW else 0
        rotation = np.linalg.qr(random.normal(size=(dimensions, dimensions)))[0]
        scale = np.maximum(whole.std(axis=0), 1e-6)[:, None] ** -0.5
        last = random.normal(size=(dimensions, 1))
        self._projection = (scale * np.concatenate([rotation[:, : self._bits], last], axis=1)).astype(np.float32)
        projected = whole @ self._projection
        self._medians = np.median(projected, axis=0)
        self._spread = max(float(np.ptp(projected[:, -1])), 1e-9)
        keys = self._keys(whole)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]
        self._known = np.zeros(2**self._bits, bool)
        self._known[keys >> 16] = True

    def _keys(self, whole: Floats) -> NDArray[np.int64]:
        projected = whole @ self._projection - self._medians
        powers = 2.0 ** np.arange(self._bits)
        hashes = ((projected[:, :-1] > 0).astype(np.float64) @ powers).astype(np.int64)
        place = np.clip((projected[:, -1] / self._spread + 1) * 0x8000, 0, 0xFFFF).astype(np.int64)
        return hashes << 16 | place

    def pairs(self, seen: Floats) -> tuple[Indices, Indices]:
        """(row of `seen`, image) of equal hash; of very many, only the nearest in order: the work stays linear."""
        keys = self._keys(seen)
        rows = np.flatnonzero(self._known[keys >> 16])
        keys = keys[rows]
        place, hashes = np.searchsorted(self._sorted, keys), keys >> 16
        begin = np.maximum(np.searchsorted(self._sorted, hashes << 16), place - WINDOW)
        end = np.minimum(np.searchsorted(self._sorted, (hashes + 1) << 16), place + WINDOW)
        counts = end - begin
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(rows, counts), self._order[np.repeat(begin, counts) + within]


def _same_colour(colour: NDArray[np.uint8], first: Indices, second: Indices) -> NDArray[np.bool_]:
    """Whether the colours agree; what is more colourful may differ by more."""
    found = np.empty(len(first), bool)
    for start in range(0, len(first), CHUNK):
        part = slice(start, start + CHUNK)
        one, other = (colour[places[part]].astype(np.float32) - 128 for places in (first, second))
        size = np.sqrt(np.maximum((one**2).mean(axis=(1, 2, 3)), (other**2).mean(axis=(1, 2, 3))))
        found[part] = np.sqrt(((one - other) ** 2).mean(axis=(1, 2, 3))) <= 4 + 0.25 * size
    return found


def _same_shape(sizes: NDArray[np.int32], first: Indices, second: Indices) -> NDArray[np.bool_]:
    """Whether the proportions agree, but for a crop and for whole pixels."""
    one, other = sizes[first].astype(np.float64), sizes[second].astype(np.float64)
    ratio = np.abs(np.log(one[:, 0] / one[:, 1] * other[:, 1] / other[:, 0]))
    return ratio <= 3 * MARGIN + 2 / np.minimum(one, other).min(axis=1)


def _parts(images: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, len(images), CHUNK):
        yield images[start : start + CHUNK]
