"""CSV or TSV with boxes: image,x,y,width,height,label[,split][,group], a row an object.

Instead of x, y, width and height there may be xmin, ymin, xmax and ymax (then width and height are those of the image,
and pass for nothing); COLUMNS lists what else they may be called. Without a column `label` all objects are called
`object`. A row with nothing but an image says that nothing is in there. A column `hard` with 0 and 1 marks objects that
count neither as found nor as missed. Images lie relative to the file, in `images/` beside it, or where the path says.
Delimiters and encodings are those of `table`. With a column `text`, a reader finds its lines here: they are cut out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset
from sightline.data.formats import table
from sightline.data.formats._boxes import Example, Row, Troubles, add_row, as_dataset, clean
from sightline.data.formats._common import find_columns, is_file
from sightline.data.formats._targets import YES, number
from sightline.data.lines import CutImages, Line

KINDS = ("boxes", "text")
OBJECT = "object"
"""The class of boxes that have no label."""
COLUMNS = {
    "xmin": ("xmin", "x_min", "x1", "left"),
    "ymin": ("ymin", "y_min", "y1", "top"),
    "xmax": ("xmax", "x_max", "x2", "right"),
    "ymax": ("ymax", "y_max", "y2", "bottom"),
    "x": ("x", "left"),
    "y": ("y", "top"),
    "width": ("width", "w"),
    "height": ("height", "h"),
    "hard": ("hard", "difficult", "iscrowd"),
}
CORNERS, SIZES = ("xmin", "ymin", "xmax", "ymax"), ("x", "y", "width", "height")
_HEADER = 1 << 16
"""Bytes that are looked at to find the header."""
_ROW = "a row reads: photo.jpg,10,20,30,40,cat under the header image,x,y,width,height,label"


def sniff(path: Path) -> bool:
    """Whether this is a CSV or TSV file whose header has an image and the four columns of a box."""
    if path.suffix.lower() not in table.DELIMITERS or not is_file(path):
        return False
    try:
        return _header(table.text_of(path, _HEADER)[0], path) is not None
    except SightlineError:
        return False


def load(path: Path, kind: str | None = None) -> Dataset:
    """The boxes of each image, or (kind `text`) the text in each box, cut out.

    Raises SightlineError for a header without boxes, and where no image is there.
    """
    text, notes = table.text_of(path)
    header = _header(text, path)
    if header is None:
        raise SightlineError("the header has no columns for an image and a box", str(path), _ROW)
    delimiter, places = header
    rows = table.rows_of(text, delimiter, path)
    _, names = next(rows)
    kept, found = table.sound_rows(rows, len(names), places)
    troubles = Troubles()
    examples, texts = _gathered(kept, places, path, troubles)
    dataset = as_dataset(examples, troubles, path, path.parent, "boxes_table")
    dataset = _cut(dataset, examples, texts, path) if kind == "text" else dataset
    return dataclasses.replace(dataset, notes=(*notes, *found, *dataset.notes))


def _header(text: str, path: Path) -> tuple[str, dict[str, int]] | None:
    """The delimiter by which the header has an image and a box, and the places of the columns; None without them."""
    for delimiter in table.DELIMITERS.get(path.suffix.lower(), ",;\t"):
        _, names = next(table.rows_of(text, delimiter, path), (0, list[str]()))
        known = [name.casefold() for name in names]
        places = {
            column: known.index(found)
            for column, synonyms in COLUMNS.items()
            if (found := next((name for name in synonyms if name in known), None))
        }
        box = next((sides for sides in (CORNERS, SIZES) if places.keys() >= {*sides}), None)
        if box:
            try:
                others = find_columns(names, str(path))
            except SightlineError:
                continue
            return delimiter, {**others, **{column: places[column] for column in (*box, "hard") if column in places}}
    return None


def _gathered(
    rows: Sequence[table.Row], places: Mapping[str, int], path: Path, troubles: Troubles
) -> tuple[list[Example], list[list[str]]]:
    """An example an image, in the order in which they come, and the texts of its boxes."""
    examples: dict[str, Example] = {}
    texts: dict[str, list[str]] = {}
    absent: dict[str, None] = {}
    sides = CORNERS if "xmin" in places else SIZES
    for line, fields in rows:
        name = fields[places["image"]]
        split = table.split_of(fields[places["split"]], line, path) if "split" in places else ""
        if name not in examples and name not in absent:
            image = _image(path.parent, name)
            if image is None:
                absent[name] = None
                troubles.add("absent_image", name)
            else:
                examples[name] = Example(image, split, group=fields[places["group"]] if "group" in places else "")
                texts[name] = []
        if name in absent:
            continue
        if examples[name].split != split:
            raise SightlineError(f"the image {name!r} stands in two splits", f"{path}, line {line}", "keep it in one")
        written = [fields[places[side]] for side in sides]
        if any(written):  # else: nothing is in there
            found = examples[name].rows
            before = len(found)
            label = clean(fields[places["label"]]) if "label" in places else OBJECT
            hard = "hard" in places and fields[places["hard"]].casefold() in YES
            add_row(found, Row(label, _corners(written, sides), hard), f"line {line}", troubles)
            if len(found) > before:
                texts[name].append(fields[places["text"]] if "text" in places else "")
    return [*examples.values()], [*texts.values()]


def _corners(written: Sequence[str], sides: Sequence[str]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom; NaN for what is no number."""
    one, two, three, four = map(number, written)
    return (one, two, three, four) if sides == CORNERS else (one, two, one + three, two + four)


def _image(folder: Path, name: str) -> Path | None:
    candidates = (table.image_path(place, name) for place in (folder, folder / "images"))
    return next((path for path in candidates if is_file(path)), None)


def _cut(dataset: Dataset, examples: Sequence[Example], texts: Sequence[Sequence[str]], path: Path) -> Dataset:
    """An example a box: what stands in it, read from the cut-out. Raises SightlineError where there is no text."""
    lines: list[Line] = []
    held: list[str] = []
    places: list[int] = []
    for place, (example, own) in enumerate(zip(examples, texts, strict=True)):
        for count, (row, text) in enumerate(zip(example.rows, own, strict=True), 1):
            if text:
                left, top, right, bottom = row.corners
                polygon = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
                lines.append(Line(example.path, polygon, None, f"box {count}"))
                held.append(text)
                places.append(place)
    if not lines:
        raise SightlineError("no box has a text", str(path), "a reader learns from a column `text`")
    groups = np.array([str(examples[place].path) for place in places], np.str_)  # one image never straddles splits
    return dataclasses.replace(
        dataset,
        images=CutImages(tuple(lines)),
        target="text",
        targets=np.array(held, np.str_),
        splits=dataset.splits[places],
        groups=groups if dataset.groups is None else dataset.groups[places],
    )
