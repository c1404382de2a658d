"""Arrays from Python: `(images, labels[, splits][, groups])`. No file has this format.

images: (n, height, width), (n, height, width, 1, 3 or 4) or (n, 1 or 3, height, width) of any real dtype; or a list of
arrays, Pillow images or paths, of any sizes. labels: whole numbers, strings, or one-hot (n, k); several an image as a
list of lists or sets of names, or (n, k) of 0 and 1; or numbers to be learned as such: floats that are not all whole;
or a mask an image: whole numbers (n, height, width), or a list of (height, width), where 255 and -1 count for nothing.
Pixels that are not bytes are scaled by the rules of `sightline.data.image`, applied to all images together: one dark
image is not stretched. Images without a label (None, NaN, an empty text) are left out and noted.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.core.spec import Spans
from sightline.data.dataset import ArrayImages, Dataset, FileImages, Images, no_splits
from sightline.data.formats._common import dropped, split_name
from sightline.data.formats._mask_arrays import masks_of
from sightline.data.formats._values import label_texts, targets_of
from sightline.data.image import from_array, read

CHUNK = 2**24
"""Values scaled at a time: scaling goes by way of float64."""
CHANNELS = (1, 3, 4)
_READABLE = (str, bytes, os.PathLike, Image.Image)
"""What `image.read` takes beside arrays."""


def sniff(path: Path) -> bool:
    """False: arrays come from Python."""
    return False


def load(path: Path) -> Dataset:
    """Raises SightlineError: arrays come from Python."""
    raise SightlineError(
        "arrays come from Python, not from a path", str(path), "save them with numpy.savez_compressed and name the .npz"
    )


def from_arrays(
    images: Any, labels: Any = None, splits: Any = None, groups: Any = None, kind: str | None = None,
    spans: Spans | None = None,
) -> Dataset:  # fmt: skip
    """The Dataset of arrays in memory: images and labels as this module says.

    labels, splits, groups: (n,) each, or None. kind: the wanted kind of target; by what the labels are, if None.
    spans: as in `to_bytes`. Integers become their decimal text, 3.0 becomes `3`, one-hot rows the number of their
    column. Raises SightlineError where shapes, dtypes or lengths do not fit.
    """
    source, spans = _images(images, spans)
    count = len(source)
    if not count:
        raise SightlineError("there are no images", "arrays")
    masks = None if labels is None else masks_of(labels)
    if masks:
        target, targets, classes = "mask", *masks
    else:
        target, targets = ("label", np.zeros(count, "<U1")) if labels is None else targets_of(labels, "labels", kind)
        classes = ()
    dataset = Dataset(
        images=source,
        target=target,
        targets=targets,
        classes=classes,
        splits=no_splits(count) if splits is None else _splits(splits),
        groups=None if groups is None else label_texts(groups, "groups"),
        name="arrays",
        format="arrays",
        spans=spans,
    )
    return dataset if labels is None else with_labels(dataset, kind)


def with_labels(dataset: Dataset, kind: str | None) -> Dataset:
    """The examples that have a label, and a note of the others. Where several labels an image are the wanted kind, none
    is an answer too."""
    if dataset.target != "label" or kind == "labels":
        return dataset
    bare = np.flatnonzero(dataset.targets == "")
    if not len(bare):
        return dataset
    if len(bare) == len(dataset):
        raise SightlineError("none of the images has a label", dataset.name)
    notes = dropped("empty_label", "without a label", [dataset.images.name(int(place)) for place in bare])
    dataset = dataset.take(np.flatnonzero(dataset.targets != ""))
    return dataclasses.replace(dataset, notes=(*dataset.notes, *notes))


def images_of(source: Any, spans: Spans, colour: bool) -> tuple[list[Any], bool]:
    """Images to look at, as `image.read` takes them, and whether `source` is one image rather than several.

    source: one image, a list, or an array that is a batch by its shape: four axes, or three of which the last cannot
    be channels. (3, height, width) is one image with its channels first to a network that sees colour. spans: those of
    the arrays that the network learned from. Each image is scaled by itself: what else is asked for changes nothing.
    """
    if isinstance(source, list | tuple):
        items = list(cast("Iterable[Any]", source))
        return [_readable(item, f"images[{place}]", spans) for place, item in enumerate(items)], False
    if isinstance(source, _READABLE):
        return [source], True
    array = _array(source, "images")
    first = colour and array.shape[:1] == (3,)
    batch = array.ndim == 4 or (array.ndim == 3 and array.shape[2] not in CHANNELS and not first)
    rows: Iterable[Any] = as_images(array, "images") if batch else [array]
    return [_readable(row, "images", spans) for row in rows], not batch


def _readable(item: Any, where: str, spans: Spans) -> Any:
    if isinstance(item, _READABLE):
        return cast("Any", item)
    array = _one(item, where)
    return item if array is None else to_bytes([array], spans)[0][0]


def as_images(array: NDArray[Any], where: str) -> NDArray[Any]:
    """(n, height, width[, 1, 3 or 4]) of a real dtype; channels that come first are moved to the end.

    (n, 1 or 3, height, width) is seen as channel-first unless the last axis could be channels too. Raises
    SightlineError for other shapes and dtypes.
    """
    if array.dtype.kind not in "buif":
        raise SightlineError(f"images are arrays of numbers, not of {array.dtype}", where)
    if array.ndim == 4 and array.shape[3] not in CHANNELS and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    if array.ndim not in (3, 4) or 0 in array.shape[1:] or (array.ndim == 4 and array.shape[3] not in CHANNELS):
        side = round(array.shape[1] ** 0.5) if array.ndim == 2 else 0
        square = side > 0 and side * side == array.shape[1]
        raise SightlineError(
            f"images have shape (n, height, width) or (n, height, width, 1, 3 or 4), not {array.shape}",
            where,
            f"if they are flat, type: x.reshape(-1, {side}, {side})" if square else "",
        )
    return array


def to_bytes(arrays: Sequence[NDArray[Any]], spans: Spans | None = None) -> tuple[list[NDArray[Any]], Spans]:
    """The arrays as uint8, those of one dtype scaled alike, by what their smallest and largest values are together;
    and the spans of those that fit no fixed range of pixels and were stretched.

    spans: those of earlier arrays. The same kinds are stretched as these were; what lies beyond is cut off. An array
    that holds NaN or infinity counts for nothing and comes back as it is: reading it will fail by itself. Raises
    SightlineError for arrays that are far from the spans.
    """
    ranges: dict[np.dtype[Any], tuple[Any, Any]] = {}
    finite = [array.dtype.kind != "f" or bool(np.isfinite(array).all()) for array in arrays]
    for array, good in zip(arrays, finite, strict=True):
        if good and array.size and array.dtype != np.uint8:
            low, high = ranges.get(array.dtype, (array.flat[0], array.flat[0]))
            ranges[array.dtype] = min(low, array.min()), max(high, array.max())
    found: Spans = {}
    for dtype, ends in ranges.items():
        low, high = float(ends[0]), float(ends[1])
        if low < 0 or high > 65535:  # what `image` stretches
            least, most = found.get(dtype.kind, (low, high))
            found[dtype.kind] = min(low, least), max(high, most)
    found |= {kind: (low, high) for kind, (low, high) in (spans or {}).items()}
    scaled = list(arrays)
    for place, (array, good) in enumerate(zip(arrays, finite, strict=True)):
        if good and array.size and array.dtype in ranges:
            if array.dtype.kind in found:
                scaled[place] = _stretch(array, *found[array.dtype.kind])
            else:
                scaled[place] = _scale(array, np.array(ranges[array.dtype], array.dtype))
    return scaled, found


def _stretch(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    mean = float(array.mean(dtype=np.float64))
    if not 2 * low - high <= mean <= 2 * high - low:
        raise SightlineError(
            f"the numbers (around {mean:.4g}) are on another scale than those learned from ({low:g} to {high:g})",
            "images", "scale them as the training images were",
        )  # fmt: skip
    return _scale(array, np.array([low, high], np.float64))


def _scale(array: NDArray[Any], ends: NDArray[Any]) -> NDArray[np.uint8]:
    """ends: the smallest and the largest value of all; what lies beyond is cut off."""
    scaled = np.empty(array.shape, np.uint8)
    source, goal = array.reshape(-1), scaled.reshape(-1)
    for start in range(0, array.size, CHUNK):
        part = source[start : start + CHUNK].astype(ends.dtype, copy=False).clip(*ends)
        # from_array sees both ends of the whole in each part
        goal[start : start + CHUNK] = from_array(np.concatenate((ends, part))[None])[0, 2:, 0]
    return scaled


def scaled_images(
    arrays: Sequence[NDArray[Any]], prefixes: Sequence[str], spans: Spans | None = None
) -> tuple[list[ArrayImages], Spans]:
    """Images of several (n, …) arrays, all scaled together: the parts of one data set mean the same; and their spans.

    Where some hold NaN or infinity, those stay as they are, and fail one by one when they are read. spans: as in
    `to_bytes`.
    """
    if all(array.dtype.kind != "f" or np.isfinite(array).all() for array in arrays):
        parts: list[Any]
        parts, spans = to_bytes(arrays, spans)
    else:
        rows, spans = to_bytes([image for array in arrays for image in array], spans)
        each = iter(rows)
        parts = [[next(each) for _ in array] for array in arrays]
    return [ArrayImages(part, prefix) for part, prefix in zip(parts, prefixes, strict=True)], spans


def _splits(values: Any) -> NDArray[np.str_]:
    texts = label_texts(values, "splits")
    names: dict[str, str] = {}
    for text in np.unique(texts):
        split = split_name(str(text))
        if split is None:
            raise SightlineError(f"unknown split {str(text)!r}", "splits", "a split is train, val or test")
        names[str(text)] = split
    return np.array([names[str(text)] for text in texts], dtype="<U5")


def _images(images: Any, spans: Spans | None) -> tuple[Images, Spans]:
    if isinstance(images, str | bytes | Path):
        raise SightlineError("images are arrays, not a path", str(images)[:200], "give the path alone, without a tuple")
    if not isinstance(images, list | tuple):
        array = _array(images, "images")
        if array.dtype != np.object_:
            [found], spans = scaled_images([as_images(array, "images")], ["images"], spans)
            return found, spans
        images = list(array)
    items = list(cast("Iterable[Any]", images))
    if items and all(isinstance(item, str | os.PathLike) for item in items):
        return FileImages([Path(item) for item in items]), {}
    loaded = [_one(item, f"images[{index}]") for index, item in enumerate(items)]
    scaled, spans = to_bytes([array for array in loaded if array is not None], spans)
    each = iter(scaled)
    arrays = [item if array is None else next(each) for item, array in zip(items, loaded, strict=True)]
    return ArrayImages(arrays, "images"), spans


def _array(values: Any, where: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except Exception as error:  # whatever a foreign array raises, such as one on a GPU
        raise SightlineError(f"this is no array of numbers ({error})", where) from None


def _one(item: Any, where: str) -> NDArray[Any] | None:
    """The array of one item of a list; None for a damaged Pillow image, which fails when it is read."""
    if isinstance(item, Image.Image):
        try:
            return read(item)  # now: its open file would be shared by forked workers
        except SightlineError:
            return None
    array = _array(item, where)
    if array.dtype.kind not in "buif":
        raise SightlineError(f"an image is an array of numbers or a Pillow image, not {type(item).__name__}", where)
    first = array.ndim == 3 and array.shape[2] not in CHANNELS and array.shape[0] in (1, 3)
    return np.moveaxis(array, 0, 2) if first else array
