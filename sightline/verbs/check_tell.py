"""The report of `check` for people: a table of the classes, the sizes, then each finding with a few examples."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from sightline.core.task import Finding
from sightline.data.formats import open_data
from sightline.verbs.check import Report
from sightline.verbs.check_fix import Fix
from sightline.verbs.common import infer_task

_MARKS = {"error": "x", "warning": "!", "note": "-"}
CLASSES, EXAMPLES = 50, 5
_SAID = ("small_class", "class_not_in_split", "imbalance")
"""Findings whose message names all there is."""
_MENDED = {
    "blank", "unreadable", "duplicate", "leak", "conflicting_labels", "near_duplicate", "near_leak", "near_conflict",
}  # fmt: skip


def tell_report(report: Report) -> None:
    """Prints it."""
    print(f"{report.name}: {report.count:,} images, format {report.format}; task {report.task}\n")
    _tell_classes(report.classes, report.parts)
    print(_tell_sizes(report.sizes))
    print()
    for finding in report.findings:
        _tell_finding(finding)
    if not report.findings:
        print("nothing wrong was found")
    if report.fix:
        out = ", ".join(f"{count:,} {why}" for why, count in report.fix.dropped.items())
        print(f"\n{report.fix.path}: {report.fix.kept:,} images" + (f"; left out: {out}" if out else ""))
        print(_after_fix(report, report.fix))
    elif any(finding.code in _MENDED for finding in report.findings) and report.format in ("folder", "table"):
        print(
            f"\nnext:\n  sightline check {shlex.quote(report.name)} --fix {_free_name()}    lists what is worth keeping"
        )


def _after_fix(report: Report, fix: Fix) -> str:
    """What to type next, or what still stands in the way."""
    if fix.errors:
        again = f"sightline check {shlex.quote(report.name)} --fix {_free_name()}"
        refused = "".join(f"\n  {_MARKS['error']} {error}" for error in fix.errors)
        return f"\ntraining would refuse {fix.path}:{refused}\nmend the data, then type: {again}"
    # A list of single labels may look like another task's.
    named = "" if infer_task(open_data(fix.path)).name == report.task else f" --task {report.task}"
    return f"\nnext:\n  sightline train {shlex.quote(fix.path)}{named}"


def _tell_classes(classes: dict[str, dict[str, int]], counts: dict[str, int]) -> None:
    """A row a class, and how many images there are, which is no sum of rows where an image holds several labels."""
    parts = [part for part, count in counts.items() if count]
    shown = list(classes.items())[:CLASSES]
    width = max([5, *(len(name) for name, _ in shown)])
    print("class".ljust(width), *(part.rjust(8) for part in parts), "total".rjust(8))
    for name, row in shown:
        print(name.ljust(width), *(f"{row.get(part, 0):8,}" for part in parts), f"{sum(row.values()):8,}")
    if len(classes) > CLASSES:
        print(f"… and {len(classes) - CLASSES} more classes")
    totals = [counts[part] for part in parts]
    print("all".ljust(width), *(f"{total:8,}" for total in totals), f"{sum(totals):8,}\n")


def _tell_sizes(sizes: dict[str, Any]) -> str:
    def span(name: str) -> str:
        low, median, high = (sizes[name][key] for key in ("min", "median", "max"))
        return f"{name} {low}..{high} px (median {median})" if low < high else f"{name} {low} px"

    return f"{span('width')}, {span('height')}, {sizes['colour']:,} in colour"


def _tell_finding(finding: Finding) -> None:
    print(f"{_MARKS[finding.level]} {finding.level}: {finding.message}")
    if finding.code in _SAID:
        return
    for item in finding.items[:EXAMPLES]:
        print(f"    {item}")
    if len(finding.items) > EXAMPLES:
        print(f"    … and {len(finding.items) - EXAMPLES:,} more (all with --json)")


def _free_name() -> str:
    return next(name for name in ("clean.csv", *(f"clean{i}.csv" for i in range(2, 1000))) if not Path(name).exists())
