"""Arrays from Python: `(images, labels[, splits][, groups])`. No file has this format.

images: (n, height, width), (n, height, width, 1, 3 or 4) or (n, 1 or 3, height, width) of any real dtype; or a list of
arrays, Pillow images or paths, of any sizes. labels: whole numbers, strings, or one-hot (n, k); several an image as a
list of lists or sets of names, or (n, k) of 0 and 1; or numbers to be learned as such: floats that are not all whole;
or a mask an image: whole numbers (n, height, width), or a list of (height, width), where 255 and -1 count for nothing.
Pixels that are not bytes are scaled by the rules of `sightline.data.image`, applied to all images together: one dark
image is not stretched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.dataset import ArrayImages, Dataset, FileImages, Images, no_splits
from sightline.data.formats._common import split_name
from sightline.data.formats._mask_arrays import masks_of
from sightline.data.formats._values import label_texts, targets_of
from sightline.data.image import from_array, read

CHUNK = 2**24
"""Values scaled at a time: scaling goes by way of float64."""
CHANNELS = (1, 3, 4)


def sniff(path: Path) -> bool:
    """False: arrays come from Python."""
    return False


def load(path: Path) -> Dataset:
    """Raises SightlineError: arrays come from Python."""
    raise SightlineError(
        "arrays come from Python, not from a path", str(path), "save them with numpy.savez_compressed and name the .npz"
    )


def from_arrays(
    images: Any, labels: Any = None, splits: Any = None, groups: Any = None, kind: str | None = None
) -> Dataset:
    """The Dataset of arrays in memory: images and labels as this module says.

    labels, splits, groups: (n,) each, or None. kind: the wanted kind of target; by what the labels are, if None.
    Integers become their decimal text, 3.0 becomes `3`, one-hot rows the number of their column; None and NaN become
    "". Raises SightlineError where shapes, dtypes or lengths do not fit.
    """
    source = _images(images)
    count = len(source)
    if not count:
        raise SightlineError("there are no images", "arrays")
    masks = None if labels is None else masks_of(labels)
    if masks:
        target, targets, classes = "mask", *masks
    else:
        target, targets = ("label", np.zeros(count, "<U1")) if labels is None else targets_of(labels, "labels", kind)
        classes = ()
    return Dataset(
        images=source,
        target=target,
        targets=targets,
        classes=classes,
        splits=no_splits(count) if splits is None else _splits(splits),
        groups=None if groups is None else label_texts(groups, "groups"),
        name="arrays",
        format="arrays",
    )


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


def to_bytes(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The arrays as uint8, those of one dtype scaled alike, by what their smallest and largest values are together.

    An array that holds NaN or infinity counts for nothing and comes back as it is: reading it will fail by itself.
    """
    ranges: dict[np.dtype[Any], tuple[Any, Any]] = {}
    finite = [array.dtype.kind != "f" or bool(np.isfinite(array).all()) for array in arrays]
    for array, good in zip(arrays, finite, strict=True):
        if good and array.size and array.dtype != np.uint8:
            low, high = ranges.get(array.dtype, (array.flat[0], array.flat[0]))
            ranges[array.dtype] = min(low, array.min()), max(high, array.max())
    return [
        _scale(array, *ranges[array.dtype]) if good and array.dtype in ranges and array.size else array
        for array, good in zip(arrays, finite, strict=True)
    ]


def _scale(array: NDArray[Any], low: Any, high: Any) -> NDArray[np.uint8]:
    scaled = np.empty(array.shape, np.uint8)
    source, goal = array.reshape(-1), scaled.reshape(-1)
    ends = np.array([low, high], array.dtype)  # from_array sees both ends of the whole in each part
    for start in range(0, array.size, CHUNK):
        part = source[start : start + CHUNK]
        goal[start : start + CHUNK] = from_array(np.concatenate((ends, part))[None])[0, 2:, 0]
    return scaled


def scaled_images(arrays: Sequence[NDArray[Any]], prefixes: Sequence[str]) -> list[ArrayImages]:
    """Images of several (n, …) arrays, all scaled together: the parts of one data set mean the same.

    Where some hold NaN or infinity, those stay as they are, and fail one by one when they are read.
    """
    if all(array.dtype.kind != "f" or np.isfinite(array).all() for array in arrays):
        parts: list[Any] = [*to_bytes(arrays)]
    else:
        each = iter(to_bytes([image for array in arrays for image in array]))
        parts = [[next(each) for _ in array] for array in arrays]
    return [ArrayImages(part, prefix) for part, prefix in zip(parts, prefixes, strict=True)]


def _splits(values: Any) -> NDArray[np.str_]:
    texts = label_texts(values, "splits")
    names: dict[str, str] = {}
    for text in np.unique(texts):
        split = split_name(str(text))
        if split is None:
            raise SightlineError(f"unknown split {str(text)!r}", "splits", "a split is train, val or test")
        names[str(text)] = split
    return np.array([names[str(text)] for text in texts], dtype="<U5")


def _images(images: Any) -> Images:
    if isinstance(images, str | bytes | Path):
        raise SightlineError("images are arrays, not a path", str(images)[:200], "give the path alone, without a tuple")
    if not isinstance(images, list | tuple):
        try:
            array: NDArray[Any] = np.asarray(images)
        except Exception as error:  # whatever a foreign array raises, such as one on a GPU
            raise SightlineError(f"the images are no array ({error})", "images") from None
        if array.dtype != np.object_:
            return scaled_images([as_images(array, "images")], ["images"])[0]
        images = list(array)
    items = list(cast("Iterable[Any]", images))
    if items and all(isinstance(item, str | os.PathLike) for item in items):
        return FileImages([Path(item) for item in items])
    loaded = [_one(item, f"images[{index}]") for index, item in enumerate(items)]
    scaled = iter(to_bytes([array for array in loaded if array is not None]))
    return ArrayImages(
        [item if array is None else next(scaled) for item, array in zip(items, loaded, strict=True)], "images"
    )


def _one(item: Any, where: str) -> NDArray[Any] | None:
    """The array of one item of a list; None for a damaged Pillow image, which fails when it is read."""
    if isinstance(item, Image.Image):
        try:
            return read(item)  # now: its open file would be shared by forked workers
        except SightlineError:
            return None
    try:
        array: NDArray[Any] = np.asarray(item)
    except Exception as error:  # whatever a foreign array raises
        raise SightlineError(f"this is no image ({error})", where) from None
    if array.dtype.kind not in "buif":
        raise SightlineError(f"an image is an array of numbers or a Pillow image, not {type(item).__name__}", where)
    first = array.ndim == 3 and array.shape[2] not in CHANNELS and array.shape[0] in (1, 3)
    return np.moveaxis(array, 0, 2) if first else array
