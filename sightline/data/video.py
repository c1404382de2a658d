"""Frames of video files and cameras, and writing them (PyAV, the extra `video`).

- Frames come one after the other; memory holds one. A frame is turned as the file says (phones write upright films
  lying on their side); sound is left out.
- Only the containers in `CONTAINERS` are opened, and only as a file: playlists that name other places are refused.
- A video that breaks off gives the frames until there; `Video.broken` then says where.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from sightline.core.errors import MissingExtra, SightlineError
from sightline.data.image import MAX_PIXELS, Pixels

SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .3gp .wmv .flv .ogv .mjpeg .y4m".split()  # noqa: SIM905
)
CONTAINERS = "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,ogg,mjpeg,yuv4mpegpipe,h264,hevc"
CAMERA = re.compile(r"camera:(.*)")
CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}:none"), "win32": ("dshow", "video={}")}
"""Platform to FFmpeg's device and how it names the camera; Windows knows cameras by name, not by number."""
TS_PACKETS = (188, 192, 204)
"""Bytes of a packet of an MPEG transport stream: plain, with a time stamp, with check bytes."""
USUAL_FPS, MOST_FPS = 30.0, 1000.0
"""Frames a second where nobody says; more than anybody means who says it."""


@dataclass(frozen=True)
class Frame:
    """number: from 1; time: seconds since the first frame; pixels: uint8 (height, width, 3), as the frame is seen."""

    number: int
    time: float
    pixels: Pixels


def is_video(source: Any) -> bool:
    """Whether a source is meant as a video or camera, by its name alone."""
    if not isinstance(source, str | Path):
        return False
    name = str(source)  # no new Path: of 10,000 small images, that would take a tenth of the time
    return is_camera(name) or name[name.rfind(".") :].lower() in SUFFIXES


def is_camera(source: str | Path) -> bool:
    """Whether it says `camera:…`, and no file is called so."""
    return bool(CAMERA.fullmatch(str(source))) and not Path(source).exists()


def need_av(purpose: str = "reading video") -> Any:
    """The module `av`. Raises MissingExtra where it is not installed."""
    try:
        av: Any = importlib.import_module("av")
    except ImportError:
        raise MissingExtra("av", "video", purpose) from None
    av.logging.set_level(av.logging.PANIC)  # what is wrong is said here, once and in words
    return av


