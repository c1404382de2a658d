"""predict: what a bundle sees in images. Neither torch nor labels are needed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.core.predictions import Prediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Runner, Task
from sightline.data.image import MAX_PIXELS, Pixels, read, read_sized
from sightline.data.parallel import default_workers, ordered_map, part_size
from sightline.data.scan import chunks
from sightline.data.video import is_video
from sightline.run.bundle import Bundle, open_bundle
from sightline.run.files import make_folder
from sightline.run.runner import OnnxRunner
from sightline.verbs import tiled
from sightline.verbs.answers import Telling, close
from sightline.verbs.common import need_places, say, task_named
from sightline.verbs.sources import gather


@dataclass(frozen=True)
class PredictOptions:
    """Options of `predict`."""

    top: int = option(5, "how many classes are listed", low=1)
    min_confidence: float = option(0.0, "answers below this are left out", low=0, high=1)
    then: tuple[str, ...] = option(
        (), "a second bundle, which looks at each box that the first has found (again: a third, which looks at those)"
    )
    tile: int | None = option(None, tiled.HELP, low=0, bare="0")
    page: bool = option(False, "the images are pages: find their lines and read them (TIFF and PDF: every page)")
    out: Path | None = option(
        None, "folder for the images and videos with the answers drawn on them; of pages also the text and ALTO XML"
    )
    csv: Path | None = option(None, "table of the answers, one row an image or frame (--then, --track: a box)")
    workers: int | None = option(None, "processes that read images (default: all processors)", low=0)
    max_bad: float = option(0.2, "share of unreadable images that is tolerated", low=0, high=1)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)
    track: bool = option(False, "videos and cameras: follow each thing through the frames, under a number of its own")


@dataclass(frozen=True)
class Answer:
    """One image's prediction, or why there is none; and its pixels, where all of them were read."""

    source: Any
    prediction: Prediction | None
    error: str | None = None
    pixels: Pixels | None = None


class Predictor:
    """A bundle made ready once: images in, answers out."""

    def __init__(self, bundle: Bundle, threads: int = 0) -> None:
        """threads: of one call of the graph; 0 leaves the choice to onnxruntime."""
        self.task: Task = task_named(bundle.spec.task)
        self.spec: Spec = bundle.spec
        self._graph = bundle.graph
        self._runners: dict[int, Runner] = {}
        self._threads = threads

    @property
    def runner(self) -> Runner:
        """One a process, made at first use: the threads of a parent's runner do not survive a fork."""
        if os.getpid() not in self._runners:
            self._runners[os.getpid()] = OnnxRunner(self._graph, self._threads)
        return self._runners[os.getpid()]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table of answers."""
        return self.task.columns

    def rows(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of that table from a prediction's `to_dict`: one."""
        return [answer]

    def use_threads(self, count: int) -> None:
        """In one call of the graph: for a caller that shares `batch` out among processes."""
        self._threads = count

    def answers(
        self, sources: Sequence[Any], workers: int | None = None, max_pixels: int = MAX_PIXELS, tile: int | None = None
    ) -> Iterator[Answer]:
        """One answer a source (path, bytes, array or Pillow image), in order, read by several processes.

        tile: look through windows of so many pixels, as in `tiled.predict_tiled`; one image at a time, in this process.
        """
        if tile is not None:
            tiled.need_merge(self.task)
            yield from (self._tiled(source, max_pixels, tile) for source in sources)
            return
        workers = default_workers(len(sources)) if workers is None else workers
        # Reading and the graph in the same process: pixels need not travel, and each worker fills one processor.
        self._threads = 1 if workers > 1 else self._threads

        def look(part: slice) -> _Read:
            return self._read(sources[part], max_pixels)

        parts = list(chunks(len(sources), part_size(len(sources), workers)))
        for part, seen in zip(parts, ordered_map(look, parts, workers), strict=True):
            yield from self._finish(sources[part], seen)

    def batch(self, sources: Sequence[Any], max_pixels: int = MAX_PIXELS) -> list[Answer]:
        """One answer a source, in this thread and together: one call of the graph where their inputs are of one size.

        Several threads may do so at the same time, once `runner` has been asked for.
        """
        return list(self._finish(sources, self._read(sources, max_pixels)))

    def _finish(self, sources: Sequence[Any], read: _Read) -> Iterator[Answer]:
        seen, outputs = read
        rows: dict[int, Arrays] = {}
        for places, stacked in outputs:
            rows |= {place: {key: values[row] for key, values in stacked.items()} for row, place in enumerate(places)}
        for place, (source, one) in enumerate(zip(sources, seen, strict=True)):
            if isinstance(one, str):
                yield Answer(source, None, one)
            else:
                yield Answer(source, self.task.postprocess(rows[place], one, self.spec))

    def _tiled(self, source: Any, max_pixels: int, tile: int) -> Answer:
        try:
            image = read(source, None, max_pixels)
        except SightlineError as error:
            return Answer(source, None, error.what)
        return Answer(source, tiled.predict_tiled(self.task, self.runner, image, self.spec, tile), pixels=image)

    def _read(self, sources: Sequence[Any], max_pixels: int) -> _Read:
        """One call of the graph for inputs of equal shape: sizes or errors, and the outputs with their places."""
        shape = self.spec.inputs["image"].shape
        least = (shape[1] or 0, shape[0] or 0)
        seen = [_look(self.task, self.spec, source, least, max_pixels) for source in sources]
        by_shape: dict[tuple[Any, ...], list[int]] = {}
        for place, one in enumerate(seen):
            if not isinstance(one, str):
                by_shape.setdefault(tuple(array.shape for array in one[0].values()), []).append(place)
        outputs: list[tuple[list[int], Arrays]] = []
        for places in by_shape.values():
            keys = _arrays(seen[places[0]])
            batch = {key: np.stack([_arrays(seen[place])[key] for place in places]) for key in keys}
            outputs.append((places, self.task.infer(self.runner, batch, self.spec)))
        return [one if isinstance(one, str) else one[1] for one in seen], outputs


