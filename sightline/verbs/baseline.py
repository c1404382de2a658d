"""train --baseline: a classical model on the same images, and what the network buys over it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.baseline import fit
from sightline.core.errors import SightlineError
from sightline.core.paired import Paired, of_comparisons
from sightline.core.spec import Spec
from sightline.core.task import Comparison, Task
from sightline.data.dataset import Dataset
from sightline.verbs.judge import compare_all, predictions_of, rows_of, scores_of

if TYPE_CHECKING:
    from sightline.verbs.tell import Teller
    from sightline.verbs.training_options import Parts


@dataclass(frozen=True)
class Baseline:
    """A fitted model's answers over the part that judges. seconds: what features, fitting and answering took;
    count: training images used."""

    kind: str
    part: str
    comparisons: list[Comparison]
    spec: Spec
    seconds: float
    count: int


def check_possible(task: Task, dataset: Dataset) -> None:
    """Raises MissingExtra without scikit-learn, and SightlineError for data without one label an image."""
    if not task.one_label:
        raise SightlineError(
            f"--baseline needs one label an image; this data has targets of the kind {dataset.target!r}",
            dataset.name,
            "leave --baseline out",
        )
    fit.need_sklearn()


def run_baseline(kind: str, task: Task, spec: Spec, parts: Parts, seed: int, teller: Teller) -> Baseline:
    """Fits on train, the temperature on val, and answers for test, or val where there is no test part."""
    teller.note(f"fitting the baseline: {kind} on HOG features")
    begun = time.monotonic()
    dataset, scan = parts.part("train")
    chosen = fit.sample(len(dataset), seed)
    labels = _class_numbers(task, dataset.take(chosen), scan.take(chosen).sizes, spec)
    decide = fit.fit(kind, fit.features_of(scan.take(chosen)), labels, len(spec.classes), seed)
    val_set, val_scan = parts.part("val")
    val = decide(fit.features_of(val_scan))
    spec = task.calibrate(rows_of({"probabilities": fit.softmax(val)}), list(val_set.targets), spec)
    name = "test" if (parts.splits == "test").any() else "val"
    judged, judged_scan = parts.part(name)
    logits = val if name == "val" else decide(fit.features_of(judged_scan))
    outputs = rows_of({"probabilities": fit.softmax(logits, spec.temperature)})
    predictions = predictions_of(task, outputs, judged_scan.sizes, spec)
    compared = compare_all(task, predictions, judged.targets, spec)
    return Baseline(kind, name, compared, spec, time.monotonic() - begun, len(chosen))


def _class_numbers(task: Task, dataset: Dataset, sizes: NDArray[np.int32], spec: Spec) -> NDArray[np.int64]:
    pairs = zip(dataset.targets, sizes.tolist(), strict=True)
    return np.array([task.encode(target, (width, height), spec)["label"] for target, (width, height) in pairs])


def baseline_facts(task: Task, found: Baseline, network: list[Comparison], spec: Spec) -> dict[str, Any]:
    """What the card says: {"svm": {"metrics", "intervals", "seconds", "answer", …}}; network: its comparisons on the
    same images, in order."""
    scores = scores_of(task, found.comparisons, found.spec).to_dict()

    def value(some: Any) -> float:
        return task.summarize(some, spec).metrics[task.metric]

    gain = of_comparisons(value, found.comparisons, network)
    entry = {
        "metrics": scores["metrics"],
        "intervals": scores["intervals"],
        "seconds": round(found.seconds, 1),
        "part": found.part,
        "count": found.count,
        "difference": gain.difference,
        "interval": gain.interval,
        "p": gain.p,
        "answer": answer(found, task.metric, scores["metrics"][task.metric], gain),
    }
    return {found.kind: entry}


def answer(found: Baseline, metric: str, value: float, gain: Paired) -> str:
    """`svm on HOG features: accuracy 0.9120; the network buys 4.3 points (95 %: 3.1 to 5.5)`, or that it buys none."""
    low, high = gain.interval
    points = f"{100 * abs(gain.difference):.1f} points"
    around = f"(95 %: {100 * low:.1f} to {100 * high:.1f})"
    if low > 0:
        said = f"the network buys {points} {around}"
    elif high < 0:
        around = f"(95 %: {-100 * high:.1f} to {-100 * low:.1f})"
        said = f"the network is {points} worse {around}: train it longer, or do without it"
    else:
        side = "ahead" if gain.difference > 0 else "behind"
        same = f"the network is {points} {side}" if gain.difference else "the network has the same"
        said = f"{same} {around}: these images do not show which is better"
    chosen = "; judged on val, which also chose the network's best epoch" if found.part == "val" else ""
    return f"{found.kind} on HOG features: {metric} {value:.4f}; {said}{chosen}"
