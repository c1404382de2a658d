"""Classify: a label for each image. The numpy half: all that predicting and judging need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.predictions import ClassPrediction, Prediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Finding, Learner, Runner, Scores, Size, Tally
from sightline.data.dataset import Dataset, Probe
from sightline.data.image import Pixels
from sightline.tasks.classify import scores
from sightline.tasks.classify.options import ClassifyOptions
from sightline.tasks.classify.suspects import confident_learning
from sightline.tasks.whole import inputs as whole
from sightline.tasks.whole.answers import ByClass

TOO_FEW, FEW = 5, 30
"""Images of a class: below the first, training refuses; below the second, it warns."""


class Classify(ByClass):
    """One label of several; probabilities that add up to 1."""

    name = "classify"
    target = "label"
    metric = "accuracy"
    told = "accuracy"
    columns = ("label", "confidence")
    content = "scene"
    augment = "light"
    survives = frozenset({"exposure", "scale", "rotation"})
    one_label = True
    Options = ClassifyOptions

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """Classes in natural order, a square input; `imgsz` among the options overrides the side."""
        classes = dataset.classes or whole.in_natural_order(dataset.targets.tolist())
        return whole.make_spec(self.name, network, classes, probe, options)

    def from_train(self, dataset: Dataset, spec: Spec) -> Spec:
        """Nothing that `spec` does not know."""
        return spec

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
        """Too few classes, classes too small to learn, imbalance, classes that a split lacks."""
        names, counts = np.unique(dataset.targets, return_counts=True)
        findings: list[Finding] = []
        if len(names) < 2:
            found = f"only one class, {str(names[0])!r}" if len(names) else "no class at all"
            findings.append(Finding("one_class", "error", f"{found}: a classifier needs at least 2", count=len(names)))
            return findings
        for level, low, high in (("error", 0, TOO_FEW), ("warning", TOO_FEW, FEW)):
            small = [f"{n} ({c})" for n, c in zip(names, counts, strict=True) if low <= c < high]
            if small:
                text = f"classes with fewer than {high} images: {whole.some(small)}"
                findings.append(Finding("small_class", level, text, tuple(small), len(small)))
        ratio = counts.max() / counts.min()
        if ratio >= 3:
            text = f"uneven classes: the largest has {ratio:.1f} times the images of the smallest"
            findings.append(Finding("imbalance", "note" if ratio < 10 else "warning", text, count=len(names)))
        for split in np.unique(splits):
            lacking = sorted(set(names) - set(dataset.targets[splits == split]))
            if lacking:
                text = f"classes without an image in {split}: {whole.some(lacking)}"
                findings.append(Finding("class_not_in_split", "warning", text, tuple(lacking), len(lacking)))
        return findings

    def tally(self, dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
        """Images of each class."""
        return whole.tally(((str(target),) for target in dataset.targets), splits)

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) number of the class of each example."""
        return np.unique(dataset.targets, return_inverse=True)[1].astype(np.int64)

    def kinds(self, dataset: Dataset) -> NDArray[np.int64]:
        """The strata."""
        return self.strata(dataset)

    def preprocess(self, image: Pixels, spec: Spec) -> Arrays:
        """{"image": uint8 (height, width, channel)}: stretched to the input's square, nothing is cut off."""
        return whole.preprocess(image, spec)

    def encode(self, target: Any, size: Size, spec: Spec) -> Arrays:
        """{"label": int64 ()}. Raises SightlineError for a class that the spec does not have."""
        try:
            return {"label": np.array(spec.classes.index(str(target)), np.int64)}
        except ValueError:
            raise SightlineError(f"the class {str(target)!r} is not among the model's classes") from None

    def infer(self, runner: Runner, inputs: Arrays, spec: Spec) -> Arrays:
        """One call of the graph."""
        return runner(inputs)

    def postprocess(self, outputs: Arrays, size: Size, spec: Spec) -> ClassPrediction:
        """From {"probabilities": float32 (classes,)}."""
        probabilities = np.asarray(outputs["probabilities"], np.float32)
        if len(probabilities) != len(spec.classes):
            raise SightlineError(f"the graph knows {len(probabilities)} classes, and the spec {len(spec.classes)}")
        if not np.isfinite(probabilities).all():
            raise SightlineError("the network's probabilities are not finite numbers", fix="train with a smaller --lr")
        return ClassPrediction(probabilities, spec.classes)

    def compare(self, prediction: Prediction, target: Any, spec: Spec) -> Comparison:
        """A target that the model does not know has truth -1 and counts as wrong."""
        assert isinstance(prediction, ClassPrediction)
        truth = spec.classes.index(str(target)) if str(target) in spec.classes else -1
        probability = float(prediction.probabilities[truth]) if truth >= 0 else 0.0
        counts = {"truth": truth, "probabilities": prediction.probabilities}
        right = float(prediction.probabilities.argmax() == truth)
        return Comparison(-float(np.log(max(probability, 1e-12))), counts, right)

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """accuracy, top5 (more than 5 classes), macro_f1, nll, ece (before calibration too); a row a class with
        precision, recall, f1, support; curves `reliability` and `risk_coverage`; the confusion, truth by answer."""
        return scores.summarize(*_columns(comparisons), spec.classes, spec.temperature)

    def intervals(self, comparisons: Sequence[Comparison], spec: Spec) -> dict[str, list[float]]:
        """Of every metric, where there are two examples or more."""
        return scores.intervals(*_columns(comparisons), spec.temperature)

    def names(self, target: Any, spec: Spec) -> frozenset[str]:
        """The class."""
        return frozenset((str(target),))

    def truth_text(self, target: Any) -> str:
        """The class."""
        return str(target)

    def suspects(self, comparisons: Sequence[Comparison], spec: Spec) -> list[tuple[int, str]]:
        """(place, label it looks like) of the targets that are probably wrong, the worst first.

        comparisons: with answers of networks that have not seen the example.
        """
        truth = np.array([c.counts["truth"] for c in comparisons], np.int64)
        probabilities = np.stack([c.counts["probabilities"] for c in comparisons])
        return [(place, spec.classes[guess]) for place, guess in confident_learning(truth, probabilities)]

    def calibrate(
        self, outputs: Sequence[Arrays], targets: Sequence[Any], spec: Spec, sizes: NDArray[np.int32] | None = None
    ) -> Spec:
        """The spec with the temperature that fits val best."""
        truth = np.array([spec.classes.index(str(target)) for target in targets], np.int64)
        return scores.with_temperature(np.stack([one["probabilities"] for one in outputs]), truth, spec)

    def learner(self) -> Learner:
        """Imports torch."""
        from sightline.tasks.classify.learner import ClassifyLearner

        return ClassifyLearner()


def _columns(comparisons: Sequence[Comparison]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The truths (n,) and the probabilities (n, classes)."""
    truth = np.array([c.counts["truth"] for c in comparisons], np.int64)
    return truth, np.stack([c.counts["probabilities"] for c in comparisons])
