"""evaluate: a bundle held against labelled data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.core.predictions import Prediction
from sightline.core.task import Comparison, Task
from sightline.data.dataset import Dataset
from sightline.data.image import MAX_PIXELS
from sightline.report.words import LANGUAGES
from sightline.run.bundle import Bundle, open_bundle
from sightline.tables import FORMATS
from sightline.verbs import reporting, tiled
from sightline.verbs.common import task_named
from sightline.verbs.judge import WORST, compared_all, scores_of
from sightline.verbs.part import open_part, overlap, predictions_of


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of `evaluate`."""

    split: str | None = option(
        None, "the part to score (default: test, where there is one)", choices=("train", "val", "test", "all")
    )
    compare: Path | None = option(None, "another bundle, held against the same images: is it better?")
    robust: bool = option(False, "also score under 15 corruptions at 5 strengths, and shifts of light, size and angle")
    tile: int | None = option(None, tiled.HELP, low=0, bare="0")
    limit: int | None = option(
        None, "most images that --robust uses (default: 1,000 small ones, down to 100 of 224 px)", low=1
    )
    format: str | None = option(None, "the format of the data (default: sniffed)", choices=FORMATS)
    workers: int | None = option(None, "processes that read images (default: all processors)", low=0)
    max_bad: float = option(0.2, "share of unreadable images that is tolerated", low=0, high=1)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)
    report: Path | None = option(None, "also write the report, an HTML page, to this FILE", bare="report.html")
    lang: str = option("en", "language of the report", choices=LANGUAGES)


def evaluate(model: str | Path | Bundle, data: Any, labels: Any = None, **given: Any) -> dict[str, Any]:
    """Scores as plain JSON: metrics, intervals, n, split, per_class, confusion, curves, worst, overlap, unknown,
    unreadable, notes (what of the data was left out); compare and robust where they are asked for.
    docs/verbs/evaluate.md says how to read them.

    Data with splits: the part asked for. Data that the bundle was trained on: the same parts as then. Other data
    without splits: all of it, and how many of its images were trained on.
    """
    from sightline.verbs.compare import compare, open_other
    from sightline.verbs.robust import robustness

    options = resolve(EvaluateOptions, given)
    if options.limit is not None and not options.robust:
        raise SightlineError("--limit is for --robust, which was not asked for", fix="add --robust, or leave it out")
    if options.robust and options.tile is not None:
        raise SightlineError("--robust and --tile exclude each other", fix="leave one of them out")
    page = reporting.writable(options.report)
    bundle = model if isinstance(model, Bundle) else open_bundle(model)
    if options.tile is not None:
        tiled.need_merge(task_named(bundle.spec.task))
    other = open_other(bundle, options.compare) if options.compare else None
    part = open_part(bundle, data, labels, options)
    task, spec, dataset = part.task, bundle.spec, part.dataset
    comparisons, predictions = compared_all(task, predictions_of(bundle, part, options), dataset.targets, spec)
    result = scores_of(task, comparisons, spec).to_dict()
    found = {
        "metrics": result.pop("metrics"),
        "n": len(dataset),
        "split": part.name,
        "overlap": overlap(bundle, part.scanned) if part.name != "train" else None,
        "unknown": part.unknown,
        "unreadable": part.unreadable,
        "notes": [text for _, text, _ in dataset.notes],
        **result,
        "worst": worst(task, dataset, predictions, comparisons),
    }
    if other:
        found["compare"] = compare(part, comparisons, other, options)
    if options.robust:
        found["robust"] = robustness(part, options.limit, options.workers, options.max_pixels)
    if page:
        typed = reporting.command_line("evaluate", [str(bundle.path), dataset.name], given)
        reporting.write(page, reporting.evaluated(part, found, typed), options.lang)
        found["report"] = str(page)
    return found


def worst(
    task: Task,
    dataset: Dataset,
    predictions: Sequence[Prediction] | Mapping[int, Prediction],
    comparisons: Sequence[Comparison],
) -> list[dict[str, Any]]:
    """The 25 examples of the largest error, the worst first; predictions: by place, of these at least."""
    order = sorted(range(len(comparisons)), key=lambda i: -comparisons[i].error)[:WORST]
    return [{**answer_row(task, dataset, i, predictions[i]), "error": round(comparisons[i].error, 6)} for i in order]


def answer_row(task: Task, dataset: Dataset, index: int, prediction: Prediction) -> dict[str, Any]:
    """One example as people see it: image, truth, label, and the confidence where the task gives one."""
    values = prediction.to_dict()
    answer: Any = values[task.columns[0]]  # a list is written as a table of the data would hold it
    answer = f"{answer:.4g}" if isinstance(answer, float) else answer
    row: dict[str, Any] = {
        "image": dataset.images.name(index),
        "truth": task.truth_text(dataset.targets[index]),
        "label": ";".join(cast("list[str]", answer)) if isinstance(answer, list) else str(answer),
    }
    return row | {key: values[key] for key in ("confidence",) if key in values}


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline evaluate MODEL DATA`: scores and the per-class table, or one JSON document."""
    from sightline.verbs.common import print_json
    from sightline.verbs.tell_evaluation import tell_evaluation

    if len(target) != 2:
        raise SightlineError("evaluate takes a bundle and data", fix="type: sightline evaluate MODEL.sightline DATA")
    result = evaluate(target[0], target[1], **given)
    if as_json:
        print_json(result)
    else:
        tell_evaluation(result)
        if "report" in result:
            print(f"report: {result['report']}")
    return 0
