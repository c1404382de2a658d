"""Multilabel: any number of labels for each image. The numpy half: all that predicting and judging need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.predictions import LabelsPrediction, Prediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Finding, Learner, Runner, Scores, Size, Tally
from sightline.data.dataset import Dataset, Probe
from sightline.data.image import Pixels
from sightline.data.labels import names_in
from sightline.tasks.multilabel import check, scores
from sightline.tasks.multilabel.options import MultilabelOptions
from sightline.tasks.whole import inputs as whole
from sightline.tasks.whole.answers import ByClass


class Multilabel(ByClass):
    """None, one or several labels; a probability for each class by itself. Targets are texts, see `data.labels`."""

    name = "multilabel"
    target = "labels"
    metric = "map"
    told = "map"
    columns = ("label", "confidence")
    content = "scene"
    augment = "light"
    survives = frozenset({"exposure", "scale", "rotation"})
    one_label = False
    Options = MultilabelOptions

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """Classes in the data's own order, or in natural order; a square input."""
        return whole.make_spec(self.name, network, check.classes_of(dataset), probe, options)

    def from_train(self, dataset: Dataset, spec: Spec) -> Spec:
        """Nothing that `spec` does not know."""
        return spec

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
        """Labels too rare or too common, images without any, labels that always occur together."""
        return check.findings(dataset, splits)

    def tally(self, dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
        """Images that hold each label; one image may count in several rows."""
        return whole.tally((names_in(text) for text in dataset.targets.tolist()), splits)

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) number of the rarest label of each example."""
        return check.strata(dataset)

    def kinds(self, dataset: Dataset) -> NDArray[np.bool_]:
        """(n, classes) the labels of each image."""
        return check.membership(dataset.targets.tolist(), check.classes_of(dataset))

    def preprocess(self, image: Pixels, spec: Spec) -> Arrays:
        """{"image": uint8 (height, width, channel)}: stretched to the input's square, nothing is cut off."""
        return whole.preprocess(image, spec)

    def encode(self, target: Any, size: Size, spec: Spec) -> Arrays:
        """{"labels": float32 (classes,)} of 0 and 1. Raises SightlineError for a class that the spec does not have."""
        unknown = [name for name in names_in(str(target)) if name not in spec.classes]
        if unknown:
            raise SightlineError(f"the class {unknown[0]!r} is not among the model's classes")
        return {"labels": check.membership([target], spec.classes)[0].astype(np.float32)}

    def infer(self, runner: Runner, inputs: Arrays, spec: Spec) -> Arrays:
        """One call of the graph."""
        return runner(inputs)

    def postprocess(self, outputs: Arrays, size: Size, spec: Spec) -> LabelsPrediction:
        """From {"probabilities": float32 (classes,)}."""
        probabilities = np.asarray(outputs["probabilities"], np.float32)
        if len(probabilities) != len(spec.classes):
            raise SightlineError(f"the graph knows {len(probabilities)} classes, and the spec {len(spec.classes)}")
        if not np.isfinite(probabilities).all():
            raise SightlineError("the network's probabilities are not finite numbers", fix="train with a smaller --lr")
        return LabelsPrediction(probabilities, spec.classes, tuple(scores.thresholds_of(spec)))

    def compare(self, prediction: Prediction, target: Any, spec: Spec) -> Comparison:
        """The error is the binary cross-entropy, summed over the classes; a label unknown to the model is missed."""
        assert isinstance(prediction, LabelsPrediction)
        names = names_in(str(target))
        truth = check.membership([target], spec.classes)[0]
        unknown = len(names) - int(truth.sum())
        right = np.where(truth, prediction.probabilities, 1 - prediction.probabilities)
        nll = -np.log(np.maximum(right.astype(np.float64), 1e-12)).sum() - unknown * np.log(1e-12)
        return Comparison(float(nll), {"truth": truth, "probabilities": prediction.probabilities, "unknown": unknown})

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """map, macro_f1, micro_f1, exact, ece; a row a class with its average precision and threshold; curves."""
        return scores.summarize(_columns(comparisons), spec)

    def intervals(self, comparisons: Sequence[Comparison], spec: Spec) -> dict[str, list[float]]:
        """The 95 % intervals of the metrics."""
        return scores.intervals(_columns(comparisons), spec)

    def names(self, target: Any, spec: Spec) -> frozenset[str]:
        """The labels."""
        return frozenset(names_in(str(target)))

    def truth_text(self, target: Any) -> str:
        """The names with `;` between them."""
        return str(target)

    def calibrate(
        self, outputs: Sequence[Arrays], targets: Sequence[Any], spec: Spec, sizes: NDArray[np.int32] | None = None
    ) -> Spec:
        """The spec with the temperature that fits val best, and for each class the threshold of best F1 on val."""
        return scores.calibrate(
            check.membership(targets, spec.classes), np.stack([one["probabilities"] for one in outputs]), spec
        )

    def learner(self) -> Learner:
        """Imports torch."""
        from sightline.tasks.multilabel.learner import MultilabelLearner

        return MultilabelLearner()


def _columns(comparisons: Sequence[Comparison]) -> scores.Answers:
    return scores.Answers(
        np.stack([c.counts["truth"] for c in comparisons]),
        np.stack([c.counts["probabilities"] for c in comparisons]),
        np.array([c.counts["unknown"] for c in comparisons], np.int64),
    )
