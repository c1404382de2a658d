"""Parquet: columns image and label, optional split and group; a file, or a folder of `*.parquet` files.

image: text (a path relative to the folder, or absolute), bytes (an encoded image), or a struct of both, {bytes, path},
as Hugging Face writes it. label: text or numbers; with Hugging Face's ClassLabel in the schema, its names. In a
folder (or its subfolder `data`) the names train-*.parquet, validation-*.parquet and test-*.parquet give the splits,
unless there is a column for them. COLUMNS and SPLIT_NAMES list what else columns and splits may be called. Rows
without a label are left out and noted. Needs pyarrow (the extra `parquet`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from sightline.core.errors import MissingExtra, SightlineError
from sightline.data.dataset import BlobImages, ChainedImages, Dataset, FileImages, Images, TakenImages
from sightline.data.formats._common import dropped, find_columns, is_file, is_folder, natural_key, plural, split_name
from sightline.data.formats.arrays import label_texts

MOST_BYTES = 64 * 2**30
MOST_ROWS = 100_000_000


@dataclass
class _Columns:
    """What is gathered from all files, row by row."""

    images: list[Any] = field(default_factory=list[Any])
    names: list[str] = field(default_factory=list[str])
    labels: list[str] = field(default_factory=list[str])
    splits: list[str] = field(default_factory=list[str])
    groups: list[str] = field(default_factory=list[str])
    classes: tuple[str, ...] | None = None
    unlabelled: list[str] = field(default_factory=list[str])


def sniff(path: Path) -> bool:
    """Whether this is a .parquet file, or a folder that holds some."""
    if is_file(path):
        return path.suffix.lower() in (".parquet", ".pq")
    return is_folder(path) and bool(_files(path))


def load(path: Path) -> Dataset:
    """The images and labels in Parquet files. Raises MissingExtra without pyarrow, SightlineError for bad data."""
    files = _files(path) if is_folder(path) else [path]
    if not files:
        raise SightlineError("there are no .parquet files here", str(path))
    columns = _Columns()
    for file in files:
        _gather(file, _split_of(file) if is_folder(path) else "", columns)
    if not columns.labels:
        why = f", {plural(len(columns.unlabelled), 'row')} without" if columns.unlabelled else ""
        raise SightlineError(f"there are no rows with a label{why}", str(path))
    return Dataset(
        images=_images(columns, files[0].parent),
        target="label",
        targets=np.array(columns.labels),
        splits=np.array(columns.splits, dtype="<U5"),
        groups=np.array(columns.groups) if any(columns.groups) else None,
        name=str(path),
        format="parquet",
        classes=columns.classes or (),
        notes=tuple(dropped("empty_label", "without a label", columns.unlabelled)),
    )


def _files(folder: Path) -> list[Path]:
    for place in (folder, folder / "data"):
        try:
            found = [file for file in place.iterdir() if file.suffix.lower() in (".parquet", ".pq") and is_file(file)]
        except OSError:
            continue
        if found:
            return sorted(found, key=lambda file: natural_key(file.name))
    return []


def _split_of(file: Path) -> str:
    word = re.match(r"[A-Za-z]*", file.name)
    return (split_name(word[0]) if word else "") or ""


def _gather(file: Path, split: str, columns: _Columns) -> None:
    """Adds the rows of one file."""
    table, classes = _read(file)
    if columns.classes not in (None, classes):
        raise SightlineError("the files do not list the same classes", str(file))
    columns.classes = classes
    width: int = len(table["label"])
    labels = _labels(table["label"], classes, file)
    splits = _splits(table["split"], file) if "split" in table else [split] * width
    groups = label_texts(_objects(table["group"]), f"{file}: group").tolist() if "group" in table else [""] * width
    for row, (image, label) in enumerate(zip(table["image"], labels, strict=True)):
        name = f"{file.name}[{row}]"
        if not label:
            columns.unlabelled.append(name)
            continue
        columns.images.append(image)
        columns.names.append(name)
        columns.labels.append(label)
        columns.splits.append(splits[row])
        columns.groups.append(groups[row])


def _read(file: Path) -> tuple[dict[str, list[Any]], tuple[str, ...]]:
    """The wanted columns as Python values, by our names, and the names of the classes."""
    try:
        import pyarrow.parquet  # pyright: ignore[reportMissingTypeStubs, reportMissingImports]
    except ImportError:
        raise MissingExtra("pyarrow", "parquet", "reading Parquet") from None
    reader = cast("Callable[[Path], Any]", pyarrow.parquet.ParquetFile)  # pyright: ignore[reportUnknownMemberType]
    try:
        with reader(file) as opened:
            schema = opened.schema_arrow
            _guard(opened.metadata, file)
            names: list[str] = list(schema.names)
            places = find_columns(names, str(file))
            _check_types(schema, {column: names[place] for column, place in places.items()}, file)
            table = opened.read(columns=[names[place] for place in places.values()])
            found = {column: table.column(names[place]).to_pylist() for column, place in places.items()}
            return found, _classes(schema.metadata, names[places["label"]])
    except SightlineError:
        raise
    except FileNotFoundError:
        raise SightlineError("the file does not exist", str(file), "check the path") from None
    except Exception as error:  # pyarrow raises many things on damaged files
        brief = " ".join(str(error).split())[:200]
        raise SightlineError(f"this is no Parquet file, or a damaged one ({brief})", str(file)) from None


def _guard(metadata: Any, file: Path) -> None:
    size = sum(int(metadata.row_group(group).total_byte_size) for group in range(metadata.num_row_groups))
    if size > MOST_BYTES or metadata.num_rows > MOST_ROWS:
        raise SightlineError(
            f"the file announces {metadata.num_rows:,} rows of {size / 2**30:.0f} GiB, more than is read into memory",
            str(file),
            "write the images to files of their own, and their paths into the column",
        )


def _check_types(schema: Any, names: dict[str, str], file: Path) -> None:
    kind = str(schema.field(names["image"]).type)
    if not kind.startswith(
        ("string", "large_string", "binary", "large_binary", "fixed_size_binary", "struct", "dictionary")
    ):
        raise SightlineError(
            f"the column {names['image']!r} holds {kind}, not paths or encoded images",
            str(file),
            "for arrays of pixels, use NPZ",
        )


def _classes(metadata: Any, column: str) -> tuple[str, ...]:
    """The names of Hugging Face's ClassLabel, or none; metadata that is something else is none of our business."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[Any]", names)):
        return ()
    return tuple(unicodedata.normalize("NFC", name) for name in cast("list[str]", names))


