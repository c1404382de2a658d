"""Writing a video: MP4 that browsers and phones play (H.264; MPEG-4 where that encoder is not there)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.video import need_av

TICKS = 60_000
"""A second in the file's units of time: holds 24, 25, 30 and 30000/1001 frames a second to the tick."""
ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (("libx264", {"crf": "20", "preset": "veryfast"}), ("mpeg4", {}))


class VideoWriter:
    """Frames in, a file out: under a temporary name until it is closed, so that what lies there can be played.

    The first frame decides the size; later ones of other sizes are shrunk or filled up with black.
    """

    def __init__(self, path: Path, fps: float) -> None:
        """Raises MissingExtra where PyAV is not installed."""
        self._av, self.path = need_av("writing video"), path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._fps = Fraction(fps).limit_denominator(1001)
        self._container: Any = None
        self._stream: Any = None
        self._size, self._last = (0, 0), -1

    def write(self, picture: Image.Image, seconds: float) -> None:
        """One frame, shown from so many seconds on. Raises SightlineError where the disk does not take it."""
        with self._told():
            if self._container is None:
                self._begin((picture.width // 2 * 2 or 2, picture.height // 2 * 2 or 2))
            frame = self._av.VideoFrame.from_ndarray(np.asarray(fitting(picture, self._size)), format="rgb24")
            self._last = max(self._last + 1, round(seconds * TICKS))
            frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
            self._encode(frame)

    def close(self) -> bool:
        """Finishes the file; whether there is one."""
        if self._container is None:
            return False
        with self._told():
            self._encode(None)
            self._container.close()
            self._temporary.replace(self.path)
        self._container = None
        return True

    def _encode(self, frame: Any) -> None:
        self._container.mux(self._stream.encode(frame))

    def _begin(self, size: tuple[int, int]) -> None:
        self._container, self._size = self._av.open(str(self._temporary), "w", format="mp4"), size
        name, options = next((one for one in ENCODERS if _is_there(self._av, one[0])), ENCODERS[-1])
        self._stream = self._container.add_stream(name, rate=self._fps, options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, TICKS)
        if name == "mpeg4":
            self._stream.bit_rate = max(400_000, size[0] * size[1] * 4)

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except (self._av.error.FFmpegError, OSError) as error:
            with contextlib.suppress(self._av.error.FFmpegError, OSError):
                self._container, container = None, self._container
                container.close()
            with contextlib.suppress(OSError):
                self._temporary.unlink()
            raise SightlineError(
                f"cannot write the video ({getattr(error, 'strerror', None) or error})", str(self.path),
                "check that the folder may be written to and has room",
            ) from None  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _is_there(av: Any, encoder: str) -> bool:
    try:
        av.Codec(encoder, "w")
    except ValueError:
        return False
    return True


def fitting(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture in exactly this size: an odd last row or column is cut, else shrunk, or filled up with black."""
    if picture.size == size:
        return picture
    if picture.width > size[0] + 1 or picture.height > size[1] + 1:
        picture = picture.copy()
        picture.thumbnail(size)
    canvas = Image.new("RGB", size)
    canvas.paste(picture, (0, 0))
    return canvas
