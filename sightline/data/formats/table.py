"""CSV or TSV: image,label[,split][,group], with a header; paths are relative to the file's folder, or absolute.

A `;` among the labels makes them sets of labels, an empty one the empty set. Instead of `label` there may be a column
a class that holds 0 and 1, at least two of them, a column `value` with numbers, or a column `text` with what stands in
the image (where it may be empty: there is nothing in it); or a column `mask` with a PNG for each image.

Columns in any order and case, others are ignored; COLUMNS lists what else they may be called. The delimiter is a
comma, semicolon or tab; the text UTF-8, UTF-16 or UTF-32 with a byte-order mark, or else Windows-1252. Splits are
train, val and test, or what SPLIT_NAMES lists. A row without image, label or value, or with
more or fewer fields than the header, is left out and noted. An image that does not exist stays: reading it fails, is
counted and listed.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, FileImages
from sightline.data.formats._common import Note, dropped, find_columns, is_file, missing_column, split_name
from sightline.data.formats._mask_classes import references
from sightline.data.formats._targets import LEAST_CLASSES, NO, YES, indicators, joined_rows, kind_of_columns, number
from sightline.data.labels import joined, names_in

KINDS = ("label", "labels", "value", "text", "mask")
DELIMITERS = {".csv": ",;\t", ".tsv": "\t,;"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FEW_ODD = 0.1
"""A column with at most this share of other cells was meant to hold 0 and 1."""
Row = tuple[int, list[str]]
"""The line on which a row begins, and its fields."""


def sniff(path: Path) -> bool:
    """Whether this is a file with the suffix .csv or .tsv."""
    return path.suffix.lower() in DELIMITERS and is_file(path)


def load(path: Path, kind: str | None = None) -> Dataset:
    """The images and targets that a CSV or TSV file lists. Raises SightlineError for what breaks the format.

    kind: the wanted kind of target, where the columns allow for several.
    """
    text, notes = text_of(path)
    delimiter, places = _header(text, path)
    rows = rows_of(text, delimiter, path)
    _, names = next(rows)
    kept, found = sound_rows(rows, len(names), places)
    notes += found
    target, targets, classes, kept, found = _targets(kept, names, places, kind, path)
    notes += found
    if not kept:
        why = "; ".join(message for _, message, _ in notes)
        raise SightlineError(f"no row can be used{f' ({why})' if why else ''}", str(path), "a row reads: photo.jpg,cat")
    folder = path.parent
    return Dataset(
        images=FileImages([image_path(folder, fields[places["image"]]) for _, fields in kept], folder),
        target=target,
        targets=targets,
        splits=np.array(
            [split_of(fields[places["split"]], line, path) if "split" in places else "" for line, fields in kept], "<U5"
        ),
        groups=np.array([fields[places["group"]] for _, fields in kept]) if "group" in places else None,
        name=str(path),
        format="table",
        classes=classes,
        notes=tuple(notes),
    )


def text_of(path: Path, most: int = -1) -> tuple[str, list[Note]]:
    """The text of a table, or of its first `most` bytes, and a note where its encoding is a guess.

    Raises SightlineError for what is no text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most)
    except (OSError, ValueError) as error:
        raise SightlineError(f"the table cannot be read ({error})", str(path), "check the path") from None
    try:
        for mark, encoding in _MARKS:
            if data.startswith(mark):
                return data.decode(encoding), []
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise SightlineError(f"the text is damaged ({error})", str(path), "save it as UTF-8") from None
    note: Note = ("encoding", "the table is not UTF-8 and was read as Windows-1252: check the names", ())
    return data.decode("cp1252", "replace"), [note]


def _header(text: str, path: Path) -> tuple[str, dict[str, int]]:
    """The delimiter by which the header makes sense, and the places of the columns."""
    first: SightlineError | None = None
    best = 0
    for delimiter in DELIMITERS.get(path.suffix.lower(), ",;\t"):
        try:
            _, names = next(rows_of(text, delimiter, path))
            try:
                return delimiter, find_columns(names, str(path))
            except SightlineError as error:
                if len(names) > best:  # the delimiter that finds most columns has the most to say
                    first, best = error, len(names)
        except SightlineError as error:
            first = first or error
        except StopIteration:
            break
    raise first or SightlineError("the table is empty", str(path), "its header reads: image,label[,split][,group]")


def rows_of(text: str, delimiter: str, path: Path) -> Iterator[Row]:
    """The rows that are not blank, the header first. A quote that is never closed is an error, not a long field."""
    quoting = csv.QUOTE_NONE if delimiter == "\t" and not _is_quoted(text) else csv.QUOTE_MINIMAL
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, quoting=quoting)
    line = 1
    try:
        for fields in reader:
            stripped = [field.strip(" \t\r\n\0") for field in fields]
            if any(stripped):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        rule = "a field that begins with a quote ends with one, and quotes within it are doubled"
        fix = "" if "limit" in str(error) else rule
        raise SightlineError(f"the row is damaged ({error})", f"{path}, line {line}", fix) from None


