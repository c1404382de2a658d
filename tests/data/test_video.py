"""Frames of video files and cameras: order, times, turning, and what is wrong with a file."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from films import counting, sound, streamed, turned, write_film
from PIL import Image

from sightline.core.errors import MissingExtra, SightlineError
from sightline.data import video as module
from sightline.data import video_writer
from sightline.data.video import Frame, Video, is_camera, is_video
from sightline.data.video_writer import VideoWriter, fitting


def frames_of(path: Path | str) -> tuple[list[Frame], str]:
    with Video(path) as video:
        return list(video.frames()), video.broken


@pytest.fixture
def as_camera(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """`camera:0` is a film of 12 frames."""
    path = write_film(tmp_path / "camera" / "0.mp4", counting())
    monkeypatch.setattr(module, "CAMERAS", {sys.platform: ("mp4", f"{path.parent}/{{}}.mp4")})
    return path


@pytest.mark.parametrize("encoder", ["libx264", "mpeg4"])
@pytest.mark.parametrize("fps", [10.0, 25.0, 30000 / 1001])
def test_what_is_written_is_read_again(
    fps: float, encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_writer, "ENCODERS", [one for one in video_writer.ENCODERS if one[0] == encoder])
    made = counting(12, (49, 33))
    path = write_film(tmp_path / "a.mp4", made, fps)
    with Video(path) as video:
        found = list(video.frames())
        assert video.fps == pytest.approx(fps, rel=1e-3) and video.expected == 12 and not video.broken
    assert [one.number for one in found] == list(range(1, 13))
    assert [one.time for one in found] == pytest.approx([n / fps for n in range(12)], abs=2e-3)
    for one, pixels in zip(found, made, strict=True):
        assert one.pixels.dtype == np.uint8 and one.pixels.shape == (32, 48, 3), "sides are even"
        assert np.abs(one.pixels[24:, 30:].astype(int) - pixels[26, 32]).mean() < 8
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"], "nothing temporary is left"


@pytest.mark.parametrize(("degrees", "corner"), [(0, (0, 0)), (90, (-1, 0)), (180, (-1, -1)), (270, (0, -1))])
def test_a_frame_is_turned_as_the_file_says(degrees: int, corner: tuple[int, int], tmp_path: Path) -> None:
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:12, :12] = (230, 20, 20)
    found, _ = frames_of(turned(tmp_path / "a.mp4", pixels, degrees))
    assert found[0].pixels.shape == ((32, 64, 3) if degrees % 180 == 0 else (64, 32, 3))
    red = [
        found[0].pixels[5 if y == 0 else -6, 5 if x == 0 else -6, 0] > 150
        for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1))
    ]
    assert red == [place == corner for place in ((0, 0), (0, -1), (-1, 0), (-1, -1))]


def test_a_transport_stream_that_ends_within_a_packet_has_broken_off(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 48, 64, 3), np.uint8)
    path = streamed(write_film(tmp_path / "a.mp4", list(noise)), tmp_path / "a.ts")
    assert not frames_of(path)[1]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10 // 188 * 188 + 100])
    found, broken = frames_of(path)
    assert found and broken.startswith(f"the video breaks off after frame {len(found)}")


def test_a_video_that_ends_mid_frame_gives_the_frames_until_there(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    path = streamed(write_film(tmp_path / "a.mp4", list(noise)), tmp_path / "whole.mp4")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    whole, broken = frames_of(path)
    assert len(whole) == 40 and not broken
    found, broken = frames_of(cut)
    assert 10 < len(found) < 30 and [one.number for one in found] == list(range(1, len(found) + 1))
    assert broken == f"the video breaks off after frame {len(found)} of 40: what was there is answered"
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(found[:10], whole, strict=False))


def test_damaged_parts_are_left_out_and_counted(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 48, 64, 3), np.uint8)
    data = bytearray(streamed(write_film(tmp_path / "a.mp4", list(noise)), tmp_path / "b.mp4").read_bytes())
    middle = (data.find(b"mdat") + len(data)) // 2
    data[middle : middle + 4000] = bytes(4000)
    (tmp_path / "b.mp4").write_bytes(data)
    found, broken = frames_of(tmp_path / "b.mp4")
    assert 15 < len(found) < 30 and "damaged" in broken and found[-1].time == pytest.approx(29 / 25, abs=0.05)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.mp4", b"", "empty"),
        ("text.mp4", b"hello " * 50, "this is no video"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "this is no video"),
        ("join.mp4", b"ffconcat version 1.0\nfile '/etc/hostname'\n", "this is no video"),
        ("none.mp4", None, "there is no such video"),
        (".", None, "there is no such video"),
    ],
)
def test_what_is_no_video_is_an_error(name: str, data: bytes | None, words: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SightlineError, match=words):
        Video(tmp_path / name)


def test_sound_alone_and_frames_too_large_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="no pictures"):
        Video(sound(tmp_path / "sound.mp4"))
    with pytest.raises(SightlineError, match="frames of 1,536 pixels") as error:
        Video(write_film(tmp_path / "a.mp4", counting(2)), max_pixels=1000)
    assert "--max-pixels 1536" in error.value.fix


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for begin in (lambda: Video(tmp_path / "a.mp4"), lambda: VideoWriter(tmp_path / "b.mp4", 25)):
        with pytest.raises(MissingExtra, match="needs the package av") as error:
            begin()
        assert error.value.fix == "type: pip install 'sightline[video]'"


def test_what_counts_as_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert all(map(is_video, ("a.mp4", Path("b.MOV"), "c/d.webm", "camera:0", "camera:x")))
    assert not any(map(is_video, ("a.png", "mp4", "camera", b"camera:0", np.zeros((2, 2)), Image.new("L", (2, 2)))))
    Path("camera:0").write_text("a file of that name")
    assert not is_camera("camera:0")


def test_a_camera_gives_frames_at_the_time_at_which_they_come(as_camera: Path) -> None:
    with Video("camera:0") as video:
        found = list(video.frames())
        assert video.live and video.expected is None
        assert video.broken == "the camera gave no more after frame 12", "as if it had been pulled out"
    assert len(found) == 12 and all(a.time <= b.time for a, b in pairwise(found))
    with pytest.raises(SightlineError, match="the camera cannot be opened"):
        Video("camera:1")


@pytest.mark.parametrize("name", ["camera:", "camera:x", "camera:-1", "camera:/dev/video0"])
def test_a_camera_is_named_by_its_number(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SightlineError, match="named by its number"):
        Video(name)
    monkeypatch.setattr(sys, "platform", "plan9")
    with pytest.raises(SightlineError, match="cameras are not known on plan9"):
        Video(name)


def test_frames_of_other_sizes_fit_into_the_first() -> None:
    wide, tall = Image.new("RGB", (64, 48), "white"), Image.new("RGB", (40, 96), "white")
    assert fitting(wide, (64, 48)) is wide
    assert fitting(Image.new("RGB", (65, 49), "white"), (64, 48)).getextrema() == ((255, 255),) * 3, "an edge is cut"
    smaller = np.asarray(fitting(tall, (64, 48)))
    assert (
        smaller.shape == (48, 64, 3) and smaller[47, 10].tolist() == [255] * 3 and smaller[10, 30].tolist() == [0] * 3
    )
    assert np.asarray(fitting(wide, (80, 60)))[50, 70].tolist() == [0] * 3


def test_a_place_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(SightlineError, match="cannot write the video"),
        VideoWriter(tmp_path / "no" / "a.mp4", 25) as one,
    ):
        one.write(Image.new("RGB", (32, 32)), 0)
    with VideoWriter(tmp_path / "none.mp4", 25):
        pass
    assert list(tmp_path.iterdir()) == [], "no frame, no file"
