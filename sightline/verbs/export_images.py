"""The images on which an export is compared: the user's own, or made ones where there are none."""

from __future__ import annotations

from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.core.task import Task
from sightline.export.images import files_of, made_files
from sightline.run.bundle import Bundle
from sightline.verbs.common import open_for
from sightline.verbs.sources import gather

EMBEDDED = "digits"
"""The one data set that is always there."""


def real_or_made(bundle: Bundle, task: Task, data: str | None, most: int, folder: Path) -> tuple[list[Path], str]:
    """At most `most` image files, and what they are in words.

    Without data: the embedded digits, where the bundle was trained on them, else made images. What is not in files of
    its own is written into `folder`. Raises SightlineError where `data` is neither data nor images.
    """
    if data is None and bundle.card.get("data", {}).get("format") != EMBEDDED:
        return made_files(folder)[:most], "made images, as no --data was named"
    name = data or EMBEDDED
    try:
        found = files_of(open_for(task.name, name)[0], most, folder)
    except SightlineError as error:
        try:
            found = gather([name])[:most]  # images alone serve as well: no truth is asked for
        except SightlineError:
            raise error from None
    return found, f"images of {name}"
