"""Parquet: columns image and label, optional split and group; a file, or a folder of `*.parquet` files.

image: text (a path relative to the folder, or absolute), bytes (an encoded image), or a struct of both, {bytes, path},
as Hugging Face writes it. label: text or numbers; with Hugging Face's ClassLabel in the schema, its names; several as
`a;b` or in lists. Instead of label, a column a class with 0 and 1, a column value with numbers, or one text. In a
folder (or its subfolder `data`) the names train-*.parquet, validation-*.parquet and test-*.parquet give the splits,
unless there is a column for them. COLUMNS and SPLIT_NAMES list what else columns and splits may be called. Rows without
a label or value are left out and noted. Needs pyarrow (the extra `parquet`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import MissingExtra, SightlineError
from sightline.data.dataset import BlobImages, ChainedImages, Dataset, FileImages, Images, TakenImages
from sightline.data.formats._common import (
    dropped,
    find_columns,
    is_file,
    is_folder,
    missing_column,
    natural_key,
    plural,
    split_name,
)
from sightline.data.formats._parquet_columns import class_names, labels_of, number_of, objects, splits_of
from sightline.data.formats._targets import LEAST_CLASSES, indicators, joined_rows, kind_of_columns
from sightline.data.formats._values import label_texts
from sightline.data.labels import joined, names_in

_NUMBERS = ("bool", "int", "uint", "float", "double")
MOST_BYTES = 64 * 2**30
MOST_ROWS = 100_000_000


KINDS = ("label", "labels", "value", "text")


@dataclass
class _Columns:
    """What is gathered from all files, row by row; `labels`, `values` and `held` as far as the files have them.

    held: a column a class, as texts. several: whether a label column holds lists.
    """

    images: list[Any] = field(default_factory=list[Any])
    names: list[str] = field(default_factory=list[str])
    labels: list[str] = field(default_factory=list[str])
    values: list[float | None] = field(default_factory=list[float | None])
    texts: list[str] = field(default_factory=list[str])
    held: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    several: bool = False
    splits: list[str] = field(default_factory=list[str])
    groups: list[str] = field(default_factory=list[str])
    classes: tuple[str, ...] | None = None
    header: list[str] = field(default_factory=list[str])


def sniff(path: Path) -> bool:
    """Whether this is a .parquet file, or a folder that holds some."""
    if is_file(path):
        return path.suffix.lower() in (".parquet", ".pq")
    return is_folder(path) and bool(_files(path))


def load(path: Path, kind: str | None = None) -> Dataset:
    """The images and targets in Parquet files. Raises MissingExtra without pyarrow, SightlineError for bad data.

    kind: the wanted kind of target, where the columns allow for several.
    """
    files = _files(path) if is_folder(path) else [path]
    if not files:
        raise SightlineError("there are no .parquet files here", str(path))
    columns = _Columns()
    for file in files:
        _gather(file, _split_of(file) if is_folder(path) else "", columns)
    target, targets, classes, kept = _targets(columns, kind, path)
    missing = sorted({*range(len(columns.names))} - {*kept.tolist()})
    what = "value" if target == "value" else "label"
    if not len(kept):
        why = f", {plural(len(missing), 'row')} without" if missing else ""
        raise SightlineError(f"there are no rows with a {what}{why}", str(path))
    dataset = Dataset(
        images=_images(columns, files[0].parent),
        target=target,
        targets=targets,
        splits=np.array(columns.splits, dtype="<U5"),
        groups=np.array(columns.groups) if any(columns.groups) else None,
        name=str(path),
        format="parquet",
        classes=classes,
        notes=tuple(dropped(f"empty_{what}", f"without a {what}", [columns.names[row] for row in missing])),
    )
    return dataset.take(kept) if missing else dataset


def _targets(
    columns: _Columns, wanted: str | None, path: Path
) -> tuple[str, NDArray[Any], tuple[str, ...], NDArray[np.int64]]:
    """The kind of target, the targets of all rows, the classes that the data lists, and the rows that have a target."""
    there = {"label": 0} if columns.labels else {}
    there |= {"value": 1} if columns.values else {}
    there |= {"text": 2} if columns.texts else {}
    everything = np.arange(len(columns.names))
    kind = kind_of_columns(there, columns.labels, wanted)
    if kind is None and columns.names:
        held = indicators(columns.held, str(path))
        if len(held) < LEAST_CLASSES or wanted not in (None, "labels"):
            raise missing_column("value" if wanted == "value" else "label", columns.header, str(path))
        return "labels", joined_rows(held), tuple(held), everything
    if kind == "text":
        return "text", np.array(columns.texts, np.str_), (), everything
    if kind == "value":
        values = np.array([np.nan if value is None else value for value in columns.values], np.float64)
        return "value", values, (), everything[[value is not None for value in columns.values]]
    classes, targets = columns.classes or (), np.array(columns.labels, np.str_)
    if kind == "labels" or (columns.several and wanted != "label"):
        texts = np.array([joined(names_in(text)) for text in columns.labels], np.str_)
        return "labels", texts, classes, everything
    return "label", targets, classes, np.flatnonzero(targets != "")


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
    """Adds the rows of one file. Raises SightlineError where its columns are not those of the files before it."""
    table, others, classes = _read(file, columns)
    if columns.classes not in (None, classes):
        raise SightlineError("the files do not list the same classes", str(file))
    columns.classes = classes
    width, before = len(table["image"]), len(columns.images)
    if "label" in table:
        columns.several = columns.several or any(isinstance(value, list) for value in table["label"])
        columns.labels += labels_of(table["label"], classes, file)
    if "text" in table:
        columns.texts += ["" if value is None else str(value) for value in table["text"]]
    if "value" in table:
        columns.values += [number_of(value, file, row) for row, value in enumerate(table["value"])]
    for name, values in others.items():
        columns.held.setdefault(name, []).extend("" if value is None else str(value) for value in values)
    columns.images += table["image"]
    columns.names += [f"{file.name}[{row}]" for row in range(width)]
    columns.splits += splits_of(table["split"], file) if "split" in table else [split] * width
    texts = label_texts(objects(table["group"]), f"{file}: group").tolist() if "group" in table else [""] * width
    columns.groups += texts
    gathered = [("label", columns.labels), ("value", columns.values), ("text", columns.texts), *columns.held.items()]
    if any(values and len(values) != before + width for _, values in gathered):
        raise SightlineError("the files do not have the same columns", str(file))


def _read(file: Path, columns: _Columns) -> tuple[dict[str, list[Any]], dict[str, list[Any]], tuple[str, ...]]:
    """The wanted columns as Python values, by our names; where none is a target, the others; the names of classes."""
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
            columns.header = names
            places = find_columns(names, str(file))
            _check_types(schema, {column: names[place] for column, place in places.items()}, file)
            free = (
                []
                if {"label", "value", "text"} & {*places}
                else [n for i, n in enumerate(names) if i not in places.values()]
            )
            free = [name for name in free if str(schema.field(name).type).startswith(_NUMBERS)]
            table = opened.read(columns=[*(names[place] for place in places.values()), *free])
            found = {column: table.column(names[place]).to_pylist() for column, place in places.items()}
            classes = class_names(schema.metadata, names[places["label"]]) if "label" in places else ()
            return found, {name: table.column(name).to_pylist() for name in free}, classes
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
