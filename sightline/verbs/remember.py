"""What a bundle keeps of its training images when asked to: features and names, for `explain --nearest`."""

from __future__ import annotations

import numpy as np

from sightline.core.spec import Spec
from sightline.core.task import Runner, Task
from sightline.data.dataset import Dataset
from sightline.data.scan import Scan
from sightline.explain.nearest import Memory
from sightline.verbs.judge import outputs_of


def remember(task: Task, runner: Runner, dataset: Dataset, scanned: Scan, spec: Spec) -> Memory:
    """The memory of a training part, from a graph that gives "features"."""
    found = {place: out["features"].astype(np.float16) for place, out in outputs_of(task, runner, scanned, spec)}
    features = np.stack([found[place] for place in range(len(scanned))])
    names = [dataset.images.name(index) for index in range(len(dataset))]
    return Memory(features, names, [task.truth_text(target) for target in dataset.targets])
