"""Regress: a number for each image. The numpy half: all that predicting and judging need."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.predictions import Prediction, ValuePrediction, number_text
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Finding, Learner, Runner, Scores, Size, Tally
from sightline.data.dataset import Dataset, Probe
from sightline.data.image import Pixels
from sightline.tasks.regress import check, scores
from sightline.tasks.regress.options import RegressOptions
from sightline.tasks.whole import inputs as whole

NO_TRUTH = 1e30
"""The error of an answer that cannot be compared with a number."""


class Regress:
    """One number, in the unit of the targets. `spec.extra` holds their `mean` and `scale`, and the `margin` of val."""

    name = "regress"
    target = "value"
    metric = "r2"
    told = "r2"
    columns = ("value", "low", "high")
    content = "scene"
    augment = "none"
    survives = frozenset({"exposure"})
    one_label = False
    Options = RegressOptions

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """No classes; mean and spread of the values that are not kept for val or test; a square input."""
        values = dataset.targets.astype(np.float64)
        values = values[np.isfinite(values) & np.isin(dataset.splits, ("", "train"))]
        scale = float(values.std()) if len(values) else 0.0
        extra = {"mean": float(values.mean()) if len(values) else 0.0, "scale": scale or 1.0, "margin": None}
        return whole.make_spec(self.name, network, (), probe, options, extra)

    def from_train(self, dataset: Dataset, spec: Spec) -> Spec:
        """Nothing that `spec` does not know."""
        return spec

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
        """Values that are not finite, all equal, or far from the others; a val or test part beyond the train part."""
        return check.findings(dataset, splits)

    def tally(self, dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
        """Images in each range of values."""
        return check.tally(dataset, splits)

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) the tenth of the values in which each example lies."""
        return check.strata(dataset.targets.astype(np.float64))

    def kinds(self, dataset: Dataset) -> NDArray[np.int64]:
        """The strata."""
        return self.strata(dataset)

    def preprocess(self, image: Pixels, spec: Spec) -> Arrays:
        """{"image": uint8 (height, width, channel)}: stretched to the input's square, nothing is cut off."""
        return whole.preprocess(image, spec)

    def encode(self, target: Any, size: Size, spec: Spec) -> Arrays:
        """{"value": float32 ()}, in its own unit. Raises SightlineError for what is not finite."""
        if not np.isfinite(float(target)):
            raise SightlineError(f"the value {target} is not a finite number")
        return {"value": np.array(target, np.float32)}

    def infer(self, runner: Runner, inputs: Arrays, spec: Spec) -> Arrays:
        """One call of the graph."""
        return runner(inputs)

    def postprocess(self, outputs: Arrays, size: Size, spec: Spec) -> ValuePrediction:
        """From {"value": float32 ()}."""
        value = float(outputs["value"])
        if not np.isfinite(value):
            raise SightlineError("the network's value is not a finite number", fix="train with a smaller --lr")
        return ValuePrediction(value, spec.extra.get("margin"))

    def compare(self, prediction: Prediction, target: Any, spec: Spec) -> Comparison:
        """The error is the distance between both numbers."""
        assert isinstance(prediction, ValuePrediction)
        truth = float(target)
        error = abs(prediction.value - truth) if np.isfinite(truth) else NO_TRUTH
        return Comparison(error, {"truth": truth, "value": prediction.value})

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """r2, mae, rmse, coverage of the margin; over the targets that are numbers."""
        return Scores(scores.metrics(*_columns(comparisons), spec.extra.get("margin")))

    def intervals(self, comparisons: Sequence[Comparison], spec: Spec) -> dict[str, list[float]]:
        """The 95 % intervals of the metrics."""
        return scores.intervals(*_columns(comparisons), spec.extra.get("margin"))

    def names(self, target: Any, spec: Spec) -> frozenset[str]:
        """Numbers have none; what is no finite number counts as a name that the model lacks."""
        return frozenset() if np.isfinite(float(target)) else frozenset((str(target),))

    def truth_text(self, target: Any) -> str:
        """The number."""
        return number_text(float(target))

    def calibrate(
        self, outputs: Sequence[Arrays], targets: Sequence[Any], spec: Spec, sizes: NDArray[np.int32] | None = None
    ) -> Spec:
        """The spec with the margin within which 90 % of the truths lie."""
        values = np.array([one["value"] for one in outputs], np.float64)
        margin = scores.margin_of(np.array(targets, np.float64), values)
        return dataclasses.replace(spec, extra={**spec.extra, "margin": margin})

    def item(self, prediction: Prediction, spec: Spec, label: str | None, item: int | None) -> int:
        """0: there is but one number."""
        if label is not None:
            raise SightlineError(
                f"there is no label {label!r}: this model answers with a number", fix="leave --label out"
            )
        if item not in (None, 1):
            raise SightlineError(f"--item {item} is out of range: the answer is one number", fix="leave --item out")
        return 0

    def item_text(self, prediction: Prediction, item: int, spec: Spec) -> tuple[str, float | None]:
        """The number; how sure is not known for it alone."""
        assert isinstance(prediction, ValuePrediction)
        return number_text(prediction.value), None

    def evidence(self, outputs: Arrays, reference: Arrays, item: int, spec: Spec) -> NDArray[np.float64]:
        """Sigmoid of the distance from the mean of the training targets, in their spread, towards the answer's side.

        What backs a high answer makes it high, and what backs a low one makes it low; the mean itself has 0.5.
        """
        mean, scale = spec.extra["mean"], spec.extra["scale"]
        side = 1.0 if float(reference["value"]) >= mean else -1.0
        return 1 / (1 + np.exp(-side * (outputs["value"].astype(np.float64) - mean) / scale))

    def to_image(self, values: NDArray[np.float32], image: Pixels, size: Size, spec: Spec) -> NDArray[np.float32]:
        """The input was stretched, so the map is stretched back."""
        return whole.to_image(values, size)

    def learner(self) -> Learner:
        """Imports torch."""
        from sightline.tasks.regress.learner import RegressLearner

        return RegressLearner()


def _columns(comparisons: Sequence[Comparison]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Truths and values, (n,) each, of the comparisons whose truth is a number; one zero each where there is none."""
    pairs = [(c.counts["truth"], c.counts["value"]) for c in comparisons if np.isfinite(c.counts["truth"])]
    table = np.array(pairs or [(0.0, 0.0)], np.float64)
    return table[:, 0], table[:, 1]
