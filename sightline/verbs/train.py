"""train: from labelled images to a bundle."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.errors import SightlineError, memory_errors_told
from sightline.core.options import reject_unknown, resolve
from sightline.core.spec import Spec
from sightline.core.task import Task
from sightline.data import split
from sightline.data.alike import thumbnail
from sightline.data.dataset import Dataset
from sightline.data.scan import scan, usable
from sightline.learn import machine
from sightline.run.bundle import open_bundle
from sightline.tables import NETWORKS, network_entry
from sightline.verbs.baseline import baseline_facts, check_possible, run_baseline
from sightline.verbs.check_copies import find_copies
from sightline.verbs.check_findings import examine, placed, unreadable, worst_first
from sightline.verbs.common import need_torch
from sightline.verbs.tell import Teller
from sightline.verbs.train_data import named, opened, remembered
from sightline.verbs.training_options import Parts, Settings, TrainOptions

if TYPE_CHECKING:
    from sightline.learn.run_folder import RunFolder
    from sightline.model import Model

NEAR_AT_MOST = 10_000
"""Nearly equal images are looked for among so many at most: for 70,000 small ones it took 8 s of a training's time.
`sightline check` looks for them in data of any size."""


def train(data: Any = None, labels: Any = None, *, val: Any = None, **given: Any) -> Model:
    """Trains a network and returns the model; everything is kept in the run folder.

    data: a path, the word `digits`, a Dataset, or an array of images with `labels`; val: (images, labels), a path or a
    Dataset for choosing the best epoch. Options: see TrainOptions, and those of the task and the network. `resume=RUN`
    goes on with a run; one that learns from arrays must be given them again. Raises SightlineError for bad options and
    bad data; Ctrl-C keeps the best so far.
    """
    from sightline.model import Model

    given.setdefault("progress", "none")
    data = data if labels is None else (data, labels)
    return Model(run_training(data, given, time.monotonic(), val))


def run_training(data: Any, given: Mapping[str, Any], started: float, val: Any = None) -> Path:
    """Trains, or goes on with a run; returns the bundle's path. started: `time.monotonic()` the budget counts from."""
    from sightline.learn.run_folder import name_for, new_run

    given = dict(given)
    resume = given.pop("resume", None)
    config = given.pop("config", None)
    if config:
        given = {**_read_config(Path(config)), **given}
    run: RunFolder | None = None
    if resume:
        run, stored = _resumed(Path(resume), given)
        if _is_finished(run, Teller(str(given.get("progress", "auto")))):
            return run.bundle()
        data, val = remembered(run.path, stored, data, val)
        given = {**stored, **given}
    if data is None:
        raise SightlineError("no data was named", fix="type: sightline train DATA (a path, or the word digits)")
    dataset, task = opened(data, val, given)
    settings = _settings(task, given, resumed=run is not None)
    need_torch("training")
    if settings.train.baseline:
        check_possible(task, dataset)
    machine.prepare()
    teller = Teller(settings.train.progress)
    teller.data(dataset, task)
    if run is None:
        options = settings.to_toml(named(data), named(val))
        run = new_run(name_for(dataset.name), settings.train.out, settings.train.overwrite, options)
    try:
        with run.locked(), memory_errors_told():
            if _is_finished(run, teller):
                return run.bundle()
            parts, spec = _prepare(dataset, task, settings, run, teller)
            if dataset.spans:
                spec = dataclasses.replace(spec, extra={**spec.extra, "spans": dataset.spans})
            return _train_all(run, task, spec, settings, parts, teller, started)
    except BaseException as error:  # Ctrl-C and a full disk, too: the run that was to be replaced must not be lost
        if not resume and not run.restore() and isinstance(error, SightlineError):
            run.remove_if_unused()
        raise


def _train_all(
    run: RunFolder, task: Task, spec: Spec, settings: Settings, parts: Parts, teller: Teller, started: float
) -> Path:
    """The training that is kept, those that say how far to trust it, and the bundle.

    The baseline comes first: with --time, the network is planned for what is then left.
    """
    from sightline.verbs.repeat import Runner

    budget, kind = settings.train.time, settings.train.baseline
    classical = run_baseline(kind, task, spec, parts, settings.train.seed, teller) if kind else None
    repeats = Runner(run, task, settings, parts, teller, None if budget is None else started + budget)
    main = repeats.main(spec)
    main.fit()
    facts = {} if main.interrupted else repeats.others(main)
    if classical:
        facts["baseline"] = baseline_facts(task, classical, *main.compared())
    return main.write_bundle(started, main.interrupted or repeats.interrupted, facts)


def _is_finished(run: RunFolder, teller: Teller) -> bool:
    finished = run.read_state().get("status") == "done"
    if finished:
        teller.note(f"this run is finished: {run.bundle()}")
    return finished


def _settings(task: Task, given: Mapping[str, Any], resumed: bool) -> Settings:
    """All effective options. resumed: `given` holds them all."""
    options = resolve(TrainOptions, given)
    if options.augment == "auto":
        options = dataclasses.replace(options, augment=task.augment)
    network = network_entry(task.name, options.network).load_options()
    _reject_foreign(given, task, options.network, network)
    reject_unknown(given, [TrainOptions, task.Options, network])
    if options.epochs and options.time:
        raise SightlineError("--epochs and --time exclude each other", fix="give one of them")
    series = [f"--{name}" for name in ("folds", "seeds", "curve") if getattr(options, name)]
    if len(series) > 1:
        raise SightlineError(f"{' and '.join(series)} are a series of trainings each", fix="give one of them at a time")
    if options.baseline and options.folds:
        raise SightlineError("--baseline needs one part that judges, and --folds has many", fix="give one of them")
    before = {} if resumed or options.init is None else _options_before(options.init, task, options.network, network)
    own = resolve(network, {**before, **given})
    if options.freeze and not (options.init or options.weights or getattr(own, "pretrained", False)):
        more = ", --pretrained" if hasattr(own, "pretrained") else ""
        raise SightlineError(
            "--freeze trains the last layer only, and without weights the others stay as chance made them",
            fix=f"leave it out, or start from weights: --init BUNDLE, --weights FILE{more}",
        )
    return Settings(options, resolve(task.Options, given), own)


