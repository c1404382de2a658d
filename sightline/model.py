"""Model: a bundle in Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.core.errors import SightlineError
from sightline.core.options import resolve
from sightline.core.predictions import Prediction
from sightline.core.spec import Spec
from sightline.data.formats.arrays import images_of
from sightline.data.video import is_video
from sightline.run.bundle import headline, open_bundle
from sightline.verbs.chain import chained
from sightline.verbs.common import need_places
from sightline.verbs.evaluate import evaluate
from sightline.verbs.predict import PredictOptions, Predictor
from sightline.verbs.sources import gather

if TYPE_CHECKING:
    from sightline.explain.explainer import Explainer, Explanation
    from sightline.explain.nearest import Neighbour
    from sightline.verbs.moving import FrameAnswer


class Model:
    """A trained model. `path`: the bundle's file; `spec`: what it needs to predict; `card`: where it comes from."""

    def __init__(self, path: str | Path) -> None:
        """Raises SightlineError where the bundle is missing, damaged, altered or newer."""
        self._bundle = open_bundle(path)
        self._predictor = Predictor(self._bundle)

    path = property(lambda self: self._bundle.path, doc="The bundle's file.")

    @property
    def spec(self) -> Spec:
        """All that is needed to predict."""
        return self._bundle.spec

    @property
    def card(self) -> dict[str, Any]:
        """Data fingerprint, split, options, scores, versions."""
        return self._bundle.card

    @property
    def metrics(self) -> dict[str, float]:
        """The scores on the test part of the training data; without one those of the folds, or of val."""
        return self.card["scores"][headline(self.card)]["metrics"]

    def predict(
        self, source: Any, then: Model | Sequence[Model] = (), tile: int | None = None, max_pixels: int | None = None,
        track: bool = False,
    ) -> Any:  # fmt: skip
        """One Prediction for a path, bytes, array or Pillow image; a list of them for a list, a folder or a glob; for a
        video or `camera:0` an iterator, one a frame (`watch` gives their times and pixels too).

        A batch of images is a list, or an array as for `train`: (n, height, width), (n, height, width, channel) or
        (n, channel, height, width); a tensor on the CPU serves, too. then: a model that looks at each box that this one
        finds, or several, each at what the one before finds; gives a `ChainedPrediction`. tile: boxes and masks: look
        through overlapping windows of so many pixels along the longer side (0: as large as the images learned from).
        max_pixels: the largest image that is decoded (default: 200 million). track: of a video: follow each thing
        through the frames, as `TracksPrediction`. Raises SightlineError for what cannot be read, and for `then` and
        `track` where this one finds no places.
        """
        if is_video(source):
            return (one.prediction for one in self.watch(source, track, then, tile, max_pixels))
        if track:
            raise SightlineError(
                "track=True follows things through a video or camera, and this is none", str(source)[:99]
            )
        sources, single = _sources(source, self.spec)
        options = resolve(PredictOptions, {"tile": tile} | ({"max_pixels": max_pixels} if max_pixels else {}))
        others = [then] if isinstance(then, Model) else then
        predictor = chained([self._predictor, *(other._predictor for other in others)])
        found: list[Prediction] = []
        workers = 0 if len(sources) < 64 else None
        for place, answer in enumerate(predictor.answers(sources, workers, options.max_pixels, options.tile)):
            if answer.prediction is None:
                name = str(answer.source) if isinstance(answer.source, str | Path) else f"image {place}"
                raise SightlineError(answer.error or "", name)
            found.append(answer.prediction)
        return found[0] if single else found

    def watch(
        self, source: str | Path, track: bool = False, then: Model | Sequence[Model] = (), tile: int | None = None,
        max_pixels: int | None = None,
    ) -> Iterator[FrameAnswer]:  # fmt: skip
        """Each frame of a video file or `camera:0`: its number from 1, its time in seconds, its pixels, its prediction.

        The options are those of `predict`. The file or camera is let go of at the end, or when the iterator is closed.
        Raises SightlineError for what is no video, and for track=True where this model finds no boxes.
        """
        from sightline.verbs.moving import opened

        options = resolve(PredictOptions, {"tile": tile} | ({"max_pixels": max_pixels} if max_pixels else {}))
        others = [then] if isinstance(then, Model) else then
        predictor = chained([self._predictor, *(other._predictor for other in others)])
        if track:
            need_places(self._predictor.task)
            if others:
                raise SightlineError("track and then exclude each other", fix="leave one of them out")
        return opened(predictor, source, track, options)

    def evaluate(self, data: Any, labels: Any = None, **options: Any) -> dict[str, Any]:
        """Scores on labelled data; see `sightline.verbs.evaluate.evaluate`."""
        return evaluate(self._bundle, data, labels, **options)

    def explain(
        self, image: Any, method: str = "auto", label: str | None = None, item: int | None = None,
        layer: str | None = None,
    ) -> Explanation:  # fmt: skip
        """What in one image (path, bytes, array or Pillow image) an answer rests on: map, scores, overlay().

        method: see `sightline explain --help`; label or item (from 1): the answer to explain, the first by default.
        Raises SightlineError for what is not there and what cannot be read.
        """
        from sightline.verbs.explain import look

        return self._explainer.explain(*look(self._explainer, _one(image, self.spec)), method, label, item, layer)

    def nearest(self, image: Any, count: int = 5) -> list[Neighbour]:
        """The training images most like this one to the network, the nearest first; needs `train(…, memory=True)`."""
        from sightline.verbs.explain import look

        return self._explainer.nearest(*look(self._explainer, _one(image, self.spec)), count)[0]

    def compress(self, data: Any, labels: Any = None, **options: Any) -> dict[str, Any]:
        """Writes a smaller bundle, calibrated and judged on data; see `sightline.verbs.compress.compress`."""
        from sightline.verbs.compress import compress

        return compress(self._bundle, data, labels, **options)

    def export(self, to: str = "onnx", **options: Any) -> dict[str, Any]:
        """Writes a folder for another host, and compares answers; see `sightline.verbs.export.export`."""
        from sightline.verbs.export import export

        return export(self._bundle, to, **options)

    @cached_property
    def _explainer(self) -> Explainer:
        from sightline.verbs.explain import explainer_for

        return explainer_for(self._bundle)

    def __repr__(self) -> str:
        spec = self.spec
        return f"Model({str(self.path)!r}, task={spec.task!r}, network={spec.network!r}, classes={len(spec.classes)})"


def load(path: str | Path) -> Model:
    """The model in a bundle file, or in a run folder."""
    return Model(path)


def _sources(source: Any, spec: Spec) -> tuple[list[Any], bool]:
    if isinstance(source, str | Path):
        path = Path(source)
        single = path.is_file() or not (path.is_dir() or any(c in str(source) for c in "*?["))
        return ([path], True) if single else (list(gather([str(source)])), False)
    return images_of(source, spec.spans, colour=spec.inputs["image"].shape[2] == 3)


def _one(source: Any, spec: Spec) -> Any:
    images, single = _sources(source, spec)
    if not single:
        raise SightlineError("these are several images, and one at a time is explained", fix="give one of them: x[0]")
    return images[0]
