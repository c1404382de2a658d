"""One training from prepared data to a written bundle, resumable at every moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sightline.core.errors import SightlineError
from sightline.core.ragged import together
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Scores, Task
from sightline.data.dataset import Dataset
from sightline.data.scan import Inputs
from sightline.data.split import fingerprint
from sightline.learn import balance
from sightline.learn import checkpoint as checkpoints
from sightline.learn.augment import Changes, choose
from sightline.learn.batches import Batches
from sightline.learn.deploy import TorchRunner
from sightline.learn.loop import Moment, Trainer
from sightline.learn.plan import Budget, Plan, as_long_as, default_batch
from sightline.learn.preview import preview
from sightline.learn.teacher import Teacher
from sightline.verbs.finish import finish
from sightline.verbs.judge import all_outputs, compare_all, judge, predictions_of, some_outputs
from sightline.verbs.planning import EXPORT_SECONDS, device_named, make_network, plan_by_epochs, plan_by_time
from sightline.verbs.reporting_training import write_training_report

if TYPE_CHECKING:
    from sightline.learn.run_folder import RunFolder
    from sightline.verbs.tell import Teller
    from sightline.verbs.training_options import Parts, Settings

SAVE_EVERY, SAVE_SOONEST = 30.0, 2.0
"""Seconds between checkpoints within a long epoch; in a short budget twenty times within it."""


MOST_IMAGES, MOST_LINES = 128, 16
"""Of the default batch; a line holds many things to learn from."""


class Training:
    """Holds what a run needs while it lasts: the trainer, the best so far, the history."""

    def __init__(
        self,
        run: RunFolder,
        task: Task,
        spec: Spec,
        settings: Settings,
        parts: Parts,
        teller: Teller,
        deadline: float | None,
        like: Training | None = None,
    ) -> None:
        """deadline: `time.monotonic()` at which it must be done, for --time. like: the training that this one
        repeats: with --time, it sees as many images, and no speed is measured again."""
        self.run, self.task, self.spec, self.options, self.teller = run, task, spec, settings.train, teller
        self.parts, self.deadline, self.settings, self.like = parts, deadline, settings, like
        self.device = device_named(self.options.device)
        self.learner = task.learner()
        self.train_set, self.train_scan = parts.part("train")
        self.val_set, self.val_scan = parts.part("val")
        if not len(self.val_set) or not len(self.train_set):
            raise _unsplit(parts.dataset)
        self.spec = task.from_train(self.train_set, self._begun(spec))
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {"score": None, "epoch": 0}
        self.interrupted = False
        self.budget: Budget | None = None
        self.resumed = run.checkpoint.exists()
        self.batches = self._batches()
        teacher = self.options.teacher
        self.teacher = Teacher(teacher, self.learner, self.spec, self.device) if teacher else None
        self.trainer = self._trainer()

    def _begun(self, spec: Spec) -> Spec:
        """Where only the train part tells the classes: the spec with those that the run, or `--init`, begins with."""
        before = self.run.spec_before(self.options.init)
        return dataclasses.replace(spec, classes=before.classes) if before and not spec.classes else spec

    def _batches(self) -> Batches:
        targets = [
            self.task.encode(target, (int(w), int(h)), self.spec)
            for target, (w, h) in zip(self.train_set.targets, self.train_scan.sizes, strict=True)
        ]
        joined: Inputs = {key: together([one[key] for one in targets]) for key in targets[0]}
        kinds = self.task.kinds(self.train_set)
        called = "classes" if self.spec.classes else "ranges of values"
        self.balance = balance.choose(self.options.balance, kinds, called)
        if "uneven" in self.balance.why or self.options.balance not in ("auto", "none"):
            self.teller.note(self.balance.why)
        counts = balance.importance(kinds)
        if self.balance.way == "weights":
            joined["weight"] = counts
        often = counts if self.balance.way == "sampler" else None
        plan = self.run.read_state().get("plan")
        usual = default_batch(len(targets), MOST_LINES if self.spec.free_axes else MOST_IMAGES)
        size = plan["batch"] if plan else self.options.batch or usual
        size, seed = min(size, len(targets)), self.options.seed
        return Batches(self.train_scan.cache, self.train_scan.rows, joined, size, seed, often)

    def _trainer(self) -> Trainer:
        """Follows the stored plan, or makes and stores one; then takes up the last checkpoint, if there is one."""
        state = self.run.read_state()
        found = fingerprint(self.parts.scan.hashes, self.parts.dataset.targets)
        if state.get("data", found) != found:
            raise SightlineError(
                "the data has changed since this run began",
                str(self.run.path),
                "train anew, into another run: --out RUN",
            )
        if "plan" not in state:
            plan = self._plan()
            self.run.write_state(plan=plan.to_json(), data=found, status="running", spec=self.spec.to_json())
        else:
            plan = Plan(**state["plan"])
            self.spec = dataclasses.replace(self.spec, options=state["spec"]["options"])
        network = make_network(self.learner, self.spec, self.options, self.resumed)
        trainer = Trainer(self.learner, network, self.spec, plan, self.device, self.teacher)
        if self.run.checkpoint.exists():
            saved = checkpoints.read(self.run.checkpoint)
            trainer.restore(saved)
            self.history, self.best = saved.meta["history"], saved.meta["best"]
            self.teller.note(f"going on after step {trainer.step:,} of {plan.steps:,}")
        return trainer

    def _plan(self) -> Plan:
        if self.like or self.deadline is None:
            network = make_network(self.learner, self.spec, self.options)
            plan = plan_by_epochs(network, self.spec, self.batches, self.options)
            if self.like and self.like.budget and self.deadline:
                pace = self.like.budget.pace
                self.budget = Budget(self.deadline, dataclasses.replace(pace, bundle=pace.bundle - EXPORT_SECONDS))
            return as_long_as(plan, self.like.trainer.plan) if self.like and self.options.time else plan
        plan, self.spec, pace = plan_by_time(
            self.learner,
            self.spec,
            self.batches,
            self.options,
            self._policy(),
            self._judge,
            self.deadline,
            self.teacher,
        )
        self.budget = Budget(self.deadline, pace)
        return plan

    def _judge(self, runner: TorchRunner) -> Scores:
        return judge(self.task, runner, self.val_scan, self.val_set.targets, self.spec)

    def _policy(self) -> Changes:
        return choose(self.options.augment, self.spec.inputs["image"].shape[-1] or 3, self.task.content)

    def fit(self) -> None:
        """Trains to the plan's end, or to Ctrl-C: then it is `interrupted`."""
        policy = self._policy()
        if self.resumed and (self.trainer.step >= self.trainer.plan.steps or self._patience_is_over()):
            return
        self.teller.begin(self.trainer.plan, self.trainer.step)
        try:
            for moment in self.trainer.fit(self.batches, policy, self.teller.pause(self._save_every())):
                late = self.budget is not None and self.budget.is_over()
                if moment.finished or late:
                    self._end_epoch(moment)
                elif self.teller.within(moment):
                    self._save()
                if late or self._patience_is_over():
                    break
        except KeyboardInterrupt:
            if not self.run.best.exists():
                self.teller.note(f"nothing to keep yet; to begin again: sightline train --resume {self.run.path}")
                raise
            self.interrupted = True

    def _end_epoch(self, moment: Moment) -> None:
        scores = self._val_scores()
        score = scores.metrics[self.task.metric]
        row = {"epoch": moment.epoch, "step": moment.step, "loss": moment.loss}
        row |= {f"val_{name}": value for name, value in scores.metrics.items()}
        self.history.append(row)
        # Of equal scores the later wins: its learning rate was lower and its average longer.
        if self.best["score"] is None or score >= self.best["score"]:
            self.best = {"score": score, "epoch": moment.epoch}
            checkpoints.write(self.run.best, checkpoints.Checkpoint({"network": dict(self.trainer.average.tensors)}))
        self._save()
        self.run.write_metrics(self.history)
        self.teller.epoch(row, self.task.told, is_best=self.best["epoch"] == moment.epoch)

    def _val_scores(self) -> Scores:
        network = self._averaged()
        return self._judge(TorchRunner(network, self.learner, self.spec, self.device, fast=True))

    def _averaged(self, tensors: dict[str, torch.Tensor] | None = None) -> torch.nn.Module:
        """A second network that holds the average (or the given tensors); the training one is not touched."""
        if not hasattr(self, "_second"):
            second: Any = self.learner.network(self.spec.without_download())
            self._second: torch.nn.Module = second.to(self.device, memory_format=torch.channels_last)
        self._second.load_state_dict(tensors or self.trainer.average.tensors)
        return self._second.eval()

    def _save_every(self) -> float:
        return min(SAVE_EVERY, max(SAVE_SOONEST, (self.options.time or float("inf")) / 20))

    def _save(self) -> None:
        """The plan is fitted to the time left before it is saved, so that a resumed run follows it to the letter."""
        if self.budget:
            plan = self.budget.fitted(self.trainer.plan, self.trainer.step)
            if (
                self.like is None or plan.steps < self.trainer.plan.steps
            ):  # a repeat is never longer than what it repeats
                self.trainer.plan = plan
                self.teller.replanned(plan)
        state = self.trainer.save()
        state.meta |= {"history": self.history, "best": self.best}
        checkpoints.write(self.run.checkpoint, state)

    def _patience_is_over(self) -> bool:
        patience = self.options.patience
        return (
            patience is not None and bool(self.history) and self.history[-1]["epoch"] - self.best["epoch"] >= patience
        )

    def best_network(self) -> torch.nn.Module:
        """The weights with the best val score, ready to answer."""
        return self._averaged(checkpoints.read(self.run.best).tensors["network"])

    def answers(self) -> tuple[str, list[Arrays], Spec]:
        """The part that judges (test, or val where there is none), the calibrated outputs over it, and the spec."""
        network = self.best_network()
        runner = TorchRunner(network, self.learner, self.spec, self.device)
        places, outputs = some_outputs(self.task, runner, self.val_scan, self.spec)
        targets, sizes = list(self.val_set.targets[places]), self.val_scan.sizes[places]
        spec = self.task.calibrate(outputs, targets, self.spec, sizes)
        name = "test" if (self.parts.splits == "test").any() else "val"
        runner = TorchRunner(network, self.learner, spec, self.device)
        return name, all_outputs(self.task, runner, self.parts.part(name)[1], spec), spec

    def compared(self) -> tuple[list[Comparison], Spec]:
        """The answers held against the targets of the part that judges, and the calibrated spec."""
        part, outputs, spec = self.answers()
        dataset, scan = self.parts.part(part)
        return compare_all(self.task, predictions_of(self.task, outputs, scan.sizes, spec), dataset.targets, spec), spec

    def write_bundle(self, started: float, interrupted: bool, more: Mapping[str, Any]) -> Path:
        """Calibrates, exports, proves, scores and writes the bundle. more: what the card says beside."""
        self.teller.note("writing the bundle")
        facts = {
            "options": self.settings.to_json(),
            "plan": self.trainer.plan.to_json(),
            "best": self.best,
            "history": self.history,
            "balance": self.balance.to_json(),
            "interrupted": interrupted,
            "device": str(self.device),
            **more,
        }
        network = self.best_network().cpu()
        finish(self.run.bundle(), self.task, self.learner, self.spec, network, self.parts, facts, started)
        if not interrupted:
            self.close()
        self._write_report()
        return self.run.bundle()

    def close(self, **state: Any) -> None:
        """The run is done: what resuming needed goes."""
        self.run.write_state(status="done", **state)
        self.run.checkpoint.unlink(missing_ok=True)
        self.run.best.unlink(missing_ok=True)

    def _write_report(self) -> None:
        """The bundle is safe by now: a report that cannot be written is told, and takes nothing with it."""
        batch = preview(self.batches, self._policy(), self.spec)
        try:
            write_training_report(self.run.bundle(), self.task, self.parts, self.settings, batch)
        except SightlineError as error:
            self.teller.note(f"there is no report: {error}")


def _unsplit(dataset: Dataset) -> SightlineError:
    """The error for data of which train or val is empty."""
    groups = set[str]() if dataset.groups is None else set(dataset.groups.tolist())
    if len(groups) == 1 and "" not in groups and len(dataset) > 1:
        what = f"all images are of one group, {groups.pop()!r}, and a group is never split into train and val"
        return SightlineError(what, dataset.name, "name more groups in the column `group`, or leave it out")
    return SightlineError("the data is too small to be split into train and val", dataset.name)
