"""NPZ: x_train, y_train[, x_val, y_val][, x_test, y_test], or just x, y (then there are no splits).

x: images, (n, height, width), (n, height, width, 1, 3 or 4) or (n, 1 or 3, height, width), of any real dtype; those of
one dtype are scaled together. y: (n,) or (n, 1) numbers or strings, or one-hot (n, k); (n, k) of 0 and 1 for several
labels; floats that are not all whole for numbers. Arrays of Python objects are
refused: only pickle, which can run code, could read them.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.spec import Spans
from sightline.data.dataset import SPLITS, ChainedImages, Dataset
from sightline.data.formats._common import Note, is_file
from sightline.data.formats._values import targets_of
from sightline.data.formats.arrays import as_images, scaled_images, with_labels

KINDS = ("label", "labels", "value")
SPANS = True
MOST_BYTES = 16 * 2**30
WANTED = "the keys are x_train, y_train[, x_val, y_val][, x_test, y_test], or x, y"


def sniff(path: Path) -> bool:
    """Whether this is a file with the suffix .npz."""
    return path.suffix.lower() == ".npz" and is_file(path)


def load(path: Path, kind: str | None = None, spans: Spans | None = None) -> Dataset:
    """The images and targets in an NPZ file. Raises SightlineError for what breaks the format.

    kind: the wanted kind of target, where the arrays allow for several. spans: as in `arrays.to_bytes`.
    """
    names = _names(path)
    parts = _parts(names, path)
    stored = _read(path, [name for x, y, _ in parts for name in (x, y)])
    images = [as_images(stored[x], f"{path}: {x}") for x, _, _ in parts]
    for (x, y, _), pixels in zip(parts, images, strict=True):
        count = len(stored[y]) if stored[y].ndim else 1
        if len(pixels) != count:
            raise SightlineError(f"{x} holds {len(pixels)} images, but {y} {count} labels", str(path))
    target, targets = _targets([(stored[y], y) for _, y, _ in parts], path, kind)
    if not sum(len(pixels) for pixels in images):
        raise SightlineError("there are no images", str(path))
    others = [name for name in names if name not in {key for x, y, _ in parts for key in (x, y)}]
    note: Note = ("other_keys", f"not used of this file: {', '.join(others)}", tuple(others))
    chained, spans = scaled_images(images, [x for x, _, _ in parts], spans)
    dataset = Dataset(
        images=chained[0] if len(chained) == 1 else ChainedImages(tuple(chained)),
        target=target,
        targets=targets,
        splits=np.repeat(np.array([split for _, _, split in parts], "<U5"), [len(pixels) for pixels in images]),
        groups=None,
        name=str(path),
        format="npz",
        notes=(note,) if others else (),
        spans=spans,
    )
    return with_labels(dataset, kind)


def _targets(arrays: list[tuple[NDArray[Any], str]], path: Path, wanted: str | None) -> tuple[str, NDArray[Any]]:
    """The kind of target and the targets of all parts together: where one part holds several labels, all do."""
    found = [targets_of(array, f"{path}: {name}", wanted) for array, name in arrays]
    kinds = {kind for kind, _ in found}
    if len(kinds) > 1:
        kind = "labels" if "labels" in kinds else "value"
        found = [targets_of(array, f"{path}: {name}", kind) for array, name in arrays]
        if {kind for kind, _ in found} != {kind}:
            raise SightlineError(f"the parts hold different kinds of targets: {', '.join(sorted(kinds))}", str(path))
    return found[0][0], np.concatenate([targets for _, targets in found])


def _parts(names: list[str], path: Path) -> list[tuple[str, str, str]]:
    """(key of the images, key of the labels, split) of each part."""
    pairs = [(f"x_{split}", f"y_{split}", split) for split in SPLITS]
    if "x_train" not in names and "x" in names:
        pairs = [("x", "y", "")]
    parts = [pair for pair in pairs if pair[0] in names]
    found = f"found: {', '.join(names) or 'none'}"
    if not parts:
        raise SightlineError(f"there are no images under the keys that are looked for; {found}", str(path), WANTED)
    for x, y, _ in parts:
        if y not in names:
            raise SightlineError(f"{x} has no labels: the key {y} is missing; {found}", str(path), WANTED)
    return parts


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
    except FileNotFoundError:
        raise SightlineError("the file does not exist", str(path), "check the path") from None
    except Exception as error:  # zipfile raises many things on damaged files
        raise SightlineError(f"this is no NPZ file, or a damaged one ({error})", str(path)) from None
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES:
        raise SightlineError(
            f"the arrays announce {total / 2**30:.0f} GiB, more than the {MOST_BYTES / 2**30:.0f} GiB allowed",
            str(path),
            "save the images as files in class folders instead",
        )
    return [member.filename.removesuffix(".npy") for member in members]


def _read(path: Path, names: list[str]) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    name = ""
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in names:
                found[name] = file[name]
    except Exception as error:  # numpy and zipfile raise nearly anything on damaged files
        if "allow_pickle" in str(error):
            raise SightlineError(
                f"{name} holds Python objects, which only pickle could read, and pickle can run code",
                str(path),
                "save plain arrays, for example: np.savez_compressed(path, x_train=np.stack(images), y_train=labels)",
            ) from None
        raise SightlineError(f"{name or 'the file'} cannot be read ({error})", str(path), "save it again") from None
    return found