def _labels(values: Sequence[Any], classes: tuple[str, ...], file: Path) -> list[str]:
    if not classes or any(isinstance(value, str) for value in values):
        texts = label_texts(_objects(values), f"{file}: label").tolist()
        return [unicodedata.normalize("NFC", text.strip()) for text in texts]
    for row, value in enumerate(values):
        if value is not None and not (isinstance(value, int) and -1 <= value < len(classes)):
            raise SightlineError(
                f"label {value!r} is outside of the {len(classes)} classes listed", f"{file}, row {row}"
            )
    # Hugging Face writes -1 where there is no label.
    return ["" if value is None or value < 0 else classes[value] for value in values]


def _splits(values: Sequence[Any], file: Path) -> list[str]:
    found: list[str] = []
    for row, value in enumerate(values):
        split = split_name("" if value is None else str(value))
        if split is None:
            raise SightlineError(f"unknown split {value!r}", f"{file}, row {row}", "a split is train, val or test")
        found.append(split)
    return found


def _objects(values: Sequence[Any]) -> Any:
    """(n,) objects: numpy would turn a column of numbers and None into something else."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _images(columns: _Columns, folder: Path) -> Images:
    """Rows with bytes (or with nothing at all) in memory, rows with a path in their files; in the table's order."""
    blobs: list[bytes | None] = []
    names: list[str] = []
    paths: list[Path] = []
    in_file: list[bool] = []
    for value, name in zip(columns.images, columns.names, strict=True):
        blob, path = _blob_and_path(value)
        in_file.append(blob is None and path is not None)
        if blob is None and path is not None:
            paths.append(folder / path)
        else:
            blobs.append(blob)
            names.append(path or name)
    if not paths:
        return BlobImages(blobs, names)
    if not blobs:
        return FileImages(paths, folder)
    mask = np.array(in_file)
    order = np.where(mask, len(blobs) + np.cumsum(mask) - 1, np.cumsum(~mask) - 1).astype(np.int64)
    return TakenImages(ChainedImages((BlobImages(blobs, names), FileImages(paths, folder))), order)


def _blob_and_path(value: Any) -> tuple[bytes | None, str | None]:
    if isinstance(value, dict):
        pair = cast("dict[str, Any]", value)
        blob, path = pair.get("bytes"), pair.get("path")
        return blob if isinstance(blob, bytes) else None, path if isinstance(path, str) and path else None
    if isinstance(value, bytes):
        return value, None
    return None, value if isinstance(value, str) and value else None
