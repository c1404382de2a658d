"""A training repeated with other data or another seed: --folds, --seeds, --curve. Resumable like a single one."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.repeats import spread, would_more_help
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Task
from sightline.data import split
from sightline.learn.run_folder import RunFolder
from sightline.run.files import make_folder, write_whole
from sightline.verbs.evaluate import WORST
from sightline.verbs.evaluate import worst as worst_of
from sightline.verbs.judge import compare_all, predictions_of, scores_of
from sightline.verbs.planning import EXPORT_SECONDS
from sightline.verbs.training import Training

if TYPE_CHECKING:
    from sightline.verbs.tell import Teller
    from sightline.verbs.training_options import Parts, Settings, TrainOptions

SHARES = (0.1, 0.25, 0.5)
"""Of the training part, for --curve; the whole of it is the training that is kept."""
FEWEST = 20
"""Training images a class, on average, from which on a curve is drawn: two of each at its first point."""


@dataclass(frozen=True)
class Repeat:
    """One more training: the folder of its run, the splits it sees ("" is left out), its seed, and what it is."""

    name: str
    splits: NDArray[np.str_]
    seed: int
    what: dict[str, Any]


@dataclass(frozen=True)
class Series:
    """What is trained in all: the splits of the training that is kept, and the others beside it."""

    kind: str
    splits: NDArray[np.str_]
    repeats: tuple[Repeat, ...] = ()
    first: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the training that is kept is within the series; empty where it is none of it (folds)."""


def plan_series(parts: Parts, task: Task, options: TrainOptions) -> Series:
    """What the options ask for. Raises SightlineError where the data is too small for it."""
    strata = task.strata(parts.dataset)
    if options.folds:
        return _folds(parts, strata, options.folds, options.seed)
    if options.seeds:
        numbers = range(options.seed, options.seed + options.seeds)
        repeats = [Repeat(f"seeds/{n}", parts.splits, n, {"seed": n}) for n in numbers[1:]]
        return Series("seeds", parts.splits, tuple(repeats), {"seed": options.seed})
    if options.curve:
        return _curve(parts, strata, options.seed)
    return Series("", parts.splits)


def _folds(parts: Parts, strata: NDArray[np.int64], k: int, seed: int) -> Series:
    """Each fold is the test once, with a val part cut from the others. A test part that the data names stays out.

    The network that is kept learns from all images but a val part, as the folds have tested for it; where the data
    names its parts, it keeps to them.
    """
    dataset, hashes = parts.dataset, parts.scan.hashes
    pool = np.flatnonzero(dataset.splits != "test")
    groups = None if dataset.groups is None else dataset.groups[pool]
    numbers = split.folds(strata[pool], hashes[pool], groups, seed, k)
    repeats: list[Repeat] = []
    for fold in range(k):
        given = np.where(numbers == fold, "test", "train")
        splits = np.zeros(len(dataset), "<U5")
        splits[pool] = split.assign(given, strata[pool], hashes[pool], groups, seed)
        repeats.append(Repeat(f"folds/{fold + 1}", splits, seed, {"fold": fold + 1}))
    kept = parts.splits
    if not (dataset.splits != "").any():
        kept = split.assign(np.full(len(dataset), "train"), strata, hashes, dataset.groups, seed)
    return Series("folds", kept, tuple(repeats))


def _curve(parts: Parts, strata: NDArray[np.int64], seed: int) -> Series:
    """Nested subsets of the training part, each class in proportion; val and test stay the same."""
    train = np.flatnonzero(parts.splits == "train")
    classes = len(np.unique(strata[train]))
    if len(train) < FEWEST * classes:
        raise SightlineError(
            f"{len(train)} training images in {classes} classes are too few for a curve",
            parts.dataset.name,
            f"it needs {FEWEST} images a class; try --folds instead",
        )
    rank = split.shares(strata[train], parts.scan.hashes[train], seed)
    repeats: list[Repeat] = []
    for share in SHARES:
        splits = parts.splits.copy()
        splits[train[rank >= share]] = ""
        count = int((rank < share).sum())
        repeats.append(Repeat(f"curve/{share:.0%}".rstrip("%"), splits, seed, {"share": share, "count": count}))
    return Series("curve", parts.splits, tuple(repeats), {"share": 1.0, "count": len(train)})


