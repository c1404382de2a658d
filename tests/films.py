"""Made films: files of a few frames; and boxes that cross and hide each other, with what a detector that errs says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sightline.core.geometry import areas, intersections
from sightline.data.video_writer import VideoWriter

WIDTH, HEIGHT, NAMES = 640.0, 360.0, ("ball", "box")


@dataclass
class Found:
    """What a detector gives: `core.places.Places`, as far as a tracker reads it."""

    corners: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...] = NAMES
    threshold: float = 0.5


@dataclass
class Scene:
    """Of each frame: ids (n,) and corners (n, 4) of what is there; and what is found."""

    ids: list[np.ndarray]
    corners: list[np.ndarray]
    found: list[Found]


def scene(seed: int, frames: int = 150, things: int = 8) -> Scene:
    """Things on straight ways at their own speeds, the later ones in front; each is missed in 5 % of the frames, found
    with a low score where another hides more than a third of it, and not at all where four fifths are hidden."""
    random = np.random.default_rng(seed)
    size = random.uniform(36, 70, (things, 2))
    kind = random.integers(0, 2, things)
    from_left = np.arange(things) % 2 == 0
    start = np.stack([np.where(from_left, 30, WIDTH - 30), np.linspace(60, HEIGHT - 60, things)], 1)
    speed = np.stack(
        [np.where(from_left, 1, -1) * random.uniform(2.5, 4.5, things), random.uniform(-0.7, 0.7, things)], 1
    )
    made = Scene([], [], [])
    for frame in range(frames):
        centre = start + speed * frame + 0.4 * np.sin(frame / 9 + np.arange(things))[:, None]
        corners = np.concatenate([centre - size / 2, centre + size / 2], 1)
        inside = (centre > 0).all(1) & (centre < [WIDTH, HEIGHT]).all(1)
        ids = np.flatnonzero(inside)
        made.ids.append(ids + 1)
        made.corners.append(corners[ids])
        made.found.append(_seen(corners[ids], kind[ids], random))
    return made


def _seen(corners: np.ndarray, kind: np.ndarray, random: np.random.Generator) -> Found:
    hidden = np.triu(intersections(corners, corners), 1).max(axis=1, initial=0) / areas(corners)
    score = np.where(hidden > 1 / 3, random.uniform(0.15, 0.45, len(kind)), random.uniform(0.6, 0.99, len(kind)))
    keep = (hidden < 0.8) & (random.uniform(size=len(kind)) > 0.05)
    boxes = corners[keep] + random.normal(0, 1.5, (int(keep.sum()), 4))
    labels, scores = kind[keep], score[keep]
    if random.uniform() < 0.3:  # what is not there, mostly doubted
        place, wide = random.uniform(0, 300, 2), random.uniform(30, 60, 2)
        boxes = np.concatenate([boxes, [[*place, *(place + wide)]]])
        labels, scores = np.append(labels, random.integers(2)), np.append(scores, random.choice([0.2, 0.3, 0.55]))
    order = np.argsort(-scores)
    return Found(boxes[order], labels[order], scores[order])


def write_film(path: Path, frames: Sequence[np.ndarray], fps: float = 25) -> Path:
    """An MP4 file of frames (height, width, 3); parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, fps) as writer:
        for number, pixels in enumerate(frames):
            writer.write(Image.fromarray(pixels), number / fps)
    return path


def counting(count: int = 12, size: tuple[int, int] = (48, 32)) -> list[np.ndarray]:
    """Frames that can be told apart: the n-th has a grey of 20 n, and its top left quarter is red."""
    frames = []
    for number in range(count):
        pixels = np.full((size[1], size[0], 3), 20 * number, np.uint8)
        pixels[: size[1] // 2, : size[0] // 2] = (230, 20, 20)
        frames.append(pixels)
    return frames


def streamed(source: Path, target: Path) -> Path:
    """The same film with its index in front, as films for the web have it: cut off, its beginning can be seen."""
    import av

    with av.open(str(source)) as read, av.open(str(target), "w", options={"movflags": "faststart"}) as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    return target


def turned(path: Path, pixels: np.ndarray, degrees: int) -> Path:
    """A film of three frames that says that it is to be turned by so many degrees counter-clockwise."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(degrees)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def sound(path: Path) -> Path:
    """A file that holds sound alone."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