def _options_before(path: Path, task: Task, name: str, network: type) -> dict[str, Any]:
    """The network's own options in a bundle of the same task and network: its weights fit no network of another size,
    and that may have been fitted to a time."""
    spec = open_bundle(path).spec.without_download()
    own = {field.name for field in dataclasses.fields(network)}
    same = (spec.task, spec.network) == (task.name, name)
    return {key: value for key, value in spec.options.items() if key in own} if same else {}


def _reject_foreign(given: Mapping[str, Any], task: Task, network: str, own: type) -> None:
    """Raises for an option of another network than the one that is trained, saying whose it is."""
    known = {field.name for cls in (TrainOptions, task.Options, own) for field in dataclasses.fields(cls)}
    for name in given:
        owners = [
            entry.named or other
            for other, entry in NETWORKS[task.name].items()
            if name not in known and name in {field.name for field in dataclasses.fields(entry.load_options())}
        ]
        if owners:
            flag = "--" + name.replace("_", "-")
            raise SightlineError(
                f"{flag} is an option of {', '.join(owners)}, and this run trains {network}",
                fix=f"leave it out, or choose the network: --network {owners[0]}",
            )


def _read_config(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return {
            k.replace("-", "_"): v
            for k, v in tomllib.loads(path.read_text(encoding="utf-8", errors="surrogateescape")).items()
            if k not in ("data", "val")
        }
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SightlineError(f"the options file cannot be read ({error})", str(path)) from None


def _resumed(path: Path, given: Mapping[str, Any]) -> tuple[RunFolder, dict[str, Any]]:
    """The run, and its options."""
    from sightline.learn.run_folder import RunFolder

    run = RunFolder(path)
    stored = run.read_options()
    extra = sorted(set(given) - {"progress", "workers"})
    if extra:
        raise SightlineError(
            f"--resume takes its options from the run, so --{extra[0].replace('_', '-')} cannot be given",
            fix=f"type: sightline train --resume {path}",
        )
    return run, stored


def _prepare(dataset: Dataset, task: Task, settings: Settings, run: RunFolder, teller: Teller) -> tuple[Parts, Spec]:
    """One pass over the images: cache, splits, check. Raises SightlineError where training makes no sense."""
    options = settings.train
    spec = task.spec(dataset, dataset.probe(options.max_pixels), options.network, settings.for_spec())
    spec = _as_before(task, spec, run.spec_before(options.init))
    side = max(length or 0 for length in spec.inputs["image"].shape[:2])
    scanned = scan(
        dataset,
        lambda image: task.preprocess(image, spec),
        side,
        options.workers,
        options.max_pixels,
        run.path,
        teller.reading(len(dataset)),
        (lambda _, pixels: thumbnail(pixels)) if len(dataset) <= NEAR_AT_MOST else None,
        spec.free_axes,
    )
    whole, bad = dataset, unreadable(dataset, scanned)
    good = usable(scanned, dataset.images.name, options.max_bad)
    if len(good) < len(dataset):
        dataset, scanned = dataset.take(good), scanned.take(good)
        # A class may have lost all its images.
        spec = dataclasses.replace(
            spec, classes=task.spec(dataset, dataset.probe(options.max_pixels), options.network, {}).classes
        )
    splits = split.assign(dataset.splits, task.strata(dataset), scanned.hashes, dataset.groups, options.seed)
    noticed = examine(task, dataset, scanned, splits, find_copies(dataset, scanned, options.max_pixels))
    findings = worst_first(bad + [placed(finding, good) for finding in noticed])
    teller.findings(findings)
    for finding in findings:
        if finding.level == "error":
            raise SightlineError(finding.message, dataset.name, "see everything: sightline check DATA")
    teller.splits(splits, spec)
    return Parts(dataset, scanned, splits, whole, tuple(findings)), spec


def _as_before(task: Task, spec: Spec, before: Spec | None) -> Spec:
    """The spec with what the weights that the training begins with are used to, where the task has such things."""
    used_to = getattr(task, "used_to", None)
    return used_to(spec, before) if used_to and before and before.task == task.name else spec


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline train DATA`: progress, the result, and what to type next; or one JSON document."""
    from sightline.learn.run_folder import process_age
    from sightline.verbs.common import one_target, print_json, task_named
    from sightline.verbs.tell import report_of, tell_trained

    started = time.monotonic() - process_age()
    data = one_target(target, "train") if target or not given.get("resume") else None
    given = {**({"progress": "none"} if as_json else {}), **given}
    path = run_training(data, given, started)
    bundle = open_bundle(path)
    card = bundle.card
    if as_json:
        page = report_of(path)
        made = {"report": str(page)} if page.exists() else {}
        print_json({"bundle": str(path), "run": str(path.parent), **made, **card})
    else:
        tell_trained(path, card, data or card["data"]["name"], task_named(bundle.spec.task).metric)
    return 130 if card.get("interrupted") else 0
