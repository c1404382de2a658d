"""The data of `compress`: one part to measure ranges on, others to judge by; and how graphs are judged."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.compress.temperature import with_temperature
from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Task
from sightline.data import split as splitting
from sightline.data.dataset import Dataset
from sightline.data.scan import Scan, usable
from sightline.run.bundle import Bundle
from sightline.run.runner import OnnxRunner
from sightline.verbs.common import open_for, task_named
from sightline.verbs.evaluate import EvaluateOptions, worst
from sightline.verbs.judge import all_outputs, compare_all, predict_all, scores_of
from sightline.verbs.part import scan_for

if TYPE_CHECKING:
    from sightline.verbs.compress import CompressOptions

BATCH = 32
TURNS, SECONDS = 15, 2.0
"""How often each graph is timed at least, and for how long."""


@dataclass(frozen=True)
class Piece:
    """One part of the data, readable, as the network takes it."""

    name: str
    dataset: Dataset
    scanned: Scan

    def some(self, count: int) -> list[Arrays]:
        """The inputs of `count` examples of chance, the same ones each time, in batches of equal shapes."""
        order = np.random.Generator(np.random.Philox(key=[0, len(self.scanned)])).permutation(len(self.scanned))
        return [inputs for _, inputs in self.scanned.take(np.sort(order[:count])).batches(BATCH)]


@dataclass(frozen=True)
class Pieces:
    """The data by parts; facts: name, fingerprint and counts, for the card."""

    task: Task
    train: Piece
    val: Piece
    test: Piece | None
    facts: dict[str, Any]

    @property
    def judge(self) -> Piece:
        """The part whose drop decides: test, on which nothing is chosen; val where there is none."""
        return self.test or self.val

    @property
    def judged(self) -> list[Piece]:
        """The parts with scores."""
        return [self.val, self.test] if self.test else [self.val]


def open_pieces(bundle: Bundle, data: Any, labels: Any, options: CompressOptions) -> Pieces:
    """The given parts, or those that training cut. Raises SightlineError where train or val would be empty."""
    task = task_named(bundle.spec.task)
    dataset, _ = open_for(task.name, data, labels, options.format, bundle.spec.spans)
    scanned = scan_for(bundle, task, dataset, EvaluateOptions(workers=options.workers, max_pixels=options.max_pixels))
    good = usable(scanned, dataset.images.name, options.max_bad)
    dataset, scanned = dataset.take(good), scanned.take(good)
    fingerprint = splitting.fingerprint(scanned.hashes, dataset.targets)
    given, card = dataset.splits, bundle.card.get("data", {})
    if fingerprint == card.get("fingerprint") and "test" not in card.get("counts", {"test": 0}):
        given = np.full(len(dataset), "train") if (given == "").all() else given  # tested by folds
    seed = int(bundle.card.get("options", {}).get("seed", 0))
    splits = splitting.assign(given, task.strata(dataset), scanned.hashes, dataset.groups, seed)
    have = set(bundle.spec.classes)
    known = np.array([task.names(target, bundle.spec) <= have for target in dataset.targets], np.bool_)
    found: dict[str, Piece] = {}
    for name in ("train", "val", "test"):
        places = np.flatnonzero((splits == name) & (known if name != "train" else True))
        if len(places):
            found[name] = Piece(name, dataset.take(places), scanned.take(places))
        elif name != "test" and (splits == name).any():
            raise SightlineError(
                f"none of the {name} part's labels is known to the model: it never saw any of them", dataset.name,
                "give the data that it was trained on, or data with the same classes",
            )  # fmt: skip
        elif name != "test":
            raise SightlineError(
                f"the {name} part of the data is empty", dataset.name,
                "compress measures ranges on train and judges by val and test: give data that has more examples",
            )  # fmt: skip
    counts = {name: len(piece.dataset) for name, piece in found.items()}
    facts = {"name": dataset.name, "format": dataset.format, "fingerprint": fingerprint, "counts": counts}
    return Pieces(task, found["train"], found["val"], found.get("test"), facts)


def judged(task: Task, graph: bytes, piece: Piece, spec: Spec, quick: bool = False) -> dict[str, Any]:
    """The scores of a graph as a card keeps them; quick: the metrics alone."""
    predicted = predict_all(task, OnnxRunner(graph), piece.scanned, spec)
    compared = compare_all(task, predicted, piece.dataset.targets, spec)
    if quick:
        return task.summarize(compared, spec).to_dict()
    return {**scores_of(task, compared, spec).to_dict(), "worst": worst(task, piece.dataset, predicted, compared)}


def recalibrated(task: Task, graph: bytes, val: Piece, spec: Spec) -> tuple[bytes, Spec]:
    """The graph and the spec with temperature, thresholds and the like fitted anew on val.

    Where the graph's temperature cannot be changed, both stay as they are.
    """
    plain = with_temperature(graph, spec.temperature, 1.0)
    if plain is None and spec.temperature != 1.0:
        return graph, spec
    bare = dataclasses.replace(spec, temperature=1.0)
    outputs = all_outputs(task, OnnxRunner(plain or graph), val.scanned, bare)
    fitted = task.calibrate(outputs, list(val.dataset.targets), bare, val.scanned.sizes)
    if plain is None:
        return (graph, spec) if fitted.temperature != 1.0 else (graph, fitted)
    return with_temperature(plain, 1.0, fitted.temperature) or graph, fitted


def milliseconds(graphs: Sequence[tuple[bytes, Spec, Piece]], task: Task) -> list[float]:
    """Of each graph the median time for one image of its piece, taken in turns."""
    runners = [OnnxRunner(graph) for graph, _, _ in graphs]
    inputs = [_middle(piece.some(9)) for _, _, piece in graphs]
    taken: list[list[float]] = [[] for _ in graphs]
    end = time.perf_counter() + SECONDS
    while len(taken[0]) < TURNS + 1 or time.perf_counter() < end:
        for runner, (_, spec, _), given, times in zip(runners, graphs, inputs, taken, strict=True):
            begun = time.perf_counter()
            task.infer(runner, given, spec)
            times.append(1000 * (time.perf_counter() - begun))
    return [median(times[1:]) for times in taken]


def _middle(batches: Sequence[Arrays]) -> Arrays:
    """One example, of a middle length."""
    return {name: values[:1] for name, values in batches[len(batches) // 2].items()}