def _is_quoted(text: str) -> bool:
    """Whether the quotes between tabs are those of a spreadsheet, and not of what people say: transcripts are written
    without any, and a cell that begins with one would swallow the rows down to the next."""
    if '"' not in text:
        return True
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
        return not any("\t" in field and "\n" in field for fields in rows for field in fields)
    except csv.Error:
        return False


def sound_rows(rows: Iterator[Row], width: int, places: dict[str, int]) -> tuple[list[Row], list[Note]]:
    """The rows that have an image and as many fields as the header, and notes on the others."""
    kept: list[Row] = []
    crooked: list[str] = []
    no_image: list[str] = []
    for line, fields in rows:
        if len(fields) != width:
            crooked.append(f"line {line}")
        elif not fields[places["image"]]:
            no_image.append(f"line {line}")
        else:
            kept.append((line, fields))
    return kept, [
        *dropped("field_count", f"with more or fewer fields than the header's {width}", crooked),
        *dropped("empty_image", "without an image", no_image),
    ]


def _targets(
    rows: list[Row], names: list[str], places: dict[str, int], wanted: str | None, path: Path
) -> tuple[str, NDArray[Any], tuple[str, ...], list[Row], list[Note]]:
    """The kind of target, the targets, the classes that the header lists, the rows that have one, and notes."""
    texts = [unicodedata.normalize("NFC", fields[places["label"]]) for _, fields in rows] if "label" in places else []
    kind = kind_of_columns(places, texts, wanted)
    if kind is None:
        held = _indicators(rows, names, places, wanted, path)
        return "labels", joined_rows(held), tuple(held), rows, []
    if kind == "text":
        return kind, np.array([fields[places["text"]] for _, fields in rows], np.str_), (), rows, []
    if kind == "mask":
        held = [(row, row[1][places["mask"]]) for row in rows]
        bare = [f"line {line}" for (line, _), name in held if not name]
        rows = [row for row, name in held if name]
        masks, classes = references(path.parent, [name for _, name in held if name])
        return kind, masks, classes, rows, dropped("empty_mask_name", "without a mask", bare)
    if kind == "labels":
        return kind, np.array([joined(names_in(text)) for text in texts], np.str_), (), rows, []
    texts = [fields[places["value"]] for _, fields in rows] if kind == "value" else texts
    found = [(row, text) for row, text in zip(rows, texts, strict=True) if text]
    empty = [f"line {line}" for (line, _), text in zip(rows, texts, strict=True) if not text]
    kept = [row for row, _ in found]
    if kind == "value":
        values = np.array([number(text) for _, text in found])
        return kind, values, (), kept, dropped("empty_value", "without a value", empty)
    targets = np.array([text for _, text in found], np.str_)
    return kind, targets, (), kept, dropped("empty_label", "without a label", empty)


def _indicators(
    rows: list[Row], names: list[str], places: dict[str, int], wanted: str | None, path: Path
) -> dict[str, NDArray[np.bool_]]:
    """A column a class; raises SightlineError where there are none, as then the column `label` is what is missing."""
    others = [place for place in range(len(names)) if place not in places.values() and names[place]]
    for place in others:
        if names.count(names[place]) > 1:
            raise SightlineError(f"the column {names[place]!r} occurs more than once", str(path))
    held = indicators({names[place]: [fields[place] for _, fields in rows] for place in others}, str(path))
    if len(held) < LEAST_CLASSES and wanted in (None, "labels") and rows:
        _say_what_is_no_indicator(rows, names, others, len(held), path)
    if len(held) < LEAST_CLASSES or wanted not in (None, "labels"):
        raise missing_column("value" if wanted == "value" else "label", names, str(path))
    return held


def _say_what_is_no_indicator(rows: list[Row], names: list[str], places: list[int], held: int, path: Path) -> None:
    """Raises SightlineError for the first odd cell where all but a few cells of the columns are 0 and 1."""
    odd: list[tuple[int, int, str]] = []
    nearly = 0
    for place in places:
        wrong = [(line, place, fields[place]) for line, fields in rows if fields[place].casefold() not in (*YES, *NO)]
        if 0 < len(wrong) <= FEW_ODD * len(rows):
            nearly, odd = nearly + 1, [*odd, *wrong]
    if odd and nearly + held >= LEAST_CLASSES:
        line, place, text = min(odd)
        where = f"{path}, line {line}, column {names[place]!r}"
        raise SightlineError(f"{text!r} is neither 0 nor 1", where, "write 1 where the image holds the class, else 0")


def split_of(text: str, line: int, path: Path) -> str:
    """The split of a row. Raises SightlineError for what is none."""
    split = split_name(text)
    if split is None:
        raise SightlineError(f"unknown split {text!r}", f"{path}, line {line}", "a split is train, val or test")
    return split


def image_path(folder: Path, text: str) -> Path:
    """The image that a row names, relative to the folder or absolute."""
    # Written on Windows: there a backslash is no part of a name.
    if "\\" in text and not is_file(folder / text):
        text = text.replace("\\", "/")
    return folder / text
