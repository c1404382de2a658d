"""Masks as targets: small references to them, which are read only when somebody asks for their pixels."""

from __future__ import annotations

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.core.errors import SightlineError

Labels = NDArray[np.uint8]
"""(height, width) class numbers; 255 for pixels that count for nothing."""
IGNORE, BEYOND = 255, 254
MOST_CLASSES = 250
FORMATS: list[str] = ["PNG", "BMP", "TIFF", "GIF"]
"""The decoders of masks: lossy files change class numbers."""
LARGEST = 2**30
"""Pixels of a mask: a byte each, so more than an image may have without being asked."""
SUFFIXES = frozenset((".png", ".bmp", ".tif", ".tiff", ".gif"))


class Unreadable(SightlineError):  # noqa: N818 (named after what is wrong)
    """A mask that is missing or damaged: its pixels count for nothing, and `check` lists it."""


@dataclass(frozen=True)
class MaskKey:
    """What the values of a mask stand for, shared by all masks of a data set.

    names: the classes in the order of their numbers. values: 256 bytes, the class number of each value of a grey or
    indexed mask; IGNORE, or BEYOND for values that mean nothing. colours: (red * 65536 + green * 256 + blue, class
    number), sorted, for masks in colour; () where there is no table.
    """

    names: tuple[str, ...]
    values: bytes
    colours: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(
        names: Sequence[str], values: Mapping[int, int], colours: Mapping[tuple[int, int, int], int] | None = None
    ) -> MaskKey:
        """values, colours: to class numbers or IGNORE. 255 is ignored where `values` does not say otherwise."""
        table = bytearray([BEYOND] * 256)
        table[IGNORE] = IGNORE
        for value, number in values.items():
            if 0 <= value < 256:
                table[value] = number
        packed = {(r << 16) | (g << 8) | b: number for (r, g, b), number in (colours or {}).items()}
        return MaskKey(tuple(names), bytes(table), tuple(sorted(packed.items())))


@dataclass(frozen=True)
class Held:
    """What a mask holds: its (width, height), and how many pixels of each class; ignored ones last."""

    size: tuple[int, int]
    counts: tuple[int, ...]


class Mask(ABC):
    """One target: where the mask comes from, and what its values mean. Equal where their contents are."""

    key: MaskKey
    name: str

    @abstractmethod
    def values(self) -> NDArray[Any]:
        """(height, width) values or (height, width, 3) colours. Raises Unreadable."""

    @abstractmethod
    def content(self) -> bytes:
        """What tells it from others."""

    def load(self) -> Labels:
        """(height, width) uint8 class numbers in the order of `key.names`; 255 is ignored.

        Raises Unreadable for a missing or damaged file, and SightlineError for a value or colour without a meaning.
        """
        values = self.values()
        if values.ndim == 3 and not self.key.colours:
            if (values != values[..., :1]).any():
                fix = "write what each colour stands for, a line a class `name,red,green,blue`, into classes.csv"
                raise SightlineError("the mask is in colour, and nothing says what its colours mean", self.name, fix)
            values = values[..., 0]
        return self._of_colours(values) if values.ndim == 3 else self._of_values(values)

    def _of_values(self, values: NDArray[Any]) -> Labels:
        table = np.frombuffer(self.key.values, np.uint8)
        small = values if values.dtype == np.uint8 else np.where((values < 0) | (values > 255), 256, values)
        labels = (table if values.dtype == np.uint8 else np.append(table, np.uint8(BEYOND)))[small]
        if (labels == BEYOND).any():
            value = values[labels == BEYOND].flat[0]
            raise SightlineError(
                f"the mask holds the value {value}, and there are {len(self.key.names)} classes", self.name,
                "name every class in classes.txt, a line each; 255 stands for pixels that count for nothing",
            )  # fmt: skip
        return labels

    def _of_colours(self, values: NDArray[Any]) -> Labels:
        packed = (values[..., 0].astype(np.int32) << 16) | (values[..., 1].astype(np.int32) << 8) | values[..., 2]
        known = np.array([colour for colour, _ in self.key.colours], np.int32)
        numbers = np.array([number for _, number in self.key.colours], np.uint8)
        place = np.minimum(np.searchsorted(known, packed), len(known) - 1)
        strange = known[place] != packed
        if strange.any():
            red, green, blue = values[strange][0].tolist()
            raise SightlineError(
                f"the mask holds the colour {red} {green} {blue}, which the table of colours does not have",
                self.name, "add it to the table, perhaps as `ignore`",
            )  # fmt: skip
        return numbers[place]

    @cached_property
    def held(self) -> Held:
        """What it holds, read once. Raises as `load` does."""
        labels = self.load()
        flat = labels.ravel()  # counted in parts: `bincount` makes eight bytes of each pixel
        counts = np.zeros(256, np.int64)
        for start in range(0, len(flat), 8 * STRIP):
            counts += np.bincount(flat[start : start + 8 * STRIP], minlength=256)
        numbers: list[int] = counts[: len(self.key.names)].tolist()
        return Held((labels.shape[1], labels.shape[0]), (*numbers, int(counts[IGNORE])))

    @cached_property
    def digest(self) -> str:
        """16 hex digits of the content."""
        hashed = hashlib.blake2b(self.content(), digest_size=8)
        hashed.update(repr((self.key.names, self.key.colours)).encode() + self.key.values)
        return hashed.hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Mask) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __str__(self) -> str:
        return f"{self.name} {self.digest}"