class Video:
    """An open video file or camera: `for frame in video.frames()`, once. Close it, or use it in a `with`.

    fps: frames a second; expected: how many frames it should hold, where that is known; broken: once all frames have
    been read, what is missing of it in words, or nothing.
    """

    def __init__(self, source: str | Path, max_pixels: int = MAX_PIXELS) -> None:
        """source: a file, or `camera:0`. Raises SightlineError for what is no video, and cameras that are not there."""
        self._av, self._name, self.live = need_av(), str(source), is_camera(source)
        self._container: Any = _camera(self._av, self._name) if self.live else _file(self._av, Path(source))
        self.broken = ""
        try:
            if not self._container.streams.video:
                raise SightlineError("the file holds no pictures, only sound or text", self._name)
            self._stream: Any = self._container.streams.video[0]
            size = self._stream.codec_context.width, self._stream.codec_context.height
            if size[0] * size[1] > max_pixels:
                raise SightlineError(
                    f"the video has frames of {size[0] * size[1]:,} pixels, more than the limit of {max_pixels:,}",
                    self._name, f"if it is genuine, allow it: --max-pixels {size[0] * size[1]}",
                )  # fmt: skip
        except BaseException:
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"
        rates = [float(rate or 0) for rate in (self._stream.average_rate, self._stream.guessed_rate)]
        self.fps = next((rate for rate in rates if 0 < rate <= MOST_FPS), USUAL_FPS)
        self.expected: int | None = None if self.live else (self._stream.frames or None)

    def frames(self) -> Iterator[Frame]:
        """Each frame, in the order in which they are seen."""
        number, last, begun, first = 0, 0.0, time.monotonic(), None
        for frame in self._decoded():
            number += 1
            if self.live:
                first = first or begun
                seconds = time.monotonic() - first
            else:
                own = (number - 1) / self.fps if frame.pts is None else float(frame.pts * self._stream.time_base)
                first = own if first is None else first
                seconds = own - first
            last = max(0.0, seconds)
            yield Frame(number, last, upright(frame.to_ndarray(format="rgb24"), frame.rotation))
        self._judge(number, last)

    def _decoded(self) -> Iterator[Any]:
        """Frames as PyAV gives them. A packet that cannot be decoded is left out."""
        self._damaged, self._ended = 0, False
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._av.error.BlockingIOError:  # a camera that has nothing yet; the iterator is spent
                time.sleep(0.002)
                packets = self._container.demux(self._stream)
                continue
            except (self._av.error.FFmpegError, EOFError):
                packet, self._ended = None, True
            if packet is None or packet.is_corrupt:  # half a packet is what a file ends with that was cut off
                self._ended |= packet is not None
                with contextlib.suppress(self._av.error.FFmpegError, EOFError):
                    yield from self._stream.decode(None)
                return
            try:
                frames: list[Any] = packet.decode()
            except (self._av.error.FFmpegError, EOFError):
                self._damaged += 1
                continue
            yield from (frame for frame in frames if not frame.is_corrupt)

    def _judge(self, count: int, last: float) -> None:
        if not count:
            what = "the camera gives no pictures" if self.live else "not one frame of the video can be decoded"
            raise SightlineError(what, self._name)
        if self.live:
            self.broken = f"the camera gave no more after frame {count:,}"
            return
        missing = max(0, (self.expected or count) - count)
        length = _seconds(self._stream) or (self.expected or 0) / self.fps
        if self._ended or self._is_torn() or last + 2 / self.fps < length:
            of = f" of {self.expected:,}" if missing else ""
            self.broken = f"the video breaks off after frame {count:,}{of}: what was there is answered"
        elif missing or self._damaged:
            lost = max(missing, self._damaged)
            self.broken = f"{lost:,} damaged frames of the video are left out, and {count:,} answered"

    def _is_torn(self) -> bool:
        """Whether an MPEG transport stream, which does not say how long it is, ends within one of its packets."""
        if self._container.format.name != "mpegts":
            return False
        size = Path(self._name).stat().st_size
        return all(size % packet for packet in TS_PACKETS)

    def close(self) -> None:
        """Lets go of the file or camera."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _seconds(stream: Any) -> float:
    """How long the file says that its pictures last; 0 where it does not say."""
    text = stream.metadata.get("DURATION", "")  # Matroska
    found = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", text)
    if found:
        return 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3])
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0


def upright(pixels: Pixels, degrees: float) -> Pixels:
    """The frame as it is seen: turned by so many degrees counter-clockwise, to the nearest quarter."""
    turns = round(degrees / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _file(av: Any, path: Path) -> Any:
    """The open container of a file."""
    where = str(path)
    try:
        size = path.stat().st_size if path.is_file() else -1
        if size < 0:
            raise SightlineError("there is no such video", where)
        if not size:
            raise SightlineError("the video file is empty (0 bytes)", where)
        only = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
        return av.open(f"file:{path}", options=only)
    except (av.error.FFmpegError, ValueError, OSError, EOFError) as error:
        raise SightlineError(
            f"this is no video, or one that is damaged from its beginning ({_brief(error)})", where,
            "a film that was cut off while it was recorded often lacks its index, without which nothing can be read",
        ) from None  # fmt: skip


def _camera(av: Any, name: str) -> Any:
    """The open device of `camera:N`."""
    found = CAMERA.fullmatch(name)
    number = found[1] if found else ""
    system = next((key for key in CAMERAS if sys.platform.startswith(key)), None)
    if system is None:
        raise SightlineError(f"cameras are not known on {sys.platform}", name)
    device, pattern = CAMERAS[system]
    if not (number.isdecimal() or (number and system == "win32")):
        raise SightlineError("a camera is named by its number", name, "type camera:0 for the first, camera:1 …")
    try:
        # Cameras of Macs refuse FFmpeg's own 29.97 frames a second.
        options = {"framerate": "30"} if device == "avfoundation" else {}
        return av.open(pattern.format(number), format=device, options=options)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise SightlineError(
            f"the camera cannot be opened ({_brief(error)})", name,
            "is it plugged in, may this user see it, and does no other program hold it? The first is camera:0",
        ) from None  # fmt: skip


def _brief(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())[:120] or type(error).__name__
