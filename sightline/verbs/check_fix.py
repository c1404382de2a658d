"""`check --fix OUT.csv`: a list of the images that are worth training on. The images themselves are never touched.

Left out are: what cannot be read; blank images, unless their target says that they hold nothing; of equal and nearly
equal images all but one, where the one in test stays before one in val, and that before one in train; and equal or
nearly equal images with different labels, all of them, as nobody knows which label is right. Probable label errors
stay, with what they may be in a column of its own.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.task import Task
from sightline.data import split
from sightline.data.dataset import SPLITS, Dataset, Indices
from sightline.data.formats.write_boxes import Page, table_text
from sightline.data.scan import Scan
from sightline.run.files import write_text
from sightline.verbs.check_copies import Copies, of_places

DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Fix:
    """What was written: the path, how many images it lists, and why how many others are not in it.

    errors: what training would still refuse about those that are.
    """

    path: str
    kept: int
    dropped: dict[str, int]
    errors: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**vars(self), "errors": list(self.errors)}


def may_fix(dataset: Dataset, path: Path) -> None:
    """Raises SightlineError, before any work, where no list can be written: no files to list, or something is there."""
    if path.suffix.lower() not in DELIMITERS:
        raise SightlineError(
            "--fix writes a table, whose name ends in .csv or .tsv", str(path), "type: --fix clean.csv"
        )
    if path.exists():
        raise SightlineError("there is a file of this name already, and it stays", str(path), "choose another name")
    if dataset.target == "mask" and not all(getattr(target, "path", None) for target in dataset.targets):
        raise SightlineError(
            f"--fix writes a line an image, and the targets here ({dataset.target}) take more", dataset.name,
            "leave --fix out, and mend what the check lists",
        )  # fmt: skip
    if not isinstance(_source(dataset, 0), Path):
        ways = {
            "archive": "unpack it into a folder, then type: sightline check FOLDER --fix OUT.csv",
            "digits": "they are clean; for your own images type: sightline check FOLDER --fix OUT.csv",
        }
        way = "leave them out of the arrays: sightline check DATA --json says which, under findings, rows, images"
        raise SightlineError(
            f"--fix lists image files, and this data ({dataset.format}) has none", dataset.name,
            ways.get(dataset.format, way),
        )  # fmt: skip


def _source(dataset: Dataset, index: int) -> Any:
    try:
        return dataset.images.load(index)
    except (SightlineError, IndexError):
        return None


def reasons(
    dataset: Dataset, splits: NDArray[np.str_], copies: Copies, blank: NDArray[np.bool_] | None
) -> NDArray[np.str_]:
    """(n,) why each readable example is left out; "" where it stays."""
    why = np.zeros(len(dataset), "<U17")
    if blank is not None:
        why[blank] = "blank"
    if dataset.target == "labels":  # of an empty set of labels, a blank image is a true example
        why[dataset.targets == ""] = ""
    whole = {int(group[0]): group for group in copies.equal}
    pairs = [(int(one), int(other)) for one, other in copies.near.places]
    torn = [group for group in copies.equal if len(set(dataset.targets[group].tolist())) > 1]
    torn += [
        np.concatenate([whole.get(place, np.array([place])) for place in pair])
        for pair in pairs
        if not of_places(dataset) and dataset.targets[pair[0]] != dataset.targets[pair[1]]
    ]
    for group in torn:
        why[group] = "conflicting label"
    pairs += [(first, int(other)) for first, group in whole.items() for other in group[1:]]
    beside: dict[int, list[int]] = {}
    for one, other in pairs:
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    # An exact copy is beside the first of its group alone, which answers for it.
    first = {int(other): int(group[0]) for group in copies.equal for other in group}
    kept: set[int] = set()
    for place in sorted(beside, key=lambda place: (-SPLITS.index(str(splits[place])), place)):
        same = first.get(place, place)
        near = {first.get(other, other) for other in beside.get(same, [])} | {same}
        if not why[place] and not near & kept:
            kept.add(same)
        elif not why[place]:
            why[place] = "copy"
    return why


def refusals(task: Task, dataset: Dataset, scanned: Scan, seed: int) -> tuple[str, ...]:
    """Why training would refuse these examples, which are those of a cleaned list; empty where it would not."""
    listed = dataclasses.replace(dataset, classes=())  # a table has no classes but those of its rows
    try:
        splits = split.assign(listed.splits, task.strata(listed), scanned.hashes, listed.groups, seed)
    except SightlineError as error:
        return (error.what,)
    found = task.check_dataset(listed, splits, scanned.sizes)
    return tuple(finding.message for finding in found if finding.level == "error")


def write_fixed(
    path: Path,
    dataset: Dataset,
    readable: Indices,
    why: NDArray[np.str_],
    suspected: Mapping[int, str] | None = None,
) -> Fix:
    """Writes the list. dataset: all examples; readable: the places of those that `why` is about.

    suspected: place (among all) to what its label may be instead. Raises SightlineError where it cannot be written.
    """
    dropped: dict[str, int] = {}
    if len(dataset) > len(readable):
        dropped["unreadable"] = len(dataset) - len(readable)
    for reason in sorted(set(why.tolist()) - {""}):
        dropped[reason] = int((why == reason).sum())
    home = path.parent.resolve()
    named = {
        place: name
        for place in readable[why == ""].tolist()
        if (name := _named(Path(dataset.images.load(place)), home)) is not None  # pyright: ignore[reportArgumentType] (may_fix has looked)
    }
    unnamed = int((why == "").sum()) - len(named)
    if unnamed:
        dropped["name that no table can hold"] = unnamed
    if not named:
        raise SightlineError("nothing is left to list: all images would be dropped", dataset.name)
    listed = _boxes_table if dataset.target == "boxes" else _table
    write_text(path, listed(dataset, named, home, DELIMITERS[path.suffix.lower()], suspected or {}))
    return Fix(str(path), len(named), dropped)


def _table(dataset: Dataset, named: Mapping[int, str], home: Path, delimiter: str, suspected: Mapping[int, str]) -> str:
    """A row an image. named: place to what the table calls the image."""
    given = bool((dataset.splits != "").any())
    label = dataset.target if dataset.target in ("value", "text", "mask") else "label"
    columns = ["image", label, *(["split"] if given else []), *(["group"] if dataset.groups is not None else [])]
    columns += ["suspected"] if suspected else []
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n", delimiter=delimiter)
    writer.writeheader()
    for place, name in named.items():
        writer.writerow(
            {
                "image": name,
                label: _target(dataset.targets[place], home),
                "split": str(dataset.splits[place]),
                "group": "" if dataset.groups is None else str(dataset.groups[place]),
                "suspected": suspected.get(place, ""),
            }
        )
    return text.getvalue()


def _boxes_table(
    dataset: Dataset, named: Mapping[int, str], home: Path, delimiter: str, suspected: Mapping[int, str]
) -> str:
    """A row a box."""
    groups = dataset.groups
    pages = [
        Page(name, (0, 0), dataset.targets[i], str(dataset.splits[i]), "" if groups is None else str(groups[i]))
        for i, name in named.items()
    ]
    return table_text(pages, list(named.values()), delimiter)


def _target(target: Any, home: Path) -> str:
    """The target as a table holds it: a text, or the file that it lies in."""
    file = getattr(target, "path", None)
    return str(target) if file is None else _named(file, home) or str(file)


def _named(path: Path, home: Path) -> str | None:
    """The path as the table holds it: relative where the image lies below it; None where it is not text."""
    whole = path.absolute() if path.is_symlink() else path.resolve()
    name = str(whole.relative_to(home)) if whole.is_relative_to(home) else str(whole)
    try:
        name.encode()
    except UnicodeEncodeError:
        return None
    return name if name == name.strip(" \t\r\n\0") else None
