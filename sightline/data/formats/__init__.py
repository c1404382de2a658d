"""One file a format. Each has `sniff(path) -> bool` and `load(path) -> Dataset`; here the right one is chosen.

A format that can hold several kinds of targets says so: its `KINDS` lists them, and its `load(path, kind)` takes the
wanted one, or None to infer it. One whose arrays may need the scale of other arrays has `SPANS = True`, and its `load`
takes `spans`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from sightline.core.errors import SightlineError, unknown
from sightline.core.spec import Spans
from sightline.data.dataset import Dataset
from sightline.data.formats._common import is_file, is_folder
from sightline.data.formats._table_within import table_within
from sightline.data.formats._targets import as_kind
from sightline.tables import FORMATS


def open_data(data: Any, format: str | None = None, kind: str | None = None, spans: Spans | None = None) -> Dataset:
    """The Dataset in `data`: a path, the word `digits`, a Dataset, or (images, labels) arrays.

    format: a name in `tables.FORMATS`; sniffed if None. kind: the wanted kind of target (label, labels, value);
    inferred if None. spans: those of the data that a model learned from, where this is to be seen by it. Raises
    SightlineError for what no format recognises, and for data that hold other targets.
    """
    dataset = _open(data, format, kind, spans or {})
    return dataset if kind is None else as_kind(dataset, kind)


def _open(data: Any, format: str | None, kind: str | None, spans: Spans) -> Dataset:
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple):
        items = cast("tuple[Any, ...]", data)
        return FORMATS["arrays"].load().from_arrays(*items, kind=kind, spans=spans)
    if format is not None and format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if not isinstance(data, str | os.PathLike):
        raise SightlineError(
            f"a {type(data).__name__} is no data", fix="give a path, the word digits, or images and labels: train(x, y)"
        )
    path = Path(cast("os.PathLike[str]", data))
    if format:
        return _load(FORMATS[format].load(), path, kind, spans)
    names = list(FORMATS)
    if kind is not None:  # where boxes and masks lie in the same folder, what is wanted decides
        names.sort(key=lambda name: kind not in getattr(FORMATS[name].load(), "KINDS", ()))
    for name in names:  # one at a time: most are never loaded
        reader = FORMATS[name].load()
        if reader.sniff(path):
            inside = table_within(path) if name == "folder" else None
            return _open(inside, None, kind, spans) if inside else _load(reader, path, kind, spans)
    if not is_file(path) and not is_folder(path):
        raise SightlineError("the data does not exist", str(path), "check the path; `digits` is the embedded data set")
    raise SightlineError(
        "no format recognises this data",
        str(path),
        "see what is understood: sightline formats; or name it: --format NAME",
    )


def _load(reader: Any, path: Path, kind: str | None, spans: Spans) -> Dataset:
    more: dict[str, Any] = {"kind": kind} if kind in getattr(reader, "KINDS", ()) else {}
    return reader.load(path, **more, **({"spans": spans} if getattr(reader, "SPANS", False) else {}))
