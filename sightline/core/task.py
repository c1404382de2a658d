"""The contract between verbs and tasks: written once, for all tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.core.predictions import Prediction
from sightline.core.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from sightline.data.dataset import Dataset, Probe

Arrays = dict[str, NDArray[Any]]
"""Named arrays; the keys are fixed by the task: image, label, boxes, mask, text, probabilities …"""

Runner = Callable[[Arrays], Arrays]
"""Arrays with a batch axis in, arrays with a batch axis out."""

Size = tuple[int, int]
"""(width, height) of an image in its own pixels."""


@dataclass(frozen=True)
class Finding:
    """One thing that `check` has to say: what, how bad, about which examples."""

    code: str
    level: str
    """`error`: training refuses; `warning`: results will suffer; `note`: good to know."""
    message: str
    items: tuple[str, ...] = ()
    count: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**vars(self), "items": list(self.items)}


@dataclass(frozen=True)
class Comparison:
    """One prediction held against its target: counts that add up, and an `error` to rank by."""

    error: float
    counts: Mapping[str, Any]


@dataclass(frozen=True)
class Scores:
    """What the comparisons add up to. `metrics` are scalars; the rest is plain JSON."""

    metrics: dict[str, float]
    per_class: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    confusion: list[list[int]] = field(default_factory=list[list[int]])
    curves: dict[str, Any] = field(default_factory=dict[str, Any])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is empty is left out."""
        return {name: value for name, value in vars(self).items() if value}


class Task(Protocol):
    """The numpy half of a task: works where torch is not installed."""

    name: ClassVar[str]
    target: ClassVar[str]
    """The kind of target it learns, as `Dataset.target` names it."""
    metric: ClassVar[str]
    """The metric that chooses the best network on val; higher is better."""
    columns: ClassVar[tuple[str, ...]]
    """The keys of `Prediction.to_dict` that make a row of a CSV file."""
    Options: ClassVar[type]

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """All that must be known to predict, from the training data and the options."""
        ...

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_]) -> list[Finding]:
        """What is wrong with the targets as a whole."""
        ...

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) the stratum of each example, for splits."""
        ...

    def preprocess(self, image: NDArray[np.uint8], spec: Spec) -> Arrays:
        """ONE example without batch axis, from (height, width, 1 or 3) pixels; used by train AND predict."""
        ...

    def encode(self, target: Any, size: Size, spec: Spec) -> Arrays:
        """ONE target in fixed keys."""
        ...

    def infer(self, runner: Runner, inputs: Arrays, spec: Spec) -> Arrays:
        """A batch through the network."""
        ...

    def postprocess(self, outputs: Arrays, size: Size, spec: Spec) -> Prediction:
        """ONE prediction in the image's own pixels."""
        ...

    def compare(self, prediction: Prediction, target: Any, spec: Spec) -> Comparison:
        """ONE prediction against its target."""
        ...

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """Scalars, per-class table, curves, confusion."""
        ...

    def calibrate(self, outputs: Arrays, targets: Sequence[Any], spec: Spec) -> Spec:
        """The spec with temperature and thresholds fitted on val; `outputs` come from the uncalibrated network."""
        ...

    def learner(self) -> Learner:
        """The one door to torch."""
        ...


class Learner(Protocol):
    """The torch half of a task."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network with fresh weights: normalised images (batch, channel, height, width) in, raw outputs out."""
        ...

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """Holds "loss", a scalar; the rest is logged."""
        ...

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """The named outputs of the graph from normalised images: the network, then softmax or decoding."""
        ...
