"""Classify: a label for each image. The numpy half: all that predicting and judging need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.predictions import ClassPrediction, Prediction
from sightline.core.spec import Input, Spec
from sightline.core.task import Arrays, Comparison, Finding, Learner, Runner, Scores, Size
from sightline.data.dataset import Dataset, Probe
from sightline.data.image import Pixels, resize, to_channels
from sightline.tasks.classify import scores
from sightline.tasks.classify.options import ClassifyOptions

TUTORIAL_SIDE = 28
SMALLEST_SIDE, LARGEST_SIDE = 8, 224
TOO_FEW, FEW = 5, 30
"""Images of a class: below the first, training refuses; below the second, it warns."""


class Classify:
    """One label of several; probabilities that add up to 1."""

    name = "classify"
    target = "label"
    metric = "accuracy"
    columns = ("label", "confidence")
    Options = ClassifyOptions

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """Classes in natural order, a square input; `imgsz` among the options overrides the side."""
        classes = dataset.classes or tuple(sorted(set(dataset.targets.tolist()), key=_natural))
        side = options.get("imgsz") or (TUTORIAL_SIDE if network in ("cnn", "crnn") else _side(probe))
        mean, std = (127.5,) * probe.channels, (64.0,) * probe.channels
        shape = (int(side), int(side), probe.channels)
        # Where training mirrors images (colour ones, see learn.augment), `auto` looks at both views when it predicts.
        mirror = network == "auto" and probe.channels == 3 and options.get("augment", "none") != "none"
        extra = {"mirror": mirror}
        return Spec(
            self.name, network, classes, {"image": Input("uint8", shape)}, mean, std, dict(options), extra=extra
        )

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_]) -> list[Finding]:
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
                text = f"classes with fewer than {high} images: {_some(small)}"
                findings.append(Finding("small_class", level, text, tuple(small), len(small)))
        ratio = counts.max() / counts.min()
        if ratio >= 3:
            text = f"uneven classes: the largest has {ratio:.1f} times the images of the smallest"
            findings.append(Finding("imbalance", "note" if ratio < 10 else "warning", text, count=len(names)))
        for split in np.unique(splits):
            lacking = sorted(set(names) - set(dataset.targets[splits == split]))
            if lacking:
                text = f"classes without an image in {split}: {_some(lacking)}"
                findings.append(Finding("class_not_in_split", "warning", text, tuple(lacking), len(lacking)))
        return findings

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) number of the class of each example."""
        return np.unique(dataset.targets, return_inverse=True)[1].astype(np.int64)

    def preprocess(self, image: Pixels, spec: Spec) -> Arrays:
        """{"image": uint8 (height, width, channel)}: stretched to the input's square, nothing is cut off."""
        height, width, channels = spec.inputs["image"].shape
        assert height and width and channels, "classify has a fixed input"
        return {"image": to_channels(resize(image, (width, height)), channels)}

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
        truth = spec.classes.index(str(target)) if str(target) in spec.classes else -1
        probability = float(prediction.probabilities[truth]) if truth >= 0 else 0.0
        counts = {"truth": truth, "probabilities": prediction.probabilities}
        return Comparison(-float(np.log(max(probability, 1e-12))), counts)

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """accuracy, top5 (more than 5 classes), macro_f1, nll, ece; per class precision, recall, f1, support."""
        truth = np.array([c.counts["truth"] for c in comparisons], np.int64)
        probabilities = np.stack([c.counts["probabilities"] for c in comparisons])
        return scores.summarize(truth, probabilities, spec.classes)

    def calibrate(self, outputs: Arrays, targets: Sequence[Any], spec: Spec) -> Spec:
        """The spec with the temperature that fits val best."""
        truth = np.array([spec.classes.index(str(target)) for target in targets], np.int64)
        return scores.with_temperature(outputs["probabilities"], truth, spec)

    def learner(self) -> Learner:
        """Imports torch."""
        from sightline.tasks.classify.learner import ClassifyLearner

        return ClassifyLearner()


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts 2 before 10, and texts as usual."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _side(probe: Probe) -> int:
    """The input of `auto`: the images' own shorter side up to 224, in steps of 8 above 32."""
    side = min(max(min(probe.width, probe.height), SMALLEST_SIDE), LARGEST_SIDE)
    return side if side <= 32 else side // 8 * 8


def _some(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
