"""Detect: boxes with labels. The numpy half: all that predicting and judging need."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from sightline.core.boxes import Boxes
from sightline.core.errors import SightlineError, unknown
from sightline.core.geometry import overlaps
from sightline.core.predictions import Prediction
from sightline.core.spec import Input, Spec
from sightline.core.statistics import by_resampling
from sightline.core.task import Arrays, Comparison, Finding, Learner, Runner, Scores, Size, Tally
from sightline.core.windows import Window
from sightline.data.dataset import Dataset, Probe
from sightline.data.draw import boxed, class_colour
from sightline.data.image import Pixels, resize_map
from sightline.tasks.detect import check, scores
from sightline.tasks.detect.geometry import LARGEST_SIDE, fitted, letterbox, suppressed
from sightline.tasks.detect.options import DetectOptions
from sightline.tasks.detect.prediction import BoxesPrediction
from sightline.tasks.whole import inputs as whole

if TYPE_CHECKING:
    from PIL.Image import Image

STRIDE = 32
OVERLAP = 0.6
"""A box hides those of its class that overlap it by more."""
LEAST_SCORE = 0.001
SMALLEST = 2e-3
"""Share of the input's side below which a box is not learned."""


class Detect:
    """Any number of boxes. `spec.extra` holds the `threshold` from which on they are shown."""

    name = "detect"
    target = "boxes"
    metric = "map50_95"
    told = "map50_95"
    columns = ("label", "count")
    content = "places"
    augment = "light"
    survives = frozenset({"exposure"})
    one_label = False
    places = True
    Options = DetectOptions

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """Classes in the data's own order, or in natural order; an input of the images' aspect, in steps of 32 px."""
        names = dataset.classes or whole.in_natural_order(n for boxes in dataset.targets for n in boxes.labels)
        longest = int(options.get("imgsz") or min(LARGEST_SIDE, max(probe.width, probe.height)))
        inner = fitted((probe.width, probe.height), (longest, longest))
        height, width = (max(STRIDE, -(-side // STRIDE) * STRIDE) for side in (inner[1], inner[0]))
        mean, std = (127.5,) * probe.channels, (64.0,) * probe.channels
        image = Input("uint8", (height, width, probe.channels))
        extra = {"threshold": 0.5, "usual": [probe.width, probe.height]}
        return Spec(self.name, network, tuple(names), {"image": image}, mean, std, dict(options), extra=extra)

    def from_train(self, dataset: Dataset, spec: Spec) -> Spec:
        """Nothing that `spec` does not know."""
        return spec

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
        """Boxes that are outside, empty, twice or tiny; classes that are rare or unseen; nothing to learn at all."""
        return check.findings(dataset, splits, sizes)

    def tally(self, dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
        """Boxes of each class."""
        return whole.tally((boxes.labels for boxes in dataset.targets), splits)

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) the rarest class that an image holds; images without boxes are a kind of their own."""
        counts = Counter(label for boxes in dataset.targets for label in boxes.labels)
        order = {name: place for place, (name, _) in enumerate(sorted(counts.items(), key=lambda p: (p[1], p[0])), 1)}
        return np.array([min((order[n] for n in set(b.labels)), default=0) for b in dataset.targets], np.int64)

    def kinds(self, dataset: Dataset) -> NDArray[np.bool_]:
        """(n, classes) which classes each image holds."""
        names = sorted({label for boxes in dataset.targets for label in boxes.labels})
        held = [[name in boxes.labels for name in names] for boxes in dataset.targets]
        return np.array(held, bool).reshape(len(dataset), len(names))

    def preprocess(self, image: Pixels, spec: Spec) -> Arrays:
        """{"image": uint8 (height, width, channel)}: scaled into the top left corner, its aspect kept."""
        height, width, channels = _shape(spec)
        return {"image": letterbox(image, (width, height), channels)}

    def encode(self, target: Any, size: Size, spec: Spec) -> Arrays:
        """{"boxes": float32 (k + 1, 4) corners in 0..1 of the input, "classes": int64 (k + 1,)}; the last is none, -1.

        Raises SightlineError for a class that the spec does not know.
        """
        for name in target.labels:
            if name not in spec.classes:
                raise unknown("class", name, spec.classes)
        keep = ~target.hard & ((target.corners[:, 2:] - target.corners[:, :2]) > 0).all(axis=1)
        corners = np.clip(target.corners[keep] / self._scale(size, spec), 0, 1)
        labels = np.array([spec.classes.index(n) for n, k in zip(target.labels, keep, strict=True) if k], np.int64)
        large = ((corners[:, 2:] - corners[:, :2]) > SMALLEST).all(axis=1)
        boxes = np.concatenate([corners[large], np.zeros((1, 4))]).astype(np.float32)
        return {"boxes": boxes, "classes": np.append(labels[large], -1)}

    def _scale(self, size: Size, spec: Spec) -> NDArray[np.float64]:
        """(4,) pixels of the image for the whole input, x and y by turns."""
        height, width, _ = _shape(spec)
        inner = fitted(size, (width, height))
        return np.array([size[0] * width / inner[0], size[1] * height / inner[1]] * 2)

    def infer(self, runner: Runner, inputs: Arrays, spec: Spec) -> Arrays:
        """One call of the graph."""
        return runner(inputs)

    def postprocess(self, outputs: Arrays, size: Size, spec: Spec) -> BoxesPrediction:
        """From {"boxes": (k, 4), "scores": (k,), "labels": (k,)}: suppression, and the image's own pixels."""
        found = outputs["scores"].astype(np.float64)
        if not (np.isfinite(found).all() and np.isfinite(outputs["boxes"]).all()):
            raise SightlineError("the network's outputs are not finite numbers", fix="train with a smaller --lr")
        rows = np.argsort(-found, kind="stable")
        rows = rows[found[rows] >= LEAST_SCORE]
        edge = np.array([size[0], size[1]] * 2, np.float64)
        corners = np.clip(outputs["boxes"][rows].astype(np.float64) * self._scale(size, spec), 0, edge)
        labels = np.rint(outputs["labels"][rows]).astype(np.int64)
        keep = suppressed(corners, labels, float(spec.options.get("overlap", OVERLAP)))[: scores.MOST]
        keep = keep[(corners[keep, 2:] > corners[keep, :2]).all(axis=1)]
        threshold = float(spec.extra.get("threshold", 0.5))
        return BoxesPrediction(corners[keep], labels[keep], found[rows[keep]], rows[keep], spec.classes, threshold)

    def merge(self, parts: Iterable[tuple[Window, Prediction]], size: Size, spec: Spec) -> BoxesPrediction:
        """The boxes of overlapping windows as those of the whole image; what several saw of one object is one box."""
        most = float(spec.options.get("overlap", OVERLAP))
        return BoxesPrediction.merge(cast("Iterable[tuple[Window, BoxesPrediction]]", parts), size, most)

    def compare(self, prediction: Prediction, target: Any, spec: Spec) -> Comparison:
        """The error is 1 - F1 of the boxes shown, at an overlap of 0.5; of a class that nobody knows it is 2."""
        assert isinstance(prediction, BoxesPrediction)
        counts = scores.counts(prediction, target, spec.classes)
        whole_image, _ = scores.metrics([counts], len(spec.classes))
        nothing = not len(target) and not prediction.shown()
        return Comparison(2.0 if counts["unknown"] else 0.0 if nothing else 1 - whole_image["f1"], counts)

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """map50_95, map50, map75, ar by COCO's rules; precision, recall, f1 of the boxes shown; ece; a row a class; the
        confusion, whose last row and column are the background.
        """
        images = [dict(c.counts) for c in comparisons]
        found, rows = scores.metrics(images, len(spec.classes))
        per_class = [_row(name, row) for name, row in zip(spec.classes, rows, strict=True)]
        confusion: list[list[int]] = np.sum([image["confused"] for image in images], axis=0).tolist()
        found["ece"] = scores.calibration_error(images)
        return Scores(found, per_class, confusion, scores.curves(images, spec.classes))

    def intervals(self, comparisons: Sequence[Comparison], spec: Spec) -> dict[str, list[float]]:
        """The 95 % intervals of all metrics, by drawing images anew."""
        images = [dict(c.counts) for c in comparisons]
        return by_resampling(lambda some: scores.metrics(some, len(spec.classes))[0], images)

    def names(self, target: Boxes, spec: Spec) -> frozenset[str]:
        """The classes of its boxes."""
        return frozenset(target.labels)

    def truth_text(self, target: Boxes) -> str:
        """How many of each: `Platelets 1, RBC 12`."""
        return ", ".join(f"{name} {count}" for name, count in sorted(Counter(target.labels).items())) or "nothing"

    def calibrate(
        self, outputs: Sequence[Arrays], targets: Sequence[Any], spec: Spec, sizes: NDArray[np.int32] | None = None
    ) -> Spec:
        """The spec with the temperature and offset at which scores are the share of right boxes; the best threshold.

        An offset that the spec has is in the graph already, and stays.
        """
        frame = _shape(spec)[1::-1]
        seen: list[Size] = [(frame[0], frame[1])] * len(outputs)
        if sizes is not None:
            seen = [(int(width), int(height)) for width, height in sizes]
        images = [
            scores.counts(self.postprocess(one, size, spec), target, spec.classes)
            for one, size, target in zip(outputs, seen, targets, strict=True)
        ]
        known = spec.extra.get("offset")
        temperature, offset = scores.log_odds_line(images, known)
        moved = offset if known is None else 0.0
        threshold = float(scores.warmed(np.array(scores.best_threshold(images)), temperature, moved))
        extra = {**spec.extra, "threshold": threshold, "offset": offset}
        return dataclasses.replace(spec, temperature=temperature, extra=extra)

    def item(self, prediction: Prediction, spec: Spec, label: str | None, item: int | None) -> int:
        """The row of a box among the graph's outputs."""
        assert isinstance(prediction, BoxesPrediction)
        if label is not None and label not in spec.classes:
            raise unknown("label", label, spec.classes)
        places = [i for i in range(len(prediction.rows)) if label in (None, spec.classes[int(prediction.labels[i])])]
        number = 1 if item is None else item
        if not 1 <= number <= len(places):
            what = "nothing of it was found" if item is None else f"--item {number} is out of range"
            raise SightlineError(
                f"{what}: there are {len(places)} boxes",
                fix="see them with: sightline predict --json --min-confidence 0.001",
            )
        return int(prediction.rows[places[number - 1]])

    def item_text(self, prediction: Prediction, item: int, spec: Spec) -> tuple[str, float | None]:
        """Its label and place, and its score."""
        assert isinstance(prediction, BoxesPrediction)
        place = int(np.flatnonzero(prediction.rows == item)[0])
        box = ", ".join(f"{v:.0f}" for v in prediction.corners[place])
        return f"{spec.classes[int(prediction.labels[place])]} at {box}", float(prediction.scores[place])

    def evidence(self, outputs: Arrays, reference: Arrays, item: int, spec: Spec) -> NDArray[np.float64]:
        """The largest product of score and overlap with the item, of boxes of its class (Petsiuk et al. 2021)."""
        wanted, label = reference["boxes"][item][None].astype(np.float64), reference["labels"][item]
        found: list[float] = []
        for boxes, confidence, labels in zip(outputs["boxes"], outputs["scores"], outputs["labels"], strict=True):
            alike = overlaps(boxes.astype(np.float64), wanted)[:, 0] * confidence * (labels == label)
            found.append(float(alike.max()))
        return np.clip(np.array(found, np.float64), 0, 1)

    def to_image(self, values: NDArray[np.float32], image: Pixels, size: Size, spec: Spec) -> NDArray[np.float32]:
        """The part of the input that the image fills, at the image's size."""
        height, width, _ = _shape(spec)
        inner = fitted(size, (width, height))
        return resize_map(values[: inner[1], : inner[0]], size)

    def paint(self, image: Pixels, what: Any, spec: Spec) -> Image:
        """The image with the boxes of a target or a prediction, for reports."""
        if isinstance(what, BoxesPrediction):
            return what.draw(image)
        numbers = [spec.classes.index(name) if name in spec.classes else len(spec.classes) for name in what.labels]
        return boxed(image, what.corners, numbers, what.labels)

    def colours(self, spec: Spec) -> tuple[tuple[str, tuple[int, int, int]], ...]:
        """The classes and their colours."""
        return tuple((name, class_colour(number)) for number, name in enumerate(spec.classes))

    def learner(self) -> Learner:
        """Imports torch."""
        from sightline.tasks.detect.learner import DetectLearner

        return DetectLearner()


def _shape(spec: Spec) -> tuple[int, int, int]:
    height, width, channels = spec.inputs["image"].shape
    assert height and width and channels, "a detector has a fixed input"
    return height, width, channels


def _row(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    hits, guessed, support = row["hits"], row["guessed"], row["support"]
    return {
        "class": name,
        "ap": round(row["ap50_95"], 6), "ap50": round(row["ap50"], 6),
        "precision": round(hits / max(guessed, 1), 6), "recall": round(hits / max(support, 1), 6),
        "f1": round(2 * hits / max(support + guessed, 1), 6), "support": support,
    }  # fmt: skip
