"""check: what is wrong with the data, before anybody trains on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.core.task import Finding, Task
from sightline.data import split
from sightline.data.dataset import SPLITS, Dataset
from sightline.data.image import MAX_PIXELS
from sightline.data.quality import look
from sightline.data.scan import Scan, scan
from sightline.learn import machine
from sightline.report.words import LANGUAGES
from sightline.tables import FORMATS, TASKS
from sightline.verbs import reporting
from sightline.verbs.check_copies import find_copies
from sightline.verbs.check_findings import blank_images, examine, placed, unreadable, worst_first
from sightline.verbs.check_fix import Fix, may_fix, reasons, refusals, write_fixed
from sightline.verbs.check_labels import CODE, label_errors, quick_spec
from sightline.verbs.common import need_torch, open_for
from sightline.verbs.tell import Teller


@dataclass(frozen=True)
class CheckOptions:
    """Options of `check`."""

    labels: bool = option(
        False, "look for probable label errors too: trains small networks, takes minutes (needs the extra `train`)"
    )
    fix: Path | None = option(None, "write a cleaned list here (.csv), to train on; the images stay as they are")
    task: str | None = option(None, "the task (default: inferred from the data)", choices=TASKS)
    format: str | None = option(None, "the format of the data (default: sniffed)", choices=FORMATS)
    seed: int = option(0, "seed of the split, where the data has none", low=0, high=2**63 - 1)
    workers: int | None = option(None, "processes that read images (default: all processors)", low=0)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)
    progress: str = option("auto", "what is shown while working", choices=("auto", "none"))
    report: Path | None = option(None, "also write an HTML page with pictures, to this FILE", bare="report.html")
    lang: str = option("en", "language of the page", choices=LANGUAGES)


@dataclass(frozen=True)
class Report:
    """What `check` found: numbers for people and programs, and findings, the worst first.

    classes: target to {split: number of readable examples}; an example may hold several targets, so parts: split to the
    number of readable examples. sizes: width and height, each min, median and max, and how
    many are in colour. The `images` in a finding's rows are places in the data as given. fix: what `--fix` wrote.
    """

    name: str
    format: str
    task: str
    count: int
    classes: dict[str, dict[str, int]]
    parts: dict[str, int]
    sizes: dict[str, Any]
    findings: list[Finding]
    fix: Fix | None = None

    @property
    def passed(self) -> bool:
        """Whether training would start."""
        return not any(finding.level == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {name: value for name, value in vars(self).items() if name != "fix"}
        plain["findings"] = [finding.to_dict() for finding in self.findings]
        return {**plain, "passed": self.passed, **({"fix": self.fix.to_dict()} if self.fix else {})}


def check(data: Any, truth: Any = None, /, **given: Any) -> Report:
    """Reads every image once and reports; `data` and its labels as for train. Options: see CheckOptions."""
    if "labels" in given and not isinstance(given["labels"], bool | str):  # check(images, labels=targets)
        truth = given.pop("labels")
    given.setdefault("progress", "none")
    options = resolve(CheckOptions, given)
    page = reporting.writable(options.report)
    dataset, task = open_for(options.task, data, truth, options.format)
    report = _examined(dataset, task, options)
    if page:
        typed = reporting.command_line("check", [dataset.name], given)
        reporting.write(page, reporting.checked(task, dataset, report, typed, options.max_pixels), options.lang)
    return report


def _examined(dataset: Dataset, task: Task, options: CheckOptions) -> Report:
    teller = Teller(options.progress)
    if options.fix:
        may_fix(dataset, options.fix)
    if options.labels:
        need_torch("judging labels")
        machine.prepare()
    spec = quick_spec(task, dataset, options.max_pixels) if options.labels else None
    scanned = scan(
        dataset,
        (lambda image: task.preprocess(image, spec)) if spec else None,
        workers=options.workers,
        max_pixels=options.max_pixels,
        progress=teller.reading(len(dataset)),
        look=look,
        free=spec.free_axes if spec else None,
    )
    readable = np.flatnonzero(scanned.readable)
    if not len(readable):
        first = next(iter(scanned.errors.items()), (0, "there are no images"))
        raise SightlineError("none of the images can be read", dataset.name, f"the first: {first[1]}")
    kept, seen = dataset.take(readable), scanned.take(readable)
    splits = split.assign(kept.splits, task.strata(kept), seen.hashes, kept.groups, options.seed)
    blank = blank_images(seen)
    copies = find_copies(kept, seen, options.max_pixels, blank, thorough=True)
    findings = examine(task, kept, seen, splits, copies)
    if spec and not any(finding.level == "error" for finding in findings):
        findings += label_errors(task, kept, seen, spec, options.seed, teller.folds)
    findings = worst_first(unreadable(dataset, scanned) + [placed(finding, readable) for finding in findings])
    fix = None
    if options.fix:
        why = reasons(kept, splits, copies, blank)
        fix = write_fixed(options.fix, dataset, readable, why, _suspected(findings))
        stays = np.flatnonzero(why == "")
        fix = replace(fix, errors=refusals(task, kept.take(stays), seen.take(stays), options.seed))
    counts, parts = task.tally(kept, splits), {name: int((splits == name).sum()) for name in SPLITS}
    return Report(dataset.name, dataset.format, task.name, len(dataset), counts, parts, _sizes(seen), findings, fix)


def _suspected(findings: list[Finding]) -> dict[int, str]:
    rows = [row for finding in findings if finding.code == CODE for row in finding.rows]
    return {int(row["images"][0]): str(row["suggested"]) for row in rows}


def _sizes(scanned: Scan) -> dict[str, Any]:
    widths, heights = scanned.sizes[:, 0], scanned.sizes[:, 1]

    def spread(values: NDArray[np.int32]) -> dict[str, int]:
        return {"min": int(values.min()), "median": int(np.median(values)), "max": int(values.max())}

    return {"width": spread(widths), "height": spread(heights), "colour": int((scanned.channels == 3).sum())}


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline check DATA`: a table, or one JSON document; 1 where training would refuse."""
    from sightline.verbs.check_tell import tell_report
    from sightline.verbs.common import one_target, print_json

    given = {"progress": "none" if as_json else "auto", **given}
    report = check(one_target(target, "check"), **given)
    page = reporting.writable(resolve(CheckOptions, given).report)
    if as_json:
        print_json({**report.to_dict(), **({"report": str(page)} if page else {})})
    else:
        tell_report(report)
        if page:
            print(f"report: {page}")
    return 0 if report.passed else 1
