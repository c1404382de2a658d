"""IDX, the files of MNIST and its kin: a folder of them, or one of them.

Names, gzipped (`.gz`) or not, with `-` or `.` before `idx`:

    train-images-idx3-ubyte   train-labels-idx1-ubyte      the split train
    t10k-images-idx3-ubyte    t10k-labels-idx1-ubyte       the split test; `test` may stand for `t10k`

after any prefix, as in `emnist-letters-train-images-idx3-ubyte`. EMNIST's own images lie on their side in its files
(column by column) and are turned upright.

A file: two zero bytes, 8 for unsigned bytes, the number of dimensions, each dimension as a big-endian 32-bit number,
then the values. Images are (n, height, width) or (n, height, width, 1, 3 or 4), labels (n,).
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError, nearest
from sightline.data.dataset import ArrayImages, ChainedImages, Dataset
from sightline.data.formats._common import Note, is_file, is_folder

_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[1-4]-ubyte(?P<gz>\.gz)?", re.IGNORECASE
)
_SPLITS = {"train": "train", "t10k": "test", "test": "test"}
MOST_BYTES = 16 * 2**30
GZIP_RATIO = 1100
"""Deflate cannot shrink anything further than 1:1032."""

Bytes = NDArray[np.uint8]


def sniff(path: Path) -> bool:
    """Whether this is a file of such a name, or a folder that holds one with images."""
    if is_file(path):
        return _NAME.fullmatch(path.name) is not None
    return is_folder(path) and any(what == "images" for _, _, what in _find(path))


def load(path: Path) -> Dataset:
    """The parts that lie together: uint8 images, labels as text. Raises SightlineError for what breaks the format."""
    folder, prefix = _which(path)
    files = _find(folder)
    images: list[ArrayImages] = []
    targets: list[NDArray[np.str_]] = []
    splits: list[str] = []
    notes: list[Note] = []
    for split in ("train", "test"):
        images_file = files.get((prefix, split, "images"))
        if images_file is None:
            continue
        labels_file = files.get((prefix, split, "labels"))
        if labels_file is None:
            wanted = images_file.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
            raise SightlineError("the labels of these images are missing", str(images_file), f"put beside it: {wanted}")
        pixels, labels = _read_pair(images_file, labels_file)
        if prefix.startswith("emnist"):
            pixels = np.ascontiguousarray(pixels.swapaxes(1, 2))
            notes.append(
                ("turned", "EMNIST keeps its images on their side: they were turned upright", (images_file.name,))
            )
        images.append(ArrayImages(pixels, images_file.name))
        targets.append(labels.astype(np.str_))
        splits += [split] * len(labels)
    if not images:
        raise SightlineError(
            "there are labels, but no images", str(path), "put the *-images-idx3-ubyte file beside them"
        )
    return Dataset(
        images=images[0] if len(images) == 1 else ChainedImages(tuple(images)),
        target="label",
        targets=np.concatenate(targets),
        splits=np.array(splits, dtype="<U5"),
        groups=None,
        name=str(path),
        format="idx",
        notes=tuple(notes),
    )


def _find(folder: Path) -> dict[tuple[str, str, str], Path]:
    """(prefix, split, images or labels) to the file; one that is not gzipped is preferred."""
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return {}
    found: dict[tuple[str, str, str], Path] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match and is_file(folder / name):
            key = (match["prefix"].lower(), _SPLITS[match["part"].lower()], match["what"].lower())
            if key not in found or not match["gz"]:
                found[key] = folder / name
    return found


def _which(path: Path) -> tuple[Path, str]:
    """The folder to look in, and the prefix of the one data set that is meant."""
    if is_folder(path):
        prefixes = sorted({prefix for prefix, _, what in _find(path) if what == "images"})
        if len(prefixes) > 1:
            several = ", ".join(prefix.rstrip("-_. ") or "(none)" for prefix in prefixes)
            raise SightlineError(
                f"several IDX data sets lie here ({several})", str(path), "give one of the files instead"
            )
        if prefixes:
            return path, prefixes[0]
    elif match := _NAME.fullmatch(path.name):
        if is_file(path):
            return path.parent, match["prefix"].lower()
        near = nearest(path.name, [file.name for file in _find(path.parent).values()], 1)
        raise SightlineError(
            "the file does not exist", str(path), f"did you mean {near[0]}?" if near else "check the path"
        )
    raise SightlineError(
        "there are no IDX files here",
        str(path),
        "they are named like train-images-idx3-ubyte and train-labels-idx1-ubyte",
    )


def _read_pair(images_file: Path, labels_file: Path) -> tuple[Bytes, Bytes]:
    pixels, labels = read_idx(images_file), read_idx(labels_file)
    if pixels.ndim not in (3, 4) or 0 in pixels.shape or (pixels.ndim == 4 and pixels.shape[3] not in (1, 3, 4)):
        raise SightlineError(
            f"these are no images: the dimensions are {pixels.shape}",
            str(images_file),
            "images are (n, height, width) or (n, height, width, 1, 3 or 4)",
        )
    if labels.ndim != 1:
        raise SightlineError(f"these are no labels: the dimensions are {labels.shape}", str(labels_file))
    if len(pixels) != len(labels):
        raise SightlineError(f"{len(pixels)} images, but {len(labels)} labels", f"{images_file}, {labels_file.name}")
    return pixels, labels


def read_idx(path: Path) -> Bytes:
    """The uint8 array in an IDX file, gzipped or not. Raises SightlineError unless header and length agree."""
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            if raw.read(2) != b"\x1f\x8b":
                raw.seek(0)
                return _parse(raw, size, path)
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _parse(unpacked, size * GZIP_RATIO, path)
    except (OSError, EOFError, zlib.error) as error:
        raise SightlineError(f"the file cannot be read or is damaged ({error})", str(path), "fetch it again") from None


def _parse(file: IO[bytes] | gzip.GzipFile, at_most: int, path: Path) -> Bytes:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise SightlineError("this is no IDX file: it does not begin with two zero bytes", str(path))
    if magic[2] != 8:
        raise SightlineError(f"only unsigned bytes (type 8) are understood, not type {magic[2]}", str(path))
    count = magic[3]
    header = file.read(4 * count)
    if not 1 <= count <= 4 or len(header) < 4 * count:
        raise SightlineError(f"the IDX header announces {count} dimensions and is damaged", str(path))
    shape: tuple[int, ...] = struct.unpack(f">{count}I", header)
    size = int(np.prod([int(side) for side in shape], dtype=object))
    # Checked before memory is taken: neither a header nor a gzip bomb decides how much is read.
    if size > min(at_most, MOST_BYTES):
        raise SightlineError(f"the IDX header announces {size:,} bytes, more than the file can hold", str(path))
    values = np.empty(size, np.uint8)
    place = 0
    while place < size and (part := file.read(min(2**24, size - place))):
        values[place : place + len(part)] = np.frombuffer(part, np.uint8)
        place += len(part)
    if place < size:
        raise SightlineError(f"the file ends early: {place:,} of {size:,} bytes", str(path), "fetch it again")
    if file.read(1):
        raise SightlineError(f"the file goes on after the {size:,} bytes that its header announces", str(path))
    return values.reshape(shape)
