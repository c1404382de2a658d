"""The Dataset: examples as columns, opened from whatever format the user has."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.spec import Spans
from sightline.data.image import MAX_PIXELS, Pixels, read

SPLITS = ("train", "val", "test")
PROBED, PROBED_COLOUR, KEPT = 256, 16, 64
Indices = NDArray[np.int64]


class Images(Protocol):
    """Images by index, read only when asked for. Must survive a fork: no open handle is shared."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What a user knows the image by: its path, its member name or its number."""
        ...

    def load(self, index: int) -> Path | bytes | Pixels:
        """What `image.read` takes. Raises SightlineError where it is missing."""
        ...


@dataclass(frozen=True)
class FileImages:
    """Images in files of their own."""

    paths: Sequence[Path]
    root: Path | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        """The path, relative to the data's root where it lies below it."""
        path = self.paths[index]
        inside = self.root and path.is_relative_to(self.root)
        return printable(str(path.relative_to(self.root) if self.root and inside else path))

    def load(self, index: int) -> Path:
        """The path itself."""
        return self.paths[index]


@dataclass(frozen=True)
class ArrayImages:
    """Images in memory: (n, height, width[, channel]), or a list of arrays of different sizes."""

    arrays: NDArray[Any] | Sequence[NDArray[Any]]
    prefix: str = ""

    def __len__(self) -> int:
        return len(self.arrays)

    def name(self, index: int) -> str:
        """`prefix[index]`."""
        return f"{self.prefix}[{index}]"

    def load(self, index: int) -> NDArray[Any]:
        """The array of one image."""
        return self.arrays[index]


@dataclass(frozen=True)
class BlobImages:
    """Encoded images in memory, as a Parquet column holds them."""

    blobs: Sequence[bytes | None]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.blobs)

    def name(self, index: int) -> str:
        """The name the table gives it."""
        return self.names[index]

    def load(self, index: int) -> bytes:
        """The encoded bytes."""
        blob = self.blobs[index]
        if blob is None:
            raise SightlineError("the image is missing", self.names[index])
        return blob


@dataclass(frozen=True)
class TakenImages:
    """Some of other images, or some of several, in a new order."""

    images: Images
    indices: Indices

    def __len__(self) -> int:
        return len(self.indices)

    def name(self, index: int) -> str:
        """As the whole names it."""
        return self.images.name(int(self.indices[index]))

    def load(self, index: int) -> Path | bytes | Pixels:
        """As the whole loads it."""
        return self.images.load(int(self.indices[index]))


@dataclass(frozen=True)
class ChainedImages:
    """Several sources, one after the other."""

    parts: tuple[Images, ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def _find(self, index: int) -> tuple[Images, int]:
        for part in self.parts:
            if index < len(part):
                return part, index
            index -= len(part)
        raise IndexError(index)

    def name(self, index: int) -> str:
        """As its part names it."""
        part, inner = self._find(index)
        return part.name(inner)

    def load(self, index: int) -> Path | bytes | Pixels:
        """As its part loads it."""
        part, inner = self._find(index)
        return part.load(inner)


@dataclass(frozen=True)
class Probe:
    """What a sample of the images looks like: median width and height in pixels, 1 or 3 channels, how many read.

    some: a few of them, (height, width, 1 or 3) uint8, perhaps reduced to no less than 128 px.
    """

    width: int
    height: int
    channels: int
    count: int
    some: tuple[Pixels, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Dataset:
    """Examples as columns.

    images: n images, read lazily.
    target: the kind of the targets ("label", …): a task learns one kind.
    targets: (n,) array, what `Task.encode` takes; empty strings where an example has none.
    splits: (n,) strings, each "train", "val", "test", or "" where the data says nothing.
    groups: (n,) strings or None; members of a group never straddle splits. "" is no group.
    classes: names the data itself lists, in its order; empty where they follow from the targets.
    name, format: for people.
    notes: what the reader of the format noticed, as (code, message, items).
    spans: from where to where arrays were stretched that fit no fixed range of pixels.
    """

    images: Images
    target: str
    targets: NDArray[Any]
    splits: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    name: str
    format: str
    classes: tuple[str, ...] = ()
    notes: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    spans: Spans = field(default_factory=dict[str, tuple[float, float]])

    def __post_init__(self) -> None:
        count = len(self.images)
        for column, values in (("targets", self.targets), ("splits", self.splits), ("groups", self.groups)):
            if values is not None and len(values) != count:
                raise SightlineError(f"{count} images, but {len(values)} {column}", self.name)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Indices) -> Dataset:
        """The examples at `indices`, in that order."""
        return dataclasses.replace(
            self,
            images=TakenImages(self.images, indices),
            targets=self.targets[indices],
            splits=self.splits[indices],
            groups=None if self.groups is None else self.groups[indices],
        )

    def probe(self, max_pixels: int = MAX_PIXELS) -> Probe:
        """Reads a sample of at most 256 images, evenly spread; 16 where they are in colour, as one look settles that.

        Raises SightlineError where none can be read.
        """
        widths: list[int] = []
        heights: list[int] = []
        some: list[Pixels] = []
        grey = True
        last = SightlineError("there are no images", self.name)
        places = np.unique(np.linspace(0, len(self) - 1, min(PROBED, len(self))).astype(np.int64))
        # In an order of chance: data are often sorted by class, and the look may end early.
        for index in np.random.Generator(np.random.Philox(0)).permutation(places):
            if not grey and len(widths) >= PROBED_COLOUR:
                break
            try:
                pixels = read(self.images.load(int(index)), (128, 128), max_pixels)
            except SightlineError as error:
                last = error
                continue
            heights.append(pixels.shape[0])
            widths.append(pixels.shape[1])
            if len(some) < KEPT:
                some.append(pixels)
            grey = grey and pixels.shape[2] == 1
        if not widths:
            raise SightlineError("none of the images can be read", self.name, str(last))
        return Probe(int(np.median(widths)), int(np.median(heights)), 1 if grey else 3, len(widths), tuple(some))


def printable(name: str) -> str:
    """A file name that any file or terminal takes: one that is not UTF-8 on disk is read as Latin-1."""
    try:
        name.encode()
    except UnicodeEncodeError:  # Python hands such bytes on as surrogates
        return name.encode("utf-8", "surrogateescape" if os.name == "posix" else "replace").decode("latin-1")
    return name


def no_splits(count: int) -> NDArray[np.str_]:
    """The splits column of data that says nothing about splits."""
    return np.zeros(count, dtype="<U5")


def with_val(train: Dataset, val: Dataset) -> Dataset:
    """Both as one dataset: the first without val examples of its own, all of the second as val.

    Raises SightlineError where they hold different kinds of targets, or the first has a val part already.
    """
    if train.target != val.target:
        raise SightlineError(f"the val data holds {val.target} targets, the other {train.target}", val.name)
    if (train.splits == "val").any():
        raise SightlineError("the data has a val part already", train.name, "leave val= out")
    first = np.where(train.splits == "test", "test", "train")
    groups = None
    if train.groups is not None or val.groups is not None:
        groups = np.concatenate([np.zeros(len(d), "<U1") if d.groups is None else d.groups for d in (train, val)])
    return dataclasses.replace(
        train,
        images=ChainedImages((train.images, val.images)),
        targets=np.concatenate([train.targets, val.targets]),
        splits=np.concatenate([first, np.full(len(val), "val", "<U5")]),
        groups=groups,
        notes=train.notes + val.notes,
    )
