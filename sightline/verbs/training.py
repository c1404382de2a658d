"""One training from prepared data to a written bundle, resumable at every moment."""

from __future__ import annotations

import copy
import platform
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
from sightline.learn.batches import Batches, keyed
from sightline.learn.deploy import TorchRunner, export_graph, prove_parity
from sightline.learn.loop import Moment, Trainer
from sightline.learn.plan import EXPORT_SECONDS, Plan, fit_to_time, make_plan, seconds_per_step
from sightline.learn.start import freeze_all_but_head, start_from_bundle, start_from_file
from sightline.run import bundle
from sightline.run.runner import OnnxRunner
from sightline.verbs.judge import all_outputs, judge

if TYPE_CHECKING:
    from sightline.learn.run_folder import RunFolder
    from sightline.verbs.tell import Teller
    from sightline.verbs.train import Parts, Settings

SAVE_EVERY = 30.0
"""Seconds between checkpoints within a long epoch."""
PROVEN = 64
"""Real inputs on which the export is held against the network."""


class Training:
    """Holds what a run needs while it lasts: the trainer, the best so far, the history."""

    def __init__(
        self, run: RunFolder, task: Task, spec: Spec, settings: Settings, parts: Parts, teller: Teller, started: float
    ) -> None:
        self.run, self.task, self.spec, self.options, self.teller = run, task, spec, settings.train, teller
        self.parts, self.started, self.settings = parts, started, settings
        self.device = _device(self.options.device)
        self.learner = task.learner()
        self.train_set, self.train_scan = parts.part("train")
        self.val_set, self.val_scan = parts.part("val")
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {"score": -1.0, "epoch": 0}
        self.interrupted = False
        self.resumed = run.checkpoint.exists()
        torch.manual_seed(keyed(self.options.seed, "weights"))
        network = self.learner.network(spec)
        if self.options.weights:
            start_from_file(network, self.options.weights)
        if self.options.init:
            start_from_bundle(network, self.options.init)
        if self.options.freeze:
            freeze_all_but_head(network)
        self.batches = self._batches()
        self.trainer = self._trainer(network)

    def _batches(self) -> Batches:
        targets = [
            self.task.encode(target, (int(w), int(h)), self.spec)
            for target, (w, h) in zip(self.train_set.targets, self.train_scan.sizes, strict=True)
        ]
        joined: Arrays = {key: np.stack([one[key] for one in targets]) for key in targets[0]}
        plan = self.run.read_state().get("plan")
        size = plan["batch"] if plan else make_plan(len(targets), *self._wanted()).batch
        return Batches(self.train_scan.cache, joined, min(size, len(targets)), self.options.seed)

    def _wanted(self) -> tuple[int | None, int | None, float | None, str]:
        options = self.options
        return options.epochs, options.batch, options.lr, options.network

    def _trainer(self, network: torch.nn.Module) -> Trainer:
        """Follows the stored plan, or makes and stores one; then takes up the last checkpoint, if there is one."""
        state = self.run.read_state()
        found = fingerprint(self.parts.scan.hashes, self.parts.dataset.targets)
        if state.get("data", found) != found:
            raise SightlineError(
                "the data has changed since this run began",
                str(self.run.path),
                "train anew, into another run: --out RUN",
            )
        if "plan" in state:
            plan = Plan(**state["plan"])
        else:
            plan = make_plan(self.batches.count, *self._wanted())
            if self.options.time:
                plan = self._fit_to_time(plan, network)
            self.run.write_state(plan=plan.to_json(), data=found, status="running")
        trainer = Trainer(self.learner, network, self.spec, plan, self.device)
        if self.run.checkpoint.exists():
            saved = checkpoints.read(self.run.checkpoint)
            trainer.restore(saved)
            self.history, self.best = saved.meta["history"], saved.meta["best"]
            self.teller.note(f"going on after step {trainer.step:,} of {plan.steps:,}")
        return trainer

    def _fit_to_time(self, plan: Plan, network: torch.nn.Module) -> Plan:
        trial = Trainer(self.learner, copy.deepcopy(network), self.spec, plan, self.device)
        policy = self._policy()
        order = self.batches.order(0)
        per_step = seconds_per_step(lambda place: trial.train_step(self.batches, order, place, policy), plan.per_epoch)
        begun = time.monotonic()
        judge(
            self.task,
            TorchRunner(trial.network.eval(), self.learner, self.spec, self.device),
            self.val_scan,
            self.val_set.targets,
            self.spec,
        )
        per_epoch = time.monotonic() - begun
        test_share = (self.parts.splits == "test").sum() / max(1, len(self.val_set))
        left = (
            (self.options.time or 0.0)
            - (time.monotonic() - self.started)
            - EXPORT_SECONDS
            - per_epoch * (2 + test_share)
        )
        return fit_to_time(plan, per_step, per_epoch, left)

    def _policy(self) -> Policy:
        return choose(self.options.augment, self.spec.inputs["image"].shape[-1] or 3)

    def finish(self) -> Path:
        """Trains to the plan's end, or to Ctrl-C; then calibrates, exports, proves, scores and writes the bundle."""
        policy = self._policy()
        self.teller.begin(self.trainer.plan, self.trainer.step, self.batches.count)
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
        runner = TorchRunner(network, self.learner, self.spec, self.device)
        return judge(self.task, runner, self.val_scan, self.val_set.targets, self.spec)

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
        network = self._averaged(checkpoints.read(self.run.best).tensors["network"])
        runner = TorchRunner(network, self.learner, self.spec, self.device)
        outputs = all_outputs(self.task, runner, self.val_scan, self.spec)
        spec = self.task.calibrate(outputs, list(self.val_set.targets), self.spec)
        network = network.cpu()
        graph = export_graph(network, self.learner, spec)
        exported = OnnxRunner(graph)
        sample = {key: np.asarray(values[:PROVEN]) for key, values in self.val_scan.cache.items()}
        calibrated = TorchRunner(network, self.learner, spec, torch.device("cpu"))
        difference = prove_parity(calibrated, exported, sample)
        card = self._card(spec, exported, difference)
        members = {
            "model.onnx": graph,
            "model.safetensors": _weights(network),
            "assets/trained_on.npy": self._trained_on(),
        }
        bundle.save(self.run.bundle(), spec, card, members)
        if not self.interrupted:
            self.run.write_state(status="done")
            self.run.checkpoint.unlink(missing_ok=True)
            self.run.best.unlink(missing_ok=True)
        return self.run.bundle()

    def _card(self, spec: Spec, runner: OnnxRunner, difference: float) -> dict[str, Any]:
        from sightline.verbs.about import versions

        scores = {"val": judge(self.task, runner, self.val_scan, self.val_set.targets, spec).to_dict()}
        test_set, test_scan = self.parts.part("test")
        if len(test_set):
            scores["test"] = judge(self.task, runner, test_scan, test_set.targets, spec).to_dict()
        names, counts = np.unique(self.parts.splits, return_counts=True)
        return {
            "data": {
                "name": self.parts.dataset.name,
                "format": self.parts.dataset.format,
                "fingerprint": fingerprint(self.parts.scan.hashes, self.parts.dataset.targets),
                "split_given": bool((self.parts.dataset.splits != "").any()),
                "counts": dict(zip(names.tolist(), counts.tolist(), strict=True)),
            },
            "options": {k: str(v) if isinstance(v, Path) else v for k, v in self._effective().items() if v is not None},
            "plan": self.trainer.plan.to_json(),
            "best": self.best,
            "scores": scores,
            "parity": difference,
            "seconds": round(time.monotonic() - self.started, 1),
            "interrupted": self.interrupted,
            "versions": versions(),
            "machine": {"cpu": platform.machine(), "threads": torch.get_num_threads(), "device": str(self.device)},
        }

    def _effective(self) -> dict[str, Any]:
        settings = self.settings
        return {**vars(settings.train), **vars(settings.task), **vars(settings.network)}

    def _trained_on(self) -> bytes:
        """The pixel hashes of the training part, sorted: how `evaluate` knows an image that it was trained on."""
        import io

        file = io.BytesIO()
        np.save(file, np.unique(self.train_scan.hashes), allow_pickle=False)
        return file.getvalue()


def _weights(network: torch.nn.Module) -> bytes:
    from safetensors.torch import save

    return save(
        {
            name: tensor.contiguous().clone(memory_format=torch.contiguous_format)
            for name, tensor in network.state_dict().items()
        }
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
        return device
    except Exception:
        raise SightlineError(
            f"the device {name!r} is not there", fix="leave --device out, or say: --device cpu"
        ) from None
