"""A small network, trained in memory within minutes and thrown away: to learn something about the data."""

from __future__ import annotations

import copy

import numpy as np
import torch

from sightline.core.spec import Spec
from sightline.core.task import Learner
from sightline.data.dataset import Indices
from sightline.data.scan import Inputs
from sightline.learn.augment import choose
from sightline.learn.batches import Batches, keyed
from sightline.learn.deploy import TorchRunner
from sightline.learn.loop import Trainer
from sightline.learn.optimizer import default_lr, is_scale_free
from sightline.learn.plan import make_plan, small_side

SEEN = 60_000
"""Images seen in all, each as often as it takes; more would learn the wrong labels by heart."""
MOST_STEPS = 400
"""Where the batches are small, so many steps do."""
LARGEST_BATCH = 128
LINES_SEEN, LINES_BATCH = 20_000, 16
"""Of lines, which cost more each and hold many things to learn from."""


def quick_runner(
    learner: Learner, spec: Spec, inputs: Inputs, rows: Indices, targets: Inputs, seed: int, content: str
) -> TorchRunner:
    """A network trained on the examples whose inputs lie in `rows` of `inputs`, with (n, …) encoded `targets`.

    content: what the images show, which says how they may be changed. How many there are and nothing else decides how
    long: about SEEN images, an epoch at least. On the GPU if there is one.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    count = len(rows)
    torch.manual_seed(keyed(seed, "weights"))
    network = learner.network(spec)
    seen, largest = (LINES_SEEN, LINES_BATCH) if spec.free_axes else (SEEN, LARGEST_BATCH)
    batches = Batches(inputs, rows, targets, min(count, largest, _batch(count)), seed)
    most = seen // count if spec.free_axes else MOST_STEPS // batches.per_epoch
    epochs = max(1, min(seen // count, most))
    side = min(length or 0 for length in spec.inputs["image"].shape[:2])
    small = small_side(side, is_scale_free(network))
    plan = make_plan(count, batches.size, epochs, default_lr(network, batches.size), small)
    trainer = Trainer(learner, network, spec, plan, device)
    for _ in trainer.fit(batches, choose("auto", spec.inputs["image"].shape[-1] or 3, content), np.inf):
        pass
    averaged = copy.deepcopy(network)
    averaged.load_state_dict(trainer.average.tensors)
    return TorchRunner(averaged, learner, spec, device, fast=True)


def _batch(count: int) -> int:
    """Small enough for some steps an epoch, a power of two from 8 to 128."""
    return min(LARGEST_BATCH, max(8, 1 << max(0, (count // 12).bit_length() - 1)))
