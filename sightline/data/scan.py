"""One pass over all images: each is decoded once, and all that is wanted of it is kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.ragged import Ragged
from sightline.core.task import Arrays
from sightline.data.dataset import Dataset, Indices
from sightline.data.image import HASHED_SIDE, MAX_PIXELS, Pixels, read_sized
from sightline.data.parallel import default_workers, ordered_map, part_size

Look = Callable[[Path | bytes | Pixels, Pixels], Arrays]


Inputs = dict[str, NDArray[Any] | Ragged]
"""Preprocessed arrays over all examples."""
LONGEST_BATCH = 32_768
"""Of inputs with a free length: the most that the lengths of a batch may add up to."""


@dataclass(frozen=True)
class Scan:
    """What one pass found, as columns over the n examples of a dataset.

    hashes: (n,) uint64, the pixel hash; 0 where the image cannot be read.
    sizes: (n, 2) int32, width and height in pixels; 0 where unreadable.
    channels: (n,) uint8, 1 or 3; 0 where unreadable.
    errors: index to what was wrong with the image.
    cache: preprocessed arrays, zeros where unreadable; empty if none were asked for. It may lie in a mapped file and
        is shared by all parts of the data: rows, (n,) int64, says which of its rows belong to the n examples. Inputs
        of which one length is free are Ragged, and in memory.
    looks: what `look` saw in each image, kept in the same way.
    """

    hashes: NDArray[np.uint64]
    sizes: NDArray[np.int32]
    channels: NDArray[np.uint8]
    errors: dict[int, str]
    cache: Inputs
    rows: Indices
    looks: Arrays = field(default_factory=dict[str, NDArray[Any]])

    def __len__(self) -> int:
        return len(self.hashes)

    def batches(self, most: int) -> Iterator[tuple[Indices, Arrays]]:
        """All examples in batches of at most `most`, of equal shapes: their places, and the arrays along a first axis.

        A batch of long lines is smaller. Nothing is ever padded here: an answer must not depend on what else is asked.
        """
        free = [values.lengths[self.rows] for values in self.cache.values() if isinstance(values, Ragged)]
        lengths = free[0] if free else np.zeros(len(self), np.int64)
        for length in np.unique(lengths):
            alike = np.flatnonzero(lengths == length)
            size = most if not free else max(1, min(most, LONGEST_BATCH // int(length)))
            for part in chunks(len(alike), size):
                rows = self.rows[alike[part]]
                yield alike[part], {key: values[rows] for key, values in self.cache.items()}

    def seen(self, key: str) -> NDArray[Any]:
        """(n, …) what `look` saw under that key."""
        return self.looks[key][self.rows]

    @property
    def readable(self) -> NDArray[np.bool_]:
        """(n,) whether the image could be read."""
        return self.channels > 0

    def take(self, indices: Indices) -> Scan:
        """The columns at `indices`; the cache is not copied."""
        places = {int(old): new for new, old in enumerate(indices)}
        return Scan(
            self.hashes[indices],
            self.sizes[indices],
            self.channels[indices],
            {places[i]: text for i, text in self.errors.items() if i in places},
            self.cache,
            self.rows[indices],
            self.looks,
        )


def pixel_hash(pixels: Pixels) -> int:
    """64 bits over shape and pixels; never 0. Equal for files of other formats with the same pixels."""
    digest = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=8, person=b"%dx%dx%d" % pixels.shape)
    return int.from_bytes(digest.digest(), "little") or 1


def scan(
    dataset: Dataset,
    preprocess: Callable[[Pixels], Arrays] | None = None,
    side: int = HASHED_SIDE,
    workers: int | None = None,
    max_pixels: int = MAX_PIXELS,
    folder: Path | None = None,
    progress: Callable[[int], None] | None = None,
    look: Look | None = None,
    free: Mapping[str, int] | None = None,
) -> Scan:
    """Decodes every image once: hash, size, what `preprocess` makes of it, and what `look` sees in it.

    side: the larger side of what `preprocess` resizes to. folder: where a cache too large for memory is mapped
    (the file has no name and vanishes with the process). progress: called with the number of examples done.
    look: gets the image as the data holds it (a path, bytes or an array) and its pixels, of which a large JPEG's are
    reduced; gives arrays of the same shapes for each image. free: of arrays whose shapes differ, the axis that is free.
    """
    count = len(dataset)
    hashes, sizes = np.zeros(count, np.uint64), np.zeros((count, 2), np.int32)
    channels = np.zeros(count, np.uint8)
    errors: dict[int, str] = {}
    cache: Inputs = {}
    looks: Arrays = {}
    kept: dict[str, dict[int, NDArray[Any]]] = {key: {} for key in free or ()}

    def work(start: int) -> list[_Seen]:
        return [_visit(dataset, i, preprocess, side, max_pixels, look) for i in range(start, min(start + step, count))]

    workers = default_workers(count) if workers is None else workers
    step = part_size(count, workers)
    starts = range(0, count, step)
    for start, seen in zip(starts, ordered_map(work, starts, workers), strict=True):
        for index, one in enumerate(seen, start):
            if isinstance(one, str):
                errors[index] = one
                continue
            hashes[index], sizes[index], channels[index], *found = one
            arrays, noticed = found
            for key in kept.keys() & arrays.keys():
                kept[key][index] = arrays.pop(key)
            _keep(cache, arrays, index, count, folder)
            _keep(looks, noticed, index, count, folder)
        if progress:
            progress(start + len(seen))
    if preprocess:
        cache |= {key: _ragged(items, count, (free or {})[key]) for key, items in kept.items() if items}
    return Scan(hashes, sizes, channels, errors, cache, np.arange(count), looks)


def _ragged(items: dict[int, NDArray[Any]], count: int, axis: int) -> Ragged:
    """All n arrays; one of no length where there is none."""
    nothing = np.take(next(iter(items.values())), np.zeros(0, np.int64), axis)
    return Ragged([items.get(index, nothing) for index in range(count)], axis)


def _keep(into: Any, arrays: Arrays, index: int, count: int, folder: Path | None) -> None:
    for key, array in arrays.items():
        if key not in into:
            into[key] = _allocate((count, *array.shape), array.dtype, folder)
        into[key][index] = array


_Seen = tuple[int, tuple[int, int], int, Arrays, Arrays] | str


def _visit(
    dataset: Dataset,
    index: int,
    preprocess: Callable[[Pixels], Arrays] | None,
    side: int,
    max_pixels: int,
    look: Look | None,
) -> _Seen:
    try:
        source = dataset.images.load(index)
        pixels, size = read_sized(source, (HASHED_SIDE, HASHED_SIDE), max_pixels)
        found = pixel_hash(pixels)
        seen = look(source, pixels) if look else {}
        arrays: Arrays = {}
        if preprocess:
            if side > HASHED_SIDE and pixels.shape[1::-1] != size:
                pixels = read_sized(source, (side, side), max_pixels)[0]
            arrays = preprocess(pixels)
        return found, size, pixels.shape[2], arrays, seen
    except SightlineError as error:
        return error.what


def _allocate(shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path | None) -> NDArray[Any]:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size <= memory_budget():
        return np.zeros(shape, dtype)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size) if hasattr(os, "posix_fallocate") else file.truncate(size)
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError as error:
        raise SightlineError(
            f"the decoded images need {size / 2**30:.1f} GiB, more than fits in memory or on disk ({error.strerror})",
            str(folder or tempfile.gettempdir()),
            "free some space, or make the images smaller: --imgsz 128",
        ) from None


def memory_budget() -> int:
    """Bytes that decoded images may take in memory: 40 % of what is available now; 2 GiB where that is unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
        return int(available * 1024 * 0.4)
    except (OSError, StopIteration, ValueError, IndexError):
        return 2 * 2**30


def usable(scanned: Scan, names: Callable[[int], str], max_bad: float) -> Indices:
    """Indices of the readable examples. Raises SightlineError where more than `max_bad` (a share) are not."""
    good = np.flatnonzero(scanned.readable)
    count = len(scanned.hashes)
    bad = count - len(good)
    if bad > max_bad * count:
        first, why = next(iter(scanned.errors.items()))
        raise SightlineError(
            f"{bad} of {count} images cannot be read",
            f"the first is {names(first)}: {why}",
            "mend or remove them (list them with: sightline check), or allow it: "
            f"--max-bad {min(1.0, bad / count + 0.01):.2f}",
        )
    return good


def chunks(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover 0..count."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
