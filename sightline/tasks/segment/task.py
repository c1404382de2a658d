"""Segment: a label for each pixel. The numpy half: all that predicting and judging need."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from sightline.core.calibration import best_temperature
from sightline.core.errors import SightlineError, unknown
from sightline.core.predictions import Prediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Finding, Learner, Runner, Scores, Size, Tally
from sightline.core.windows import Window
from sightline.data.dataset import Dataset, Probe
from sightline.data.draw import class_colour, painted
from sightline.data.image import Pixels, resize_map
from sightline.data.masks import BEYOND, most_probable, resized_labels
from sightline.tasks.segment import check, inputs, scores
from sightline.tasks.segment.options import SegmentOptions
from sightline.tasks.segment.prediction import MaskPrediction, shares_text
from sightline.tasks.segment.targets import classes_of, held_by, names_in, numbers, strata, table_of

if TYPE_CHECKING:
    from PIL.Image import Image

AT_ONCE = 16
"""Images that the graph sees at a time: their maps are large."""
SAMPLED = 20_000
"""Pixels of val by which the temperature is fitted."""


class Segment:
    """The class of each pixel. `spec.extra["seen"]` holds the pixels of each class in the train part."""

    name = "segment"
    target = "mask"
    metric = "miou"
    told = "miou"
    columns = ("label", "confidence")
    content = "places"
    augment = "light"
    survives = frozenset({"exposure"})
    one_label = False
    Options = SegmentOptions

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """The data's classes; an input of the images' usual shape, the longer side `imgsz` or up to 256."""
        mean, std = (127.5,) * probe.channels, (64.0,) * probe.channels
        given = inputs.input_of(probe, options)
        extra = {"seen": [0] * len(dataset.classes), "usual": [probe.width, probe.height]}
        return Spec(self.name, network, tuple(dataset.classes), given, mean, std, dict(options), extra=extra)

    def from_train(self, dataset: Dataset, spec: Spec) -> Spec:
        """How many pixels of each class the train part holds."""
        seen: list[int] = table_of(dataset.targets, spec.classes)[:, :-1].sum(axis=0).tolist()
        return dataclasses.replace(spec, extra={**spec.extra, "seen": seen})

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
        """Masks that are unreadable, of another size or shape, of no class or empty; classes too rare."""
        return check.findings(dataset, splits, sizes)

    def tally(self, dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
        """Images that hold each class."""
        return check.tally(dataset, splits)

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) the rarest class that each image holds."""
        return strata(table_of(dataset.targets, classes_of(dataset)))

    def kinds(self, dataset: Dataset) -> NDArray[np.int64]:
        """The strata."""
        return self.strata(dataset)

    def preprocess(self, image: Pixels, spec: Spec) -> Arrays:
        """{"image": uint8 (height, width, channel)}: stretched to the input, nothing is cut off."""
        return inputs.preprocess(image, spec.inputs["image"].shape)

    def encode(self, target: Any, size: Size, spec: Spec) -> Arrays:
        """{"mask": uint8 (height, width)} class numbers at the size of the input; 255 is ignored.

        Raises SightlineError for a class that the spec does not have, and values that mean nothing.
        """
        missing = sorted(set(target.key.names) - set(spec.classes)) and sorted(names_in(target) - set(spec.classes))
        if missing:
            raise SightlineError(f"the class {missing[0]!r} is not among the model's classes", target.name)
        height, width, _ = spec.inputs["image"].shape
        return {"mask": resized_labels(numbers(target, spec), (width or 0, height or 0))}

    def infer(self, runner: Runner, inputs: Arrays, spec: Spec) -> Arrays:
        """The graph a few images at a time; its maps as float16, which is exact enough and half as large."""
        count = len(inputs["image"])
        parts = [runner({key: one[i : i + AT_ONCE] for key, one in inputs.items()}) for i in range(0, count, AT_ONCE)]
        return {key: np.concatenate([one[key].astype(np.float16) for one in parts]) for key in parts[0]}

    def postprocess(self, outputs: Arrays, size: Size, spec: Spec) -> MaskPrediction:
        """From {"probabilities": (classes, height, width)}: stretched to the image, then the most probable class."""
        probabilities = outputs["probabilities"]
        if probabilities.ndim != 3 or len(probabilities) != len(spec.classes):
            raise SightlineError(f"the graph gives {probabilities.shape}, and there are {len(spec.classes)} classes")
        if not np.isfinite(probabilities).all():
            raise SightlineError("the network's probabilities are not finite numbers", fix="train with a smaller --lr")
        return MaskPrediction(*most_probable(probabilities, size), spec.classes)

    def merge(self, parts: Iterable[tuple[Window, Prediction]], size: Size, spec: Spec) -> MaskPrediction:
        """The masks of overlapping windows as that of the whole image, each for its core."""
        return MaskPrediction.merge(cast("Iterable[tuple[Window, MaskPrediction]]", parts), size)

    def compare(self, prediction: Prediction, target: Any, spec: Spec) -> Comparison:
        """Pixel by pixel at the image's own size; ranked by the mean IoU of the classes of the image."""
        assert isinstance(prediction, MaskPrediction)
        height, width = prediction.classes.shape
        truth = resized_labels(numbers(target, spec), (width, height))
        counts = scores.compared(prediction.classes, prediction.sureness, truth, len(spec.classes))
        return Comparison(scores.error_of(counts["confusion"]), counts)

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """miou, dice, pixel_accuracy, boundary_f, ece; a row a class; the confusion of pixels."""
        return scores.summarize([one.counts for one in comparisons], spec.classes)

    def intervals(self, comparisons: Sequence[Comparison], spec: Spec) -> dict[str, list[float]]:
        """Of all metrics but ece, by resampling images."""
        return scores.intervals([one.counts for one in comparisons], len(spec.classes))

    def names(self, target: Any, spec: Spec) -> frozenset[str]:
        """The classes of the mask."""
        return names_in(target)

    def truth_text(self, target: Any) -> str:
        """The classes that cover most of the mask."""
        held = held_by(target)
        if held is None:
            return f"{target.name} (unreadable)"
        pairs = sorted(zip(target.key.names, held.counts, strict=False), key=lambda pair: -pair[1])
        return shares_text([(name, count / max(1, sum(held.counts))) for name, count in pairs if count])

    def calibrate(
        self, outputs: Sequence[Arrays], targets: Sequence[Any], spec: Spec, sizes: NDArray[np.int32] | None = None
    ) -> Spec:
        """The temperature at which a sample of the pixels of val is least surprising."""
        each = max(1, SAMPLED // max(1, len(outputs)))
        rows = [_sample(one["probabilities"], target, spec, each, i)
                for i, (one, target) in enumerate(zip(outputs, targets, strict=True))]  # fmt: skip
        logs = np.concatenate([row for row, _ in rows])
        truth = np.concatenate([labels for _, labels in rows])

        def nll(temperature: float) -> float:
            scaled = logs / temperature
            scaled = scaled - scaled.max(axis=1, keepdims=True)
            own = np.take_along_axis(scaled, truth[:, None], 1)[:, 0]
            return float((np.log(np.exp(scaled).sum(axis=1)) - own).sum())

        return dataclasses.replace(spec, temperature=best_temperature(nll) if len(truth) else 1.0)

    def item(self, prediction: Prediction, spec: Spec, label: str | None, item: int | None) -> int:
        """The number of the class `label`, or of the class of the `item`-th largest area, counted from 1."""
        assert isinstance(prediction, MaskPrediction)
        if label is not None:
            if label not in spec.classes:
                raise unknown("label", label, spec.classes)
            return spec.classes.index(label)
        place, count = 1 if item is None else item, len(spec.classes)
        if not 1 <= place <= count:
            raise SightlineError(
                f"--item {place} is out of range: the model knows {count} classes",
                fix=f"give 1 (the largest area) to {count}, or a name: --label {spec.classes[0]}",
            )
        pixels = np.bincount(prediction.classes.ravel(), minlength=count)[:count]
        return int(np.argsort(-pixels, kind="stable")[place - 1])

    def item_text(self, prediction: Prediction, item: int, spec: Spec) -> tuple[str, float | None]:
        """The class, its share of the image, and the mean confidence there."""
        assert isinstance(prediction, MaskPrediction)
        inside = prediction.classes == item
        if not inside.any():
            return f"{spec.classes[item]} (nowhere found)", None
        text = f"{spec.classes[item]} ({100 * inside.mean():.0f} % of the image)"
        return text, float(prediction.sureness[inside].mean()) / 255

    def evidence(self, outputs: Arrays, reference: Arrays, item: int, spec: Spec) -> NDArray[np.float64]:
        """The mean probability of the class over the region where it was found; everywhere, where it was not."""
        region = region_of(reference, item)
        return outputs["probabilities"][:, item][:, region].astype(np.float64).mean(axis=1)

    def to_image(self, values: NDArray[np.float32], image: Pixels, size: Size, spec: Spec) -> NDArray[np.float32]:
        """The input was stretched, so the map is stretched back."""
        return resize_map(values, size)

    def paint(self, image: Pixels, what: Any, spec: Spec) -> Image:
        """The image with the classes of a target or a prediction in colours over it, for reports."""
        return painted(image, what.classes if isinstance(what, MaskPrediction) else numbers(what, spec))

    def colours(self, spec: Spec) -> tuple[tuple[str, tuple[int, int, int]], ...]:
        """The classes and their colours."""
        return tuple((name, class_colour(number)) for number, name in enumerate(spec.classes))

    def suspects(self, comparisons: Sequence[Comparison], spec: Spec) -> list[tuple[int, str]]:
        """Places of masks that are probably wrong, and what most speaks for it: see `check.suspects`."""
        return check.suspects([one.error for one in comparisons], [c.counts["confusion"] for c in comparisons], spec)

    def learner(self) -> Learner:
        """Imports torch."""
        from sightline.tasks.segment.learner import SegmentLearner

        return SegmentLearner()


def region_of(reference: Arrays, item: int) -> NDArray[np.bool_]:
    """(height, width) where the class is the most probable one; everywhere, where it is nowhere."""
    region = reference["probabilities"].argmax(axis=0) == item
    return region if region.any() else np.ones_like(region)


def _sample(
    probabilities: NDArray[Any], target: Any, spec: Spec, count: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Log-probabilities (k, classes) and classes (k,) of k <= count pixels that the truth knows."""
    truth = resized_labels(numbers(target, spec), (probabilities.shape[2], probabilities.shape[1])).ravel()
    places = np.flatnonzero(truth < BEYOND)
    if len(places) > count:
        places = np.random.Generator(np.random.Philox(seed)).choice(places, count, replace=False)
    chosen = probabilities.reshape(len(probabilities), -1)[:, places].T.astype(np.float64)
    return np.log(np.maximum(chosen, 1e-7)), truth[places].astype(np.int64)