@dataclass(frozen=True, eq=False)
class MaskFile(Mask):
    """A mask in an image file. name: what a user knows it by."""

    path: Path
    key: MaskKey
    name: str

    def values(self) -> NDArray[Any]:
        """Grey files give their values, others their colours; indexed files their indices, unless all the colours that
        they use stand in the table of colours: programs that save files smaller number their colours anew."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                Image.MAX_IMAGE_PIXELS = LARGEST
                with Image.open(self.path, formats=FORMATS) as image:
                    if image.width * image.height > LARGEST:
                        raise Unreadable(f"the mask has {image.width * image.height:,} pixels, too many", self.name)
                    if image.mode == "1":
                        return np.asarray(image).astype(np.uint8)
                    if image.mode == "P" and self._in_table(image):
                        return np.asarray(image.convert("RGB"))
                    if image.mode in ("L", "P") or image.mode.startswith("I"):
                        return np.asarray(image)
                    if image.mode in ("LA", "PA"):
                        return np.asarray(image)[..., 0]
                    return np.asarray(image.convert("RGB"))
        except Unreadable:
            raise
        except FileNotFoundError:
            raise Unreadable("the mask does not exist", self.name) from None
        except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
            text = " ".join(str(error).split())[:120] or type(error).__name__
            raise Unreadable(f"the mask is damaged ({text})", self.name) from None

    def _in_table(self, image: Image.Image) -> bool:
        known = {colour for colour, _ in self.key.colours}
        palette = np.array(image.getpalette() or [], np.int64).reshape(-1, 3) @ (1 << 16, 1 << 8, 1)
        used = np.unique(np.asarray(image))
        return bool(known) and used.max(initial=0) < len(palette) and known.issuperset(palette[used].tolist())

    def content(self) -> bytes:
        """The bytes of the file; its name where there are none."""
        try:
            return self.path.read_bytes()
        except OSError:
            return self.name.encode(errors="surrogateescape")


@dataclass(frozen=True, eq=False)
class MaskArray(Mask):
    """A mask in memory: (height, width) whole numbers."""

    array: NDArray[Any]
    key: MaskKey
    name: str

    def values(self) -> NDArray[Any]:
        """The array itself."""
        return self.array

    def content(self) -> bytes:
        """Shape and values."""
        return repr(self.array.shape).encode() + np.ascontiguousarray(self.array).tobytes()


def column_of(masks: Sequence[Mask]) -> NDArray[np.object_]:
    """(n,) references as the targets of a Dataset."""
    column = np.empty(len(masks), np.object_)
    for place, mask in enumerate(masks):
        column[place] = mask
    return column


def resized_labels(labels: Labels, size: tuple[int, int]) -> Labels:
    """The class numbers stretched to `size` (width, height): each pixel takes that of the nearest one."""
    height, width = labels.shape
    if (width, height) == size:
        return labels
    rows = np.minimum(((np.arange(size[1]) + 0.5) * height / size[1]).astype(np.int64), height - 1)
    columns = np.minimum(((np.arange(size[0]) + 0.5) * width / size[0]).astype(np.int64), width - 1)
    return labels[rows[:, None], columns]


STRIP = 2**19
"""Pixels of an image that are decided at a time."""


def most_probable(probabilities: NDArray[Any], size: tuple[int, int]) -> tuple[Labels, NDArray[np.uint8]]:
    """For each pixel of an image of `size` (width, height) the most probable class, and its probability in 255ths.

    probabilities: (classes, height, width) at the size of the input; stretched bilinearly, a strip and a class at a
    time, so that an image of any size takes little more memory than its two results.
    """
    width, height = size
    maps = [Image.fromarray(np.ascontiguousarray(one, np.float32)) for one in probabilities]
    classes, sureness = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        low = min(height, top + rows)
        box = (0.0, top * maps[0].height / height, float(maps[0].width), low * maps[0].height / height)
        best = np.full((low - top, width), -1.0, np.float32)
        for number, one in enumerate(maps):
            value = np.asarray(one.resize((width, low - top), Image.Resampling.BILINEAR, box))
            better = value > best
            classes[top:low][better] = number
            np.maximum(best, value, out=best)
        sureness[top:low] = np.rint(np.clip(best, 0, 1) * 255)
    return classes, sureness
