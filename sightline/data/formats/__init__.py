"""One file a format. Each has `sniff(path) -> bool` and `load(path) -> Dataset`; here the right one is chosen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from sightline.core.errors import SightlineError, unknown
from sightline.data.dataset import Dataset
from sightline.data.formats._common import is_file, is_folder
from sightline.tables import FORMATS


def open_data(data: Any, format: str | None = None) -> Dataset:
    """The Dataset in `data`: a path, the word `digits`, a Dataset, or (images, labels) arrays.

    format: a name in `tables.FORMATS`; sniffed if None. Raises SightlineError for what no format recognises.
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple):
        return FORMATS["arrays"].load().from_arrays(*data)
    if format is not None and format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if not isinstance(data, str | os.PathLike):
        raise SightlineError(
            f"a {type(data).__name__} is no data", fix="give a path, the word digits, or images and labels: train(x, y)"
        )
    path = Path(cast("os.PathLike[str]", data))
    if format:
        return FORMATS[format].load().load(path)
    for entry in FORMATS.values():
        reader = entry.load()
        if reader.sniff(path):
            return reader.load(path)
    if not is_file(path) and not is_folder(path):
        raise SightlineError("the data does not exist", str(path), "check the path; `digits` is the embedded data set")
    raise SightlineError(
        "no format recognises this data",
        str(path),
        "see what is understood: sightline formats; or name it: --format NAME",
    )
