"""The contract between verbs and tasks: written once, for all tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from sightline.core.predictions import Prediction
from sightline.core.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from sightline.data.dataset import Dataset, Probe
    from sightline.data.image import Pixels

Arrays = dict[str, NDArray[Any]]
"""Named arrays; the keys are fixed by the task: image, label, boxes, mask, text, probabilities …"""

Runner = Callable[[Arrays], Arrays]
"""Arrays with a batch axis in, arrays with a batch axis out."""

Size = tuple[int, int]
"""(width, height) of an image in its own pixels."""

Tally = dict[str, dict[str, int]]
"""What a table of the data counts: a name to {split: number of examples}."""


IN_GROUP = 24
"""Images of a group that are kept where a finding is cut short."""


@dataclass(frozen=True)
class Finding:
    """One thing that `check` has to say: what, how bad, about which examples."""

    code: str
    level: str
    """`error`: training refuses; `warning`: results will suffer; `note`: good to know."""
    message: str
    items: tuple[str, ...] = ()
    count: int = 0
    rows: tuple[Mapping[str, Any], ...] = ()
    """The same items for programs, where they are images: plain JSON, with `images`, their places in the data, and what
    is known of them (`labels`, `splits`, `distance`, `suggested` …)."""

    def to_dict(self, most: int | None = None) -> dict[str, Any]:
        """Plain JSON values; `rows` only where there are some.

        most: how many items and rows are kept; `count` still counts all. A row of a large group is then cut too, and
        says in `of` how many images it is about.
        """
        plain = {**vars(self), "items": list(self.items)[:most], "rows": [_cut(row, most) for row in self.rows[:most]]}
        if most is not None:
            plain["count"] = max(self.count, len(self.items))
        return plain if self.rows else {name: value for name, value in plain.items() if name != "rows"}


def _cut(row: Mapping[str, Any], most: int | None) -> dict[str, Any]:
    count = len(row.get("images", ()))
    if most is None or count <= IN_GROUP:
        return dict(row)
    cut: dict[str, Any] = {}
    for name, value in row.items():
        cut[name] = cast("list[Any]", value)[:IN_GROUP] if isinstance(value, list) else value
    return {**cut, "of": count}


@dataclass(frozen=True)
class Comparison:
    """One prediction held against its target: counts that add up, and an `error` to rank by.

    score: what this example adds to the task's main metric, where that is a mean over examples (1 for right and 0
        for wrong, say); None where it is not.
    """

    error: float
    counts: Mapping[str, Any]
    score: float | None = None


@dataclass(frozen=True)
class Scores:
    """What the comparisons add up to. `metrics` are scalars; the rest is plain JSON.

    intervals: [low, high] of metrics, with 95 % confidence.
    """

    metrics: dict[str, float]
    per_class: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    confusion: list[list[int]] = field(default_factory=list[list[int]])
    curves: dict[str, Any] = field(default_factory=dict[str, Any])
    intervals: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is empty is left out."""
        return {name: value for name, value in vars(self).items() if value}


