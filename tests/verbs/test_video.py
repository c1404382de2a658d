"""predict on videos and cameras, for every task; and following with --track."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from films import counting, streamed, write_film
from PIL import Image
from support import Result, save_image
from tiny import COLOURS, TINY

import sightline
from sightline.core.errors import SightlineError
from sightline.core.tracks import TracksPrediction
from sightline.data import video as reading
from sightline.data.video import Frame, Video
from sightline.tables import TASKS
from sightline.verbs import moving

Cli = Callable[..., Result]


@pytest.fixture(scope="module")
def bundles(trained: Callable[..., Path]) -> Callable[[str], Path]:
    """The bundle of a task, trained once."""

    def of(task: str) -> Path:
        run = trained(TINY[task].network[0], task)
        return run / f"{run.name}.sightline"

    return of


def table(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines()))


def walking(count: int = 16) -> list[np.ndarray]:
    """A red square goes to the right and a blue one down."""
    frames = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 40, (32, 32, 3)).astype(np.uint8)
        pixels[3:14, 1 + number : 12 + number] = COLOURS["circle"]
        pixels[4 + number : 15 + number, 1:12] = COLOURS["square"]
        frames.append(pixels)
    return frames


@pytest.mark.parametrize("task", TASKS)
def test_every_task_answers_each_frame(task: str, cli: Cli, bundles: Callable[[str], Path]) -> None:
    images = list(TINY[task].arrays()[0][:10])
    film = write_film(Path("in/film.mp4"), images)
    done = cli("predict", bundles(task), film, "--json", "--out", "drawn", "--csv", "t.csv")
    assert done.code == 0, done.err
    assert [row["frame"] for row in done.lines] == list(range(1, 11)) and {row["image"] for row in done.lines} == {
        str(film)
    }
    assert [row["time"] for row in done.lines] == [round(n / 25, 3) for n in range(10)]
    model = sightline.load(bundles(task))
    with Video(film) as video:
        for row, frame in zip(done.lines, video.frames(), strict=True):
            answer = model.predict(frame.pixels).to_dict()
            assert {k: v for k, v in row.items() if k not in ("image", "frame", "time")} == answer
    columns = TASKS[task].load().columns
    assert Path("t.csv").read_text().splitlines()[0] == ",".join(["image", "frame", "time", *columns, "error"])
    assert len(Path("t.csv").read_text().splitlines()) == 11
    assert [path.name for path in Path("drawn").iterdir()] == ["film.mp4"]
    with Video("drawn/film.mp4") as video:
        assert len(list(video.frames())) == 10 and video.fps == pytest.approx(25)
    lines = cli("predict", bundles(task), film)
    assert len(lines.out.splitlines()) == 10 and lines.out.startswith(f"{film} 1 (0.00 s)  ")
    assert "10 of 10 frames" in lines.err and "frames/s" in lines.err
    assert [one.to_dict() for one in model.predict(film)][3].items() <= done.lines[3].items()


def test_things_are_followed(cli: Cli, bundles: Callable[[str], Path]) -> None:
    film = write_film(Path("in/walk.mp4"), walking())
    done = cli("predict", bundles("detect"), film, "--track", "--json", "--out", "drawn", "--csv", "t.csv")
    assert done.code == 0, done.err
    boxes = [(row["frame"], box) for row in done.lines for box in row["boxes"]]
    assert len(boxes) >= 16 and len({box["id"] for _, box in boxes}) <= 4
    assert len({(box["id"], box["label"]) for _, box in boxes}) == len({box["id"] for _, box in boxes})
    assert sorted(path.name for path in Path("drawn").iterdir()) == ["walk.mp4", "walk.txt"]
    mot = np.loadtxt("drawn/walk.txt", delimiter=",", ndmin=2)
    assert mot.shape == (len(boxes), 10) and (mot[:, 7:] == -1).all()
    for (frame, box), line in zip(boxes, mot.tolist(), strict=True):
        left, top, right, bottom = box["box"]
        assert line[:2] == [frame, box["id"]] and line[6] == pytest.approx(box["confidence"], abs=1e-4)
        assert line[2:6] == pytest.approx([left + 1, top + 1, right - left, bottom - top], abs=0.02)
    rows = table("t.csv")
    assert [(int(row["frame"]), int(row["id"])) for row in rows if row["id"]] == [(f, b["id"]) for f, b in boxes]
    assert {int(row["frame"]) for row in rows} == set(range(1, 17)), "a frame in which nothing is seen keeps a row"
    found = list(sightline.load(bundles("detect")).watch(film, track=True))
    assert [one.prediction.to_dict()["boxes"] for one in found] == [row["boxes"] for row in done.lines]
    assert all(isinstance(one.prediction, TracksPrediction) for one in found)
    assert found[0].pixels.shape == (32, 32, 3) and found[2].time == pytest.approx(0.08)
    again = cli("predict", bundles("detect"), film, "--track", "--out", "drawn")
    assert " #1" in again.out and Path("drawn/walk-2.txt").read_text() == Path("drawn/walk.txt").read_text()


def test_images_and_videos_in_one_command_keep_their_order(cli: Cli, bundles: Callable[[str], Path]) -> None:
    film, other = write_film(Path("b.mp4"), counting(3)), write_film(Path("films/c.mp4"), counting(2))
    photos = [save_image(Path(f"{name}.png"), walking(1)[0]) for name in "ad"]
    done = cli("predict", bundles("detect"), photos[0], film, "films", photos[1], "--track", "--json", "--csv", "t.csv")
    assert done.code == 0, done.err
    assert [(row["image"], row.get("frame")) for row in done.lines] == [
        ("a.png", None), *((str(film), n) for n in (1, 2, 3)), *((str(other), n) for n in (1, 2)), ("d.png", None)
    ]  # fmt: skip
    assert [row["image"] for row in table("t.csv")][::6] == ["a.png", "d.png"]


def test_a_broken_video_is_answered_and_said(cli: Cli, bundle: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    whole = streamed(write_film(Path("a.mp4"), list(noise)), Path("b.mp4"))
    Path("cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    done = cli("predict", bundle, "cut.mp4", "--json")
    assert done.code == 0 and 5 < len(done.lines) < 30
    assert (
        done.err == f"! cut.mp4: the video breaks off after frame {len(done.lines)} of 40: what was there is answered\n"
    )
    with pytest.warns(UserWarning, match="breaks off after frame"):
        list(sightline.load(bundle).predict("cut.mp4"))


def test_one_bad_video_does_not_stop_the_others(cli: Cli, bundle: Path) -> None:
    Path("bad.mp4").write_bytes(b"no film")
    good = write_film(Path("good.mp4"), counting(3))
    done = cli("predict", bundle, "bad.mp4", good, "--json", "--csv", "t.csv")
    assert done.code == 2 and "! bad.mp4: this is no video" in done.err, "one of two: more than --max-bad"
    assert "error" in done.lines[0] and [row.get("frame") for row in done.lines] == [None, 1, 2, 3]
    assert "this is no video" in Path("t.csv").read_text().splitlines()[1]
    assert cli("predict", bundle, "bad.mp4", good, "--max-bad", "0.5").code == 0
    alone = cli("predict", bundle, "bad.mp4")
    assert alone.code == 2 and alone.out == "" and alone.err.startswith("error: this is no video")


@pytest.mark.parametrize(
    ("task", "arguments", "words"),
    [
        (
            "classify",
            ["f.mp4", "--track"],
            "a bundle for classify finds none\n  leave it out, or take a",
        ),
        ("detect", ["a.png", "--track"], "none was named"),
        ("detect", ["f.mp4", "--track", "--then", "BUNDLE"], "--track and --then exclude each other"),
        ("detect", ["f.mp4", "--page"], "--page reads scans, and this is a video: f.mp4"),
        ("detect", ["camera:7"], "the camera cannot be opened"),
        ("detect", ["camera:front"], "a camera is named by its number"),
        ("detect", ["nofilm.mp4"], "there is no such image, folder or pattern"),
    ],
)
def test_what_does_not_go_together_is_said(
    task: str,
    arguments: list[str],
    words: str,
    cli: Cli,
    bundles: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "CAMERAS", {sys.platform: ("mp4", "/no/camera{}")})
    write_film(Path("f.mp4"), counting(2))
    save_image(Path("a.png"), walking(1)[0])
    done = cli("predict", bundles(task), *[bundles("classify") if a == "BUNDLE" else a for a in arguments])
    assert done.code == 2 and words in done.err and done.out == ""


def test_without_the_extra_it_is_named(cli: Cli, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_film(Path("f.mp4"), counting(2))
    save_image(Path("a.png"), walking(1)[0])
    monkeypatch.setitem(sys.modules, "av", None)
    done = cli("predict", bundle, "a.png", "f.mp4")
    assert done.code == 2 and "pip install 'sightline[video]'" in done.err and done.out == "", "before anything is done"
    assert cli("predict", bundle, "a.png").code == 0


def test_then_looks_into_each_frame(cli: Cli, bundles: Callable[[str], Path]) -> None:
    film = write_film(Path("f.mp4"), walking(4))
    done = cli("predict", bundles("detect"), film, "--then", bundles("classify"), "--json", "--csv", "t.csv")
    assert done.code == 0, done.err
    assert len(done.lines) == 4 and all("then" in box for row in done.lines for box in row["boxes"])
    assert Path("t.csv").read_text().startswith("image,frame,time,item,label,confidence,left,top,right,bottom,then_")


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after seven frames, in films and in `camera:0`, which is one."""
    camera = write_film(Path("camera/0.mp4"), walking())
    monkeypatch.setattr(reading, "CAMERAS", {sys.platform: ("mp4", str(camera.absolute()).replace("0.mp4", "{}.mp4"))})
    frames = Video.frames

    def seven(self: Video) -> Iterator[Frame]:
        for frame in frames(self):
            if frame.number > 7:
                raise KeyboardInterrupt
            yield frame

    monkeypatch.setattr(Video, "frames", seven)
    monkeypatch.setattr(moving, "AT_ONCE", 1)


