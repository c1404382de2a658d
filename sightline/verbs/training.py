"""One training from prepared data to a written bundle, resumable at every moment."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Scores, Task
from sightline.data.split import fingerprint
from sightline.learn import checkpoint as checkpoints
from sightline.learn.augment import Policy, choose
from sightline.learn.batches import Batches
from sightline.learn.deploy import TorchRunner
from sightline.learn.loop import Moment, Trainer
from sightline.learn.plan import (
    Plan,
    default_batch,
)
from sightline.verbs.finish import finish
from sightline.verbs.judge import judge
from sightline.verbs.planning import device_named, make_network, plan_by_epochs, plan_by_time

if TYPE_CHECKING:
    from sightline.learn.run_folder import RunFolder
    from sightline.verbs.tell import Teller
    from sightline.verbs.training_options import Parts, Settings

SAVE_EVERY = 30.0
"""Seconds between checkpoints within a long epoch."""


class Training:
    """Holds what a run needs while it lasts: the trainer, the best so far, the history."""

    def __init__(
        self, run: RunFolder, task: Task, spec: Spec, settings: Settings, parts: Parts, teller: Teller, started: float
    ) -> None:
        self.run, self.task, self.spec, self.options, self.teller = run, task, spec, settings.train, teller
        self.parts, self.started, self.settings = parts, started, settings
        self.device = device_named(self.options.device)
        self.learner = task.learner()
        self.train_set, self.train_scan = parts.part("train")
        self.val_set, self.val_scan = parts.part("val")
        if not len(self.val_set) or not len(self.train_set):
            raise SightlineError("the data is too small to be split into train and val", parts.dataset.name)
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {"score": -1.0, "epoch": 0}
        self.interrupted = False
        self.resumed = run.checkpoint.exists()
        self.batches = self._batches()
        self.trainer = self._trainer()

    def _batches(self) -> Batches:
        targets = [
            self.task.encode(target, (int(w), int(h)), self.spec)
            for target, (w, h) in zip(self.train_set.targets, self.train_scan.sizes, strict=True)
        ]
        joined: Arrays = {key: np.stack([one[key] for one in targets]) for key in targets[0]}
        plan = self.run.read_state().get("plan")
        size = plan["batch"] if plan else self.options.batch or default_batch(len(targets))
        return Batches(self.train_scan.cache, self.train_scan.rows, joined, min(size, len(targets)), self.options.seed)

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
            self.run.write_state(plan=plan.to_json(), options=self.spec.options, data=found, status="running")
        else:
            plan = Plan(**state["plan"])
            self.spec = dataclasses.replace(self.spec, options=state["options"])
        network = make_network(self.learner, self.spec, self.options, self.resumed)
        trainer = Trainer(self.learner, network, self.spec, plan, self.device)
        if self.run.checkpoint.exists():
            saved = checkpoints.read(self.run.checkpoint)
            trainer.restore(saved)
            self.history, self.best = saved.meta["history"], saved.meta["best"]
            self.teller.note(f"going on after step {trainer.step:,} of {plan.steps:,}")
        return trainer

    def _plan(self) -> Plan:
        if self.options.time is None:
            network = make_network(self.learner, self.spec, self.options)
            return plan_by_epochs(network, self.spec, self.batches, self.options)
        plan, self.spec = plan_by_time(
            self.learner, self.spec, self.batches, self.options, self._policy(), self._judge,
            self.started + self.options.time,
        )  # fmt: skip
        return plan

    def _judge(self, runner: TorchRunner) -> Scores:
        return judge(self.task, runner, self.val_scan, self.val_set.targets, self.spec)

    def _policy(self) -> Policy:
        return choose(self.options.augment, self.spec.inputs["image"].shape[-1] or 3)

    def run_to_end(self) -> Path:
        """Trains to the plan's end, or to Ctrl-C; then calibrates, exports, proves, scores and writes the bundle."""
        policy = self._policy()
        if self.resumed and self._patience_is_over():
            return self._write_bundle()
        self.teller.begin(self.trainer.plan, self.trainer.step)
        try:
            for moment in self.trainer.fit(self.batches, policy, self.teller.pause(SAVE_EVERY)):
                late = self._time_is_over()
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
        return self._write_bundle()

    def _end_epoch(self, moment: Moment) -> None:
        scores = self._val_scores()
        score = scores.metrics[self.task.metric]
        row = {"epoch": moment.epoch, "step": moment.step, "loss": moment.loss}
        row |= {f"val_{name}": value for name, value in scores.metrics.items()}
        self.history.append(row)
        # Of equal scores the later wins: its learning rate was lower and its average longer.
        if score >= self.best["score"]:
            self.best = {"score": score, "epoch": moment.epoch}
            checkpoints.write(self.run.best, checkpoints.Checkpoint({"network": dict(self.trainer.average.tensors)}))
        self._save()
        self.run.write_metrics(self.history)
        self.teller.epoch(row, self.task.metric, is_best=self.best["epoch"] == moment.epoch)

    def _val_scores(self) -> Scores:
        network = self._averaged()
        return self._judge(TorchRunner(network, self.learner, self.spec, self.device))

    def _averaged(self, tensors: dict[str, torch.Tensor] | None = None) -> torch.nn.Module:
        """A second network that holds the average (or the given tensors); the training one is not touched."""
        if not hasattr(self, "_second"):
            second: Any = self.learner.network(self.spec)
            self._second: torch.nn.Module = second.to(self.device, memory_format=torch.channels_last)
        self._second.load_state_dict(tensors or self.trainer.average.tensors)
        return self._second.eval()

    def _save(self) -> None:
        state = self.trainer.save()
        state.meta |= {"history": self.history, "best": self.best}
        checkpoints.write(self.run.checkpoint, state)

    def _patience_is_over(self) -> bool:
        patience = self.options.patience
        return (
            patience is not None and bool(self.history) and self.history[-1]["epoch"] - self.best["epoch"] >= patience
        )

    def _time_is_over(self) -> bool:
        """The machine became slower than it was when the plan was made: better a good model now than a late one."""
        budget = self.options.time
        return budget is not None and not self.resumed and time.monotonic() - self.started > budget

    def _write_bundle(self) -> Path:
        self.teller.note("writing the bundle")
        network = self._averaged(checkpoints.read(self.run.best).tensors["network"]).cpu()
        facts = {
            "options": self.settings.to_json(),
            "plan": self.trainer.plan.to_json(),
            "best": self.best,
            "interrupted": self.interrupted,
            "device": str(self.device),
        }
        finish(self.run.bundle(), self.task, self.learner, self.spec, network, self.parts, facts, self.started)
        if not self.interrupted:
            self.run.write_state(status="done")
            self.run.checkpoint.unlink(missing_ok=True)
            self.run.best.unlink(missing_ok=True)
        return self.run.bundle()