class Task(Protocol):
    """The numpy half of a task: works where torch is not installed.

    Seven powers are optional, and a verb asks whether a task has them: `find` (the regions of a page), `suspects`
    (which labels are probably wrong), `paint` and `colours` (truth and answer drawn on the image, and what its colours
    mean), `places` (true where its predictions are `core.places.Places`, into which a second model can look),
    `merge` (the answers of overlapping windows as that of the whole image), `used_to` (a spec with what in the images
    the weights of an earlier model are used to: for `train --init`).

    The halves of it that other hosts need stand beside it once more, found by the task's name: `standalone.py` in its
    folder (plain Python), `page/tasks/NAME.js` (pixels to inputs, outputs to the answer, in the browser; see
    `page/engine.js`) and `page/views/NAME.js` (how the page shows an answer; see `page/views/parts.js`).
    """

    name: ClassVar[str]
    target: ClassVar[str]
    """The kind of target it learns, as `Dataset.target` names it: `label`, `labels`, `value` …"""
    metric: ClassVar[str]
    """The metric that chooses the best network on val; higher is better, 1 is perfect."""
    told: ClassVar[str]
    """The metric that people are told after each epoch: the same one, or how the field says it."""
    columns: ClassVar[tuple[str, ...]]
    """The keys of `Prediction.to_dict` that make a row of a CSV file."""
    augment: ClassVar[str]
    """What `--augment auto` stands for: `none` where mirroring or turning an image may change its target."""
    content: ClassVar[str]
    """What an image shows, which says how training may change it (`learn.augment`): a `scene`, or a `line` of text."""
    survives: ClassVar[frozenset[str]]
    """The shifts of an image (`data.corrupt.SHIFTS`) after which its target is still true: `exposure` nearly always;
    `scale` and `rotation` where the target says nothing of places, sizes or directions."""
    one_label: ClassVar[bool]
    """Whether each example has exactly one class: `encode` then gives its number as {"label"}, and the outputs hold
    {"probabilities"}, (n, classes). Where not, `--baseline` cannot be asked for."""
    Options: ClassVar[type]

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """All that must be known to predict, from the training data and the options."""
        ...

    def from_train(self, dataset: Dataset, spec: Spec) -> Spec:
        """The spec with what only the train part may teach: a charset, a language model, mean and spread."""
        ...

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
        """What is wrong with the targets as a whole; sizes: (n, 2) width and height of each image."""
        ...

    def tally(self, dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
        """How many examples hold what, by split: a row a class, or a row a range of numbers."""
        ...

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) the kind of each example, such as its class: shared out alike among splits and folds."""
        ...

    def kinds(self, dataset: Dataset) -> NDArray[np.int64] | NDArray[np.bool_]:
        """What `--balance` evens out: the strata, or (n, classes) bool where an example may hold several classes."""
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
        """Scalars, per-class table, curves, confusion; no intervals, so that it is quick."""
        ...

    def intervals(self, comparisons: Sequence[Comparison], spec: Spec) -> dict[str, list[float]]:
        """The 95 % intervals [low, high] of the metrics of `summarize`; `core.statistics` helps."""
        ...

    def names(self, target: Any, spec: Spec) -> frozenset[str]:
        """The classes (of a text: the characters) that the target holds, those unknown to the model among them."""
        ...

    def truth_text(self, target: Any) -> str:
        """The target as people read it."""
        ...

    def calibrate(
        self, outputs: Sequence[Arrays], targets: Sequence[Any], spec: Spec, sizes: NDArray[np.int32] | None = None
    ) -> Spec:
        """The spec with temperature and thresholds fitted on val.

        outputs: one entry an example, without batch axis, from the uncalibrated network. sizes: (n, 2) width and height
        of each image; as large as the input where they are not given.
        """
        ...

    def item(self, prediction: Prediction, spec: Spec, label: str | None, item: int | None) -> int:
        """The number of the thing that is explained: what `label` names, or the `item`-th answer as `predict` lists
        them, counted from 1; the first answer where neither is given.

        Raises SightlineError for a label that does not exist and an item out of range.
        """
        ...

    def item_text(self, prediction: Prediction, item: int, spec: Spec) -> tuple[str, float | None]:
        """That thing in words, and how sure the model is of it, 0..1; None where the task does not say."""
        ...

    def evidence(self, outputs: Arrays, reference: Arrays, item: int, spec: Spec) -> NDArray[np.float64]:
        """(batch,) in 0..1: how strongly each answer backs the item.

        outputs: with batch axis; reference: the outputs of the whole image, without one, in which the item was found.
        """
        ...

    def to_image(self, values: NDArray[np.float32], image: Pixels, size: Size, spec: Spec) -> NDArray[np.float32]:
        """A map over the input's pixels (height, width) as one over the image's own: undoes `preprocess`.

        size: width and height of the map that is wanted, which may be those of a larger copy of the image.
        """
        ...

    def learner(self) -> Learner:
        """The one door to torch."""
        ...


class Learner(Protocol):
    """The torch half of a task."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network with fresh weights: normalised images (batch, channel, height, width) in, raw outputs out.

        It names its `cam_layer`, the last with feature maps, and its `head`, the last of all: modules of its own.
        """
        ...

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """Holds "loss", a scalar, and "raw", the raw outputs that it was computed from.

        targets["weight"], (batch,) float32, multiplies the loss of each example, where it is there (`--balance`).
        """
        ...

    def distance(self, student: Tensor, teacher: Tensor, spec: Spec, taught: Spec) -> Tensor:
        """(batch,) how far raw outputs of one network are from those of another on the same images: what `--teacher`
        makes small.

        spec: of the student; taught: of the teacher, with the same classes. The size of their inputs may differ.
        """
        ...

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """The named outputs of the graph from normalised images: the network, then softmax or decoding."""
        ...

    def views(self, spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
        """What is done to normalised images before the network sees them; raw outputs are averaged over the views.

        Each view keeps the size and is its own inverse, on feature maps (batch, channel, height, width) too.
        """
        ...

    def evidence(self, raw: Tensor, reference: Arrays, item: int, spec: Spec) -> Tensor:
        """(batch,) the log-odds of `Task.evidence`, from raw outputs: differentiable, and it does not saturate."""
        ...
