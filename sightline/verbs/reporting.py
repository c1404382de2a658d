"""Facts for the report: what the verbs have found, with the pictures that belong to it, and the file it goes to."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.errors import SightlineError
from sightline.core.task import Finding, Task
from sightline.data.dataset import Dataset
from sightline.data.image import MAX_PIXELS, read
from sightline.report.facts import Facts, Found, Shown
from sightline.report.page import GENERATOR
from sightline.report.pictures import LARGEST_SIDE, Picture, picture
from sightline.run.files import can_write, write_text

if TYPE_CHECKING:
    from sightline.verbs.check import Report
    from sightline.verbs.part import Part

NAME = "report.html"
MOST_GROUPS, MOST_IN_GROUP, MOST_PICTURES = 6, 4, 60
"""Of the pictures of findings: groups a finding, images a group, and images in all."""
UNSAID = {"report", "lang", "progress", "workers", "out", "overwrite"}
"""Options that change nothing about the result."""


def writable(path: Path | None) -> Path | None:
    """Where the report goes. Raises SightlineError before any work is done, not after it, where it cannot."""
    if path is None:
        return None
    path = path / NAME if path.is_dir() else path
    if path.suffix.lower() not in (".html", ".htm"):
        raise SightlineError(
            "the report is an HTML page", str(path), f"name it so (--report {NAME}), or put --report behind the data"
        )
    if path.exists() and GENERATOR.encode() not in path.read_bytes()[:2000]:
        raise SightlineError(
            "there is another file in the place of the report", str(path), "name another: --report FILE"
        )
    if not can_write(path):
        raise SightlineError(
            "the report cannot be written: its folder may not be written to", str(path), "name another: --report FILE"
        )
    return path


def write(path: Path, facts: Facts, lang: str) -> None:
    """Writes the page, whole or not at all."""
    from sightline.report.build import render  # not before it is needed: most runs write no page

    write_text(path, render(facts, lang))


def command_line(verb: str, targets: Sequence[str], given: Mapping[str, Any]) -> str:
    """What would be typed to repeat it: `sightline train photos --epochs 10`."""
    words = ["sightline", verb, *map(shlex.quote, targets)]
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        if name in UNSAID or value is None:
            continue
        words += [flag if value else flag.replace("--", "--no-", 1)] if isinstance(value, bool) else []
        words += [flag, shlex.quote(str(value))] if not isinstance(value, bool) else []
    return " ".join(words)


class Gallery:
    """Pictures of a dataset's images by their places or names; an image that cannot be read has none."""

    def __init__(self, dataset: Dataset, max_pixels: int = MAX_PIXELS) -> None:
        self.dataset, self._max_pixels = dataset, max_pixels
        self._places: dict[str, int] | None = None

    def place(self, name: str) -> int | None:
        """The place of the image of that name."""
        if self._places is None:
            self._places = {self.dataset.images.name(i): i for i in range(len(self.dataset))}
        return self._places.get(name)

    def picture(self, place: int) -> Picture | None:
        """The image itself, made smaller where it is large."""
        try:
            source = self.dataset.images.load(place)
            return picture(read(source, (LARGEST_SIDE, LARGEST_SIDE), self._max_pixels))
        except SightlineError:
            return None

    def answers(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Shown, ...]:
        """Pictures for rows of {"image", "truth", "label", "confidence"}."""
        found: list[Shown] = []
        for row in rows:
            place = self.place(str(row["image"]))
            image = None if place is None else self.picture(place)
            if image:
                sure = row.get("confidence")
                sure = float(sure) if isinstance(sure, int | float) else None
                found.append(Shown(image, str(row["image"]), str(row["truth"]), str(row["label"]), sure))
        return tuple(found)

    def example(self, task: Task, place: int, suggested: str = "") -> Shown | None:
        """An image with its target; `suggested`: what it looks like instead."""
        image = self.picture(place)
        if image is None:
            return None
        truth = task.truth_text(self.dataset.targets[place])
        return Shown(image, self.dataset.images.name(place), truth, suggested or truth)


def findings_shown(task: Task, dataset: Dataset, findings: Sequence[Finding], max_pixels: int) -> tuple[Found, ...]:
    """The findings with pictures of the images they name; the errors and warnings get theirs first."""
    gallery, left = Gallery(dataset, max_pixels), MOST_PICTURES
    found: list[Found] = []
    for finding in findings:
        groups: list[tuple[Shown, ...]] = []
        for row in _image_rows(finding)[:MOST_GROUPS]:
            places = [int(place) for place in row["images"]][:MOST_IN_GROUP]
            if len(places) > left:
                break
            suggested = str(row.get("suggested", ""))
            shown = [gallery.example(task, place, suggested) for place in places]
            group = tuple(one for one in shown if one)
            left -= len(group)
            groups += [group] if group else []
        found.append(Found(finding.code, finding.level, finding.message, finding.items, finding.count, tuple(groups)))
    return tuple(found)


def _image_rows(finding: Finding) -> list[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = getattr(finding, "rows", ())
    return [row for row in rows if row.get("images")]


def checked(task: Task, dataset: Dataset, report: Report, command: str, max_pixels: int) -> Facts:
    """The facts of a check; dataset: all examples, which the findings' places count."""
    return Facts(
        "check", report.name, command, report.count, when=today(),
        findings=findings_shown(task, dataset, report.findings, max_pixels), classes=report.classes, sizes=report.sizes,
        parts=report.parts,
    )  # fmt: skip


def evaluated(part: Part, result: dict[str, Any], command: str) -> Facts:
    """The facts of an evaluation of a part of some data."""
    from sightline.verbs.reporting_maps import METHOD, heat_maps, legend_of, worst_shown

    bundle, task, gallery = part.bundle, part.task, Gallery(part.dataset)
    worst = result.get("worst", [])
    return Facts(
        "evaluate", part.dataset.name, command, result["n"], result["split"], task.metric, str(bundle.path), today(),
        result, bundle.card, bundle.spec.to_json(), worst_shown(bundle, gallery, worst),
        heat_maps(bundle, gallery, worst), METHOD,
        findings=tuple(
            Found(one["code"], one["level"], one["message"], tuple(one["items"]), one["count"])
            for one in bundle.card.get("check", [])
        ),
        spots=_spots(part, result.get("robust", {})), legend=legend_of(bundle),
    )  # fmt: skip


def _spots(part: Part, robust: Mapping[str, Any]) -> tuple[tuple[Shown, ...], ...]:
    """For each of the weakest spots its examples, as corrupted."""
    from sightline.verbs.robust import picture as corrupted

    found: list[tuple[Shown, ...]] = []
    for spot in robust.get("weakest", []):
        shots: list[Shown] = []
        for row in spot["examples"]:
            pixels = corrupted(part, row["index"], spot["kind"], spot["amount"])
            name, truth, label = (str(row[key]) for key in ("image", "truth", "label"))
            shots.append(Shown(picture(pixels), name, truth, label, row.get("confidence")))
        found.append(tuple(shots))
    return tuple(found)


def today() -> str:
    """The day, as 2026-11-23."""
    return datetime.date.today().isoformat()
