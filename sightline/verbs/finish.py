"""From a trained network to a bundle: calibrate, export, prove, score, write."""

from __future__ import annotations

import io
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from sightline.core.spec import Spec
from sightline.core.task import Arrays, Learner, Task
from sightline.data.scan import Scan
from sightline.data.split import fingerprint
from sightline.learn.deploy import TorchRunner, export_graph, prove_parity
from sightline.run import bundle
from sightline.run.runner import OnnxRunner
from sightline.verbs.about import versions
from sightline.verbs.evaluate import worst
from sightline.verbs.judge import compared_all, predictions_in, scores_of, some_outputs
from sightline.verbs.remember import remember

if TYPE_CHECKING:
    from sightline.verbs.training_options import Parts

PROVEN = 64
"""Real inputs on which the export is held against the network."""

IN_CARD = 200
"""Items and rows of a finding that the card keeps: ten thousand copies do not make a huge card."""


def finish(
    path: Path,
    task: Task,
    learner: Learner,
    spec: Spec,
    network: nn.Module,
    parts: Parts,
    facts: Mapping[str, Any],
    started: float,
) -> None:
    """Writes the bundle of a network on the CPU. facts: what the card says beside data, scores and versions.

    Temperature and thresholds are fitted on val. Raises SightlineError where the exported graph and the network differ.
    """
    cpu = torch.device("cpu")
    val_set, val_scan = parts.part("val")
    places, outputs = some_outputs(task, TorchRunner(network, learner, spec, cpu), val_scan, spec)
    spec = task.calibrate(outputs, list(val_set.targets[places]), spec, val_scan.sizes[places])
    memory = bool(facts["options"].get("memory"))
    spec = spec.without_download()  # the bundle holds the weights
    graph = export_graph(network, learner, spec, memory)
    runner = OnnxRunner(graph)
    ours = TorchRunner(network, learner, spec, cpu, features=memory)
    parity = max(prove_parity(ours, runner, inputs) for inputs in _some(val_scan))
    scores: dict[str, Any] = dict(facts.get("scores", {}))
    for name in ("val", "test"):
        dataset, scan = parts.part(name)
        if len(dataset):
            compared, predicted = compared_all(task, predictions_in(task, runner, scan, spec), dataset.targets, spec)
            scores[name] = scores_of(task, compared, spec).to_dict()
            scores[name]["worst"] = worst(task, dataset, predicted, compared)
    card: dict[str, Any] = {
        "data": _describe(parts),
        "check": [finding.to_dict(IN_CARD) for finding in parts.findings],
        **facts,
        "notes": list(spec.extra.get("notes", [])),
        "scores": scores,
        "parity": parity,
        "versions": versions(),
        "machine": {"cpu": platform.machine(), "threads": torch.get_num_threads()},
        "seconds": round(time.monotonic() - started, 1),
    }
    members = {
        "model.onnx": graph,
        "model.safetensors": _weights(network),
        "assets/trained_on.npy": _trained_on(parts.part("train")[1]),
    }
    if memory:
        members |= remember(task, runner, *parts.part("train"), spec).to_members()
    bundle.save(path, spec, card, members)


def _some(scan: Scan) -> Iterator[Arrays]:
    """The inputs of about 64 examples, in batches of equal shapes."""
    left = PROVEN
    for places, inputs in scan.batches(PROVEN):
        yield {key: values[:left] for key, values in inputs.items()}
        left -= len(places)
        if left <= 0:
            return


def _describe(parts: Parts) -> dict[str, Any]:
    names, counts = np.unique(parts.splits, return_counts=True)
    return {
        "name": parts.dataset.name,
        "format": parts.dataset.format,
        "fingerprint": fingerprint(parts.scan.hashes, parts.dataset.targets),
        "split_given": bool((parts.dataset.splits != "").any()),
        "counts": dict(zip(names.tolist(), counts.tolist(), strict=True)),
    }


def _trained_on(scan: Scan) -> bytes:
    """The pixel hashes of the training part, sorted: how `evaluate` knows an image that it was trained on."""
    file = io.BytesIO()
    np.save(file, np.unique(scan.hashes), allow_pickle=False)
    return file.getvalue()


def _weights(network: nn.Module) -> bytes:
    return save({k: v.clone(memory_format=torch.contiguous_format) for k, v in network.state_dict().items()})
