"""predict on videos and cameras: an answer a frame, things followed with --track, the film with the answers drawn."""

from __future__ import annotations

import itertools
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sightline.core.errors import SightlineError
from sightline.core.places import Places
from sightline.core.predictions import Prediction
from sightline.core.tracks import TracksPrediction
from sightline.data.image import MAX_PIXELS, Pixels
from sightline.data.video import Frame, Video, is_camera, is_video, need_av
from sightline.data.video_writer import VideoWriter
from sightline.run.files import write_text
from sightline.track.bytetrack import Tracker
from sightline.verbs.answers import Telling
from sightline.verbs.common import say

if TYPE_CHECKING:
    from sightline.verbs.chain import Chain
    from sightline.verbs.predict import PredictOptions, Predictor

AT_ONCE, PIXELS_AT_ONCE = 8, 2**23
"""Frames of a file that the graph sees together: fewer large ones. A camera's are answered one by one, at once."""
TRACK_COLUMNS = ("id", "label", "confidence", "left", "top", "right", "bottom")
QUIET = 10.0
"""Seconds between lines of progress where they cannot be written over each other."""


@dataclass(frozen=True)
class FrameAnswer:
    """One frame of a video: number from 1, seconds since the first, pixels (height, width, 3), and what is in it."""

    number: int
    time: float
    pixels: Pixels
    prediction: Prediction


def watch(
    predictor: Predictor | Chain, video: Video, track: bool = False, min_confidence: float = 0.0,
    tile: int | None = None, max_pixels: int = MAX_PIXELS,
) -> Iterator[FrameAnswer]:  # fmt: skip
    """One answer a frame, in order; memory holds a few frames. track: as `TracksPrediction`."""
    tracker = Tracker(video.fps, min_confidence) if track else None
    for frames in _together(video.frames(), video.live):
        answers = predictor.answers([one.pixels for one in frames], 0, max_pixels, tile)
        for frame, answer in zip(frames, answers, strict=True):
            if answer.prediction is None:
                raise SightlineError(answer.error or "", f"frame {frame.number}")
            found = answer.prediction
            if tracker is not None:
                found = tracker.step(cast("Places", found))
            yield FrameAnswer(frame.number, frame.time, frame.pixels, found)