_Read = tuple[list[tuple[int, int] | str], list[tuple[list[int], Arrays]]]
_Seen = tuple[Arrays, tuple[int, int]] | str


def _arrays(seen: _Seen) -> Arrays:
    assert not isinstance(seen, str)
    return seen[0]


def _look(task: Task, spec: Spec, source: Any, least: tuple[int, int], max_pixels: int) -> _Seen:
    try:
        pixels, size = read_sized(source, least, max_pixels)
        return task.preprocess(pixels, spec), size
    except SightlineError as error:
        return error.what


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline predict MODEL SOURCE…`: a line an image, or a frame; 2 where too many images could not be read."""
    options = resolve(PredictOptions, given)
    if len(target) < 2:
        raise SightlineError(
            "predict takes a bundle and images",
            fix="type: sightline predict MODEL.sightline IMAGE… (files, folders, globs, videos, camera:0, or -)",
        )
    first, *rest = [Predictor(open_bundle(path)) for path in (target[0], *options.then)]
    paths = gather(target[1:], more=(".pdf",) if options.page else (), videos=True)
    videos = [path for path in paths if is_video(path)]
    _reject(first, rest, videos, options)
    if options.out:
        make_folder(options.out)
    if options.page:
        return _pages(first, paths, options, as_json)
    predictor = first
    if rest:
        from sightline.verbs.chain import chained

        predictor = chained([first, *rest], options.min_confidence)
    if videos:
        from sightline.verbs import moving

        return moving.look_at_all(predictor, paths, options, as_json)
    told = Telling(predictor, options, as_json, predictor.columns)
    try:
        for answer in predictor.answers(paths, options.workers, options.max_pixels, options.tile):
            told.image(answer)
    except KeyboardInterrupt:
        told.write()
        raise
    return told.close(paths)


def _reject(first: Predictor, rest: list[Predictor], videos: list[Path], options: PredictOptions) -> None:
    """Raises SightlineError for options that do not go together."""
    if options.page and rest:
        raise SightlineError("--page and --then exclude each other", fix="leave one of them out")
    if videos and options.page:
        raise SightlineError("--page reads scans, and this is a video", str(videos[0]), "leave one of them out")
    if options.track:
        need_places(first.task)
        if rest:
            raise SightlineError("--track and --then exclude each other", fix="leave one of them out")
        if not videos:
            raise SightlineError(
                "--track follows things through a video, and none was named",
                fix="name one, such as film.mp4, or camera:0",
            )


def _pages(predictor: Predictor, paths: list[Path], options: PredictOptions, as_json: bool) -> int:
    """The text of each page, or one JSON line a page."""
    from sightline.verbs.common import print_json
    from sightline.verbs.pages import read_pages

    if options.tile is not None:
        raise SightlineError("--tile and --page exclude each other", fix="leave one of them out")
    if options.csv:
        raise SightlineError("--csv and --page exclude each other", fix="take --json, or --out DIR for text and ALTO")
    bad: list[str] = []
    count, begun = 0, time.monotonic()
    for page in read_pages(predictor, paths, options.max_pixels):
        if isinstance(page, str):
            bad.append(page)
            if as_json:
                name, _, why = page.partition(": ")
                print_json({"image": name, "error": why})
            continue
        count += 1
        if options.out:
            page.write(options.out)
        if not page.regions:
            say(f"! no lines found: {page.name}")
        if as_json:
            print_json(page.to_dict(options.min_confidence))
        else:
            print(f"{page.text(options.min_confidence)}\n")
    return close([Path()] * (count + len(bad)), bad, time.monotonic() - begun, options, as_json)
