"""The report of a training: report.html in the run's folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Task
from sightline.data.dataset import SPLITS
from sightline.report.facts import Facts
from sightline.report.pictures import picture
from sightline.run.bundle import headline, open_bundle
from sightline.verbs.reporting import Gallery, command_line, findings_shown, today, write
from sightline.verbs.reporting_maps import METHOD, heat_maps, legend_of, worst_shown
from sightline.verbs.tell import report_of

if TYPE_CHECKING:
    from sightline.verbs.training_options import Parts, Settings


def write_training_report(path: Path, task: Task, parts: Parts, settings: Settings, batch: NDArray[np.uint8]) -> None:
    """Writes the report beside the bundle at `path`. batch: (k, height, width, channel), what the network saw.

    Raises SightlineError where the file cannot be written.
    """
    bundle = open_bundle(path)
    card, options = bundle.card, settings.train
    name = headline(card)
    scores = card["scores"][name]
    # Tested by folds, the network that is kept has learned from every image but those of val.
    own = "val" if name == "out_of_fold" else name
    judged = Gallery(parts.part(own)[0], options.max_pixels)
    folded = own != name
    count = int(card["folds"]["count"]) if folded else len(judged.dataset)
    everything = Gallery(parts.dataset, options.max_pixels) if folded else judged
    worst = worst_shown(bundle, everything, scores["worst"], max_pixels=options.max_pixels)
    maps = heat_maps(bundle, judged, card["scores"][own]["worst"], max_pixels=options.max_pixels)
    facts = Facts(
        "train", parts.dataset.name, _typed(parts.dataset.name, settings), count, name, task.metric, str(path),
        today(), scores, card, bundle.spec.to_json(), worst, maps, METHOD,
        batch=tuple(picture(image) for image in batch),
        findings=findings_shown(task, parts.whole, parts.findings, options.max_pixels),
        classes=task.tally(parts.dataset, parts.splits),
        parts={name: int((parts.splits == name).sum()) for name in SPLITS}, legend=legend_of(bundle),
    )  # fmt: skip
    write(report_of(path), facts, options.lang)


def _typed(data: str, settings: Settings) -> str:
    """The command with the options that are not at their default."""
    said: dict[str, Any] = {}
    for section in (settings.train, settings.task, settings.network):
        for field in dataclasses.fields(section):
            value = getattr(section, field.name)
            if value != field.default:
                said[field.name] = value
    return command_line("train", [data], said)