class Runner:
    """Runs a series beside the training that is kept."""

    def __init__(
        self, run: RunFolder, task: Task, settings: Settings, parts: Parts, teller: Teller, deadline: float | None
    ) -> None:
        """deadline: `time.monotonic()` at which all of it must be done; divided evenly among the trainings."""
        self.run, self.task, self.settings, self.teller = run, task, settings, teller
        self.series = plan_series(parts, task, settings.train)
        self.parts = dataclasses.replace(parts, splits=self.series.splits)
        self.all, self.deadline = parts, deadline
        if not np.array_equal(self.series.splits, parts.splits):
            teller.note("with --folds the test part is learned too: each fold is the test of a training of its own")
        if self.series.kind == "folds" and (parts.dataset.splits == "test").any():
            teller.note(f"the test part that the data names stays out of the {settings.train.folds} folds")
        self.interrupted = False

    def share(self, left: int) -> float | None:
        """`time.monotonic()` at which the next of `left` trainings must end, that of the bundle's writing aside."""
        if self.deadline is None:
            return None
        now = time.monotonic()
        return now + (self.deadline - EXPORT_SECONDS - now) / left

    def main(self, spec: Spec) -> Training:
        """The training that is kept, not yet run."""
        deadline = self.share(1 + len(self.series.repeats))
        deadline = None if deadline is None else deadline + EXPORT_SECONDS  # it counts the bundle's writing itself
        return Training(self.run, self.task, spec, self.settings, self.parts, self.teller, deadline)

    def others(self, main: Training) -> dict[str, Any]:
        """Trains what is not yet done; what the card says: {"folds": …}, {"seeds": …} or {"curve": …}; or {}."""
        rows: list[dict[str, Any]] = []
        tested: list[Comparison] = []
        errors: list[dict[str, Any]] = []
        names = self.series.repeats
        for number, repeat in enumerate(names):
            if self._too_late(main):
                self.teller.note(f"the time is over: {number} of {len(names)} trainings were done")
                break
            self.teller.enter(f"{self.series.kind} {number + 1}/{len(names)}")
            try:
                run = self._train(repeat, main, len(names) - number)
            except KeyboardInterrupt:
                run = None
            self.teller.leave()
            if run is None:
                self.interrupted = True
                break
            compared, metrics, worst = self._compared(repeat.splits, *_read_answers(run))
            tested += compared
            errors += worst
            rows.append({**repeat.what, "metrics": metrics})
            self.teller.note(f"  {_said(repeat.what)}: {self.task.metric} {metrics[self.task.metric]:.4f}")
        if not rows:
            return {}
        if self.series.kind == "folds":
            return self._of_folds(rows, tested, errors, main.spec)
        rows, judged = self._with_main(rows, main)
        return {self.series.kind: self._of_seeds(rows) if self.series.kind == "seeds" else self._of_curve(rows, judged)}

    def _too_late(self, main: Training) -> bool:
        late = self.deadline is not None and time.monotonic() > self.deadline - EXPORT_SECONDS
        return late and main.budget is not None

    def _train(self, repeat: Repeat, main: Training, left: int) -> RunFolder | None:
        """The run of a finished training, which may have been finished long ago; None where it was interrupted."""
        run = RunFolder(self.run.path / repeat.name)
        make_folder(run.path)
        if run.read_state().get("status") == "done":
            return run
        options = dataclasses.replace(self.settings.train, seed=repeat.seed)
        settings = dataclasses.replace(self.settings, train=options)
        parts = dataclasses.replace(self.all, splits=repeat.splits)
        deadline = self.share(left) if main.budget else None
        one = Training(
            run, self.task, main.spec, settings, parts, self.teller, deadline, like=main
        )  # fmt: skip
        one.fit()
        if one.interrupted:
            return None
        part, outputs, spec = one.answers()
        _write_answers(run, outputs, spec)
        one.close(part=part, spec=spec.to_json())
        return run

    def _with_main(self, rows: list[dict[str, Any]], main: Training) -> tuple[list[dict[str, Any]], int]:
        """The rows with that of the training that is kept, and the number of images that judged them."""
        compared, metrics, _ = self._compared(self.series.splits, *main.answers())
        row = {**self.series.first, "metrics": metrics}
        return ([*rows, row] if self.series.kind == "curve" else [row, *rows]), len(compared)

    def _compared(
        self, splits: NDArray[np.str_], part: str, outputs: Sequence[Arrays], spec: Spec
    ) -> tuple[list[Comparison], dict[str, float], list[dict[str, Any]]]:
        """The comparisons, their metrics, and rows of the worst of them."""
        dataset, scan = dataclasses.replace(self.all, splits=splits).part(part)
        predictions = predictions_of(self.task, outputs, scan.sizes, spec)
        compared = compare_all(self.task, predictions, dataset.targets, spec)
        return (
            compared,
            self.task.summarize(compared, spec).metrics,
            worst_of(self.task, dataset, predictions, compared),
        )

    def _of_folds(
        self, rows: list[dict[str, Any]], tested: list[Comparison], worst: list[dict[str, Any]], spec: Spec
    ) -> dict[str, Any]:
        k = len(self.series.repeats)
        entry = {
            "k": k,
            "count": len(tested),
            "runs": rows,
            **spread([row["metrics"] for row in rows], overlap=1 / (k - 1)),
        }
        entry["interval"] = "95 % t-interval of the mean over folds, widened for shared training images"
        worst = sorted(worst, key=lambda row: -row["error"])[:WORST]
        scores = {**scores_of(self.task, tested, spec).to_dict(), "worst": worst}
        return {"folds": entry, "scores": {"out_of_fold": scores}}

    def _of_seeds(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        entry = {"k": 1 + len(self.series.repeats), "runs": rows, **spread([row["metrics"] for row in rows])}
        return {**entry, "interval": "95 % t-interval of the mean over seeds, on the same images"}

    def _of_curve(self, rows: list[dict[str, Any]], judged: int) -> dict[str, Any]:
        metric = self.task.metric
        counts, values = [row["count"] for row in rows], [row["metrics"][metric] for row in rows]
        answer, gain = would_more_help(counts, values, metric, judged)
        return {
            "shares": [row["share"] for row in rows],
            "counts": counts,
            "metrics": [row["metrics"] for row in rows],
            "answer": answer,
            "gain": gain,
        }


def _said(what: Mapping[str, Any]) -> str:
    return f"{what['count']:,} images" if "count" in what else " ".join(f"{k} {v}" for k, v in what.items())


def _write_answers(run: RunFolder, outputs: Sequence[Arrays], spec: Spec) -> None:
    """Each output of all examples as one flat array with their shapes, and the assets that decoding them needs."""
    columns: Arrays = {}
    for name in outputs[0]:
        columns[f"values/{name}"] = np.concatenate([one[name].ravel() for one in outputs])
        columns[f"shapes/{name}"] = np.array([one[name].shape for one in outputs], np.int64)
    for name, data in spec.assets.items():
        columns[f"assets/{name}"] = np.frombuffer(data, np.uint8)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **columns)
    write_whole(run.path / "answers.npz", lambda to: to.write(file.getvalue()))


def _read_answers(run: RunFolder) -> tuple[str, list[Arrays], Spec]:
    state = run.read_state()
    with np.load(run.path / "answers.npz", allow_pickle=False) as found:
        columns = {name: found[name] for name in found.files}
    assets = {name.removeprefix("assets/"): data.tobytes() for name, data in columns.items() if name[:7] == "assets/"}
    names = [name.removeprefix("values/") for name in columns if name.startswith("values/")]
    rows: list[Arrays] = [{} for _ in columns[f"shapes/{names[0]}"]]
    for name in names:
        shapes = columns[f"shapes/{name}"]
        ends = np.cumsum(shapes.prod(axis=1))
        for row, shape, part in zip(rows, shapes, np.split(columns[f"values/{name}"], ends[:-1]), strict=True):
            row[name] = part.reshape(shape.tolist())
    return state["part"], rows, dataclasses.replace(Spec.from_json(state["spec"]), assets=assets)
