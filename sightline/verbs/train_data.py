"""What a training learns from: data and val as they are given, or as a run that goes on remembers them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sightline.core.errors import SightlineError
from sightline.core.task import Task
from sightline.data.dataset import Dataset, with_val
from sightline.data.formats import open_data
from sightline.verbs.common import open_for

ARRAYS = "arrays"
"""Stands in `options.toml` for what lay in memory."""


def opened(data: Any, val: Any, given: Mapping[str, Any]) -> tuple[Dataset, Task]:
    """The data with the examples of val, where there are some, as its val part; and the task that learns it."""
    dataset, task = open_for(given.get("task"), data, format=given.get("format"))
    if val is None:
        return dataset, task
    return with_val(dataset, open_data(val, kind=dataset.target, spans=dataset.spans)), task


def named(given: Any) -> str | None:
    """Data or val as `options.toml` names it: by its absolute path, as a run may be resumed from any folder."""
    if isinstance(given, Dataset) and given.format != ARRAYS:
        given = given.name
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike):
        return ARRAYS
    path = Path(cast("os.PathLike[str]", given))
    return str(path.absolute()) if path.exists() else str(path)


def remembered(run: Path, stored: dict[str, Any], data: Any, val: Any) -> tuple[Any, Any]:
    """Data and val for a run that goes on: those given anew, else those in its options.

    stored: the options, out of which they are taken. Raises SightlineError for arrays that are not given again.
    """
    data_then, val_then = stored.pop("data", None), stored.pop("val", None)
    if (data is None and data_then == ARRAYS) or (val is None and val_then == ARRAYS):
        again = ["x, y"] if data_then == ARRAYS else []
        again += ["val=(x_val, y_val)"] if val_then == ARRAYS else []
        raise SightlineError(
            "this run learns from arrays, which no run keeps", str(run),
            f"give them again, in Python: sl.train({', '.join([*again, f'resume={str(run)!r}'])})",
        )  # fmt: skip
    return data_then if data is None else data, val_then if val is None else val