def test_ctrl_c_ends_a_camera_and_keeps_what_was_seen(
    cli: Cli, bundles: Callable[[str], Path], interrupted: None
) -> None:
    done = cli("predict", bundles("detect"), "camera:0", "--track", "--out", "drawn", "--csv", "t.csv", "--json")
    assert done.code == 0, done.err
    assert len(done.lines) == 7 and sorted(path.name for path in Path("drawn").iterdir()) == [
        "camera-0.mp4",
        "camera-0.txt",
    ]
    assert len({row["frame"] for row in table("t.csv")}) == 7
    assert "7 frames, " in cli("predict", bundles("detect"), "camera:0").err


def test_ctrl_c_in_a_film_is_an_interruption_and_keeps_what_was_seen(cli: Cli, bundle: Path, interrupted: None) -> None:
    done = cli("predict", bundle, "camera/0.mp4", "--out", "drawn")
    assert done.code == 130 and "interrupted" in done.err and len(done.out.splitlines()) == 7
    import av

    with av.open("drawn/0.mp4") as container:
        assert len(list(container.decode(video=0))) == 7


def test_in_python_a_video_is_answered_frame_by_frame(bundle: Path, here: Path) -> None:
    film, model = write_film(Path("f.mp4"), counting(5)), sightline.load(bundle)
    answers = model.predict(str(film))
    assert next(answers).label and len(list(answers)) == 4
    for bad in ({"source": film, "track": True}, {"source": "a.png", "track": True}, {"source": "none.mp4"}):
        with pytest.raises(SightlineError):
            model.predict(**bad)
    [one, *_] = model.watch(film)
    drawn = one.prediction.draw(one.pixels)
    assert isinstance(drawn, Image.Image) and one.number == 1 and one.time == 0