def _together(frames: Iterator[Frame], live: bool) -> Iterator[list[Frame]]:
    for first in frames:
        height, width = first.pixels.shape[:2]
        more = 0 if live else min(AT_ONCE, max(1, PIXELS_AT_ONCE // (height * width))) - 1
        yield [first, *itertools.islice(frames, more)]


def opened(
    predictor: Predictor | Chain, source: str | Path, track: bool, options: PredictOptions
) -> Iterator[FrameAnswer]:
    """`watch` on a video file or camera that is opened now, and closed at the end. A break is a warning of Python's."""
    video = Video(source, options.max_pixels)

    def frames() -> Iterator[FrameAnswer]:
        with video:
            yield from watch(predictor, video, track, options.min_confidence, options.tile, options.max_pixels)
        if video.broken:
            warnings.warn(f"{source}: {video.broken}", stacklevel=2)

    return frames()


def look_at_all(predictor: Predictor | Chain, paths: Sequence[Path], options: PredictOptions, as_json: bool) -> int:
    """`sightline predict` where videos or cameras are among the sources, in their order; the exit code.

    Ctrl-C ends it and keeps what was written: 130, or 0 where it ended a camera, which nothing else does.
    """
    need_av()
    of_box = TRACK_COLUMNS if options.track else predictor.columns
    told = Telling(predictor, options, as_json, ("frame", "time", *of_box))
    code, images = 0, [path for path in paths if not is_video(path)]
    try:
        for moving, group in itertools.groupby(paths, is_video):
            some = list(group)
            if moving:
                for path in some:
                    _try(path, told, len(paths) == 1)
            else:
                for answer in predictor.answers(some, options.workers, options.max_pixels, options.tile):
                    told.image(answer)
    except KeyboardInterrupt:
        say("interrupted")
        code = 130
    except _CameraEndedError:
        code = 0
    return max(told.close(images, len(paths)), code)


class _CameraEndedError(Exception):
    """Ctrl-C while a camera was looked through."""


def _try(source: Path, told: Telling, alone: bool) -> None:
    """One video; where it is not the only source, what is wrong with it does not end the others."""
    try:
        _look(source, told)
    except SightlineError as error:
        if alone:
            raise
        told.fail(source, error.what)
    except KeyboardInterrupt:
        if is_camera(source):
            raise _CameraEndedError from None
        raise


def _look(source: Path, told: Telling) -> None:
    """Tells what is in each frame of a video; with --out also writes `NAME.mp4` and, with --track, `NAME.txt`."""
    options, mot = told.options, list[str]()
    pace = _Pace(str(source), told.as_json)
    film = _place(source, options.out) if options.out else None
    with ExitStack() as stack:
        video = stack.enter_context(Video(source, options.max_pixels))
        pace.expected = video.expected
        writer = stack.enter_context(VideoWriter(film, video.fps)) if film else None
        if film and options.track:
            stack.callback(lambda: mot and write_text(film.with_suffix(".txt"), "".join(mot)))
        stack.callback(pace.close)
        found = watch(told.predictor, video, options.track, options.min_confidence, options.tile, options.max_pixels)
        for one in found:
            pace.clear()
            _tell(source, one, told)
            if writer:
                writer.write(one.prediction.draw(one.pixels, options.min_confidence), one.time)
            if film and isinstance(one.prediction, TracksPrediction):
                mot.append(one.prediction.to_mot(one.number))
            pace.step()
    if video.broken:
        say(f"! {source}: {video.broken}")


def _tell(source: Path, one: FrameAnswer, told: Telling) -> None:
    options = told.options
    answer = one.prediction.to_dict(options.top, options.min_confidence)
    frame = {"image": str(source), "frame": one.number, "time": round(one.time, 3)}
    rows: list[dict[str, Any]] = []
    if options.csv:
        rows = _of_boxes(answer) if options.track else told.predictor.rows(answer)
    text = f"{source} {one.number} ({one.time:.2f} s)  {one.prediction.to_text(options.top, options.min_confidence)}"
    told.row({**frame, **answer}, text, [{**frame, **row} for row in rows])


def _of_boxes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table from a tracked frame: one a box, or one with nothing in it."""
    sides = ("left", "top", "right", "bottom")
    return [{**box, **dict(zip(sides, box["box"], strict=True))} for box in answer["boxes"]] or [{}]


def _place(source: Path, folder: Path) -> Path:
    """`NAME.mp4`, or `NAME-2.mp4` … where there is one or its text: nothing is lost."""
    stem = source.stem.replace(":", "-")
    names = (stem if n == 1 else f"{stem}-{n}" for n in itertools.count(1))
    free = (folder / f"{name}.mp4" for name in names)
    return next(path for path in free if not (path.exists() or path.with_suffix(".txt").exists()))


class _Pace:
    """How many frames a second are answered, on stderr: one line, written over, on a terminal; else now and then."""

    def __init__(self, name: str, silent: bool) -> None:
        self.name, self.expected, self._count = name, cast("int | None", None), 0
        self._terminal, self._silent = sys.stderr.isatty(), silent
        self._begun = self._said = time.monotonic()

    def clear(self) -> None:
        """Makes room for a line on stdout."""
        if self._terminal and sys.stdout.isatty():
            sys.stderr.write("\r\x1b[K")

    def step(self) -> None:
        """One frame more."""
        self._count += 1
        now = time.monotonic()
        if now - self._said < (0.2 if self._terminal else QUIET):
            return
        self._said = now
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{self._text()}")
            sys.stderr.flush()
        elif not self._silent:
            say(self._text())

    def _text(self) -> str:
        of = f" of {self.expected:,}" if self.expected else ""
        rate = self._count / max(1e-9, time.monotonic() - self._begun)
        return f"{self.name}: {self._count:,}{of} frames, {rate:.1f} frames/s"

    def close(self) -> None:
        """The last word."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
        if self._count and not self._silent:
            say(self._text())
