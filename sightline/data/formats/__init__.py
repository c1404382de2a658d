"""One file a format. Each has `sniff(path) -> bool` and `load(path) -> Dataset`; here the right one is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightline.core.errors import SightlineError, unknown
from sightline.data.dataset import Dataset
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
    path = Path(data)
    if format:
        return FORMATS[format].load().load(path)
    for entry in FORMATS.values():
        reader = entry.load()
        if reader.sniff(path):
            return reader.load(path)
    if not path.exists():
        raise SightlineError("the data does not exist", str(path), "check the path; `digits` is the embedded data set")
    raise SightlineError(
        "no format recognises this data",
        str(path),
        "see what is understood: sightline formats; or name it: --format NAME",
    )
