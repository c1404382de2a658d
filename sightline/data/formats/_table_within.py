"""The table of a folder: `boxes.csv` beside `images/`, where a user names the folder that holds both."""

from __future__ import annotations

from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.data.formats import table
from sightline.data.formats._common import find_columns
from sightline.data.formats.folder import ignored


def table_within(folder: Path) -> Path | None:
    """The one CSV or TSV file in this folder whose header names images, if the folder is not one of class folders.

    Class folders are two or more folders side by side, or folders in the only one.
    """
    try:
        found = [place for place in folder.iterdir() if not ignored(place.name)]
        folders = [place for place in found if place.is_dir()]
        deeper = [place for one in folders for place in one.iterdir() if place.is_dir() and not ignored(place.name)]
    except OSError:
        return None
    tables = [place for place in found if place.suffix.lower() in table.DELIMITERS and place.is_file()]
    if len(folders) > 1 or deeper or len(tables) != 1:
        return None
    return tables[0] if _names_images(tables[0]) else None


def _names_images(path: Path) -> bool:
    try:
        text, _ = table.text_of(path, 1 << 16)
        for delimiter in table.DELIMITERS[path.suffix.lower()]:
            _, names = next(table.rows_of(text, delimiter, path), (0, list[str]()))
            if len(names) > 1 and "image" in find_columns(names, str(path), ()):
                return True
    except SightlineError:  # no text, or a column twice: what the folder holds is said of the folder
        pass
    return False
