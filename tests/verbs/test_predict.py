"""predict: sources in, answers out, in their order, whatever some of them are."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import CLASSES, Result, command, environment, picture, save_image

import sightline
from sightline.core.errors import SightlineError
from sightline.verbs.sources import gather

Cli = Callable[..., Result]


@pytest.fixture
def photos(here: Path) -> list[Path]:
    """Seven images with nasty names, their true class in front, in two folders."""
    names = [
        "photos/cross a b.png",
        "photos/circle[1].png",
        "photos/square 名前 🐈.png",
        "photos/cross=x.png",
        "photos/inner/circle 'q'.png",
        'photos/inner/square "d".PNG',
        "photos/inner/cross\n.png",
    ]
    return [save_image(Path(n), picture(Path(n).name.split()[0].split("=")[0].split("[")[0], 7)) for n in names]


def labels(done: Result) -> dict[str, str]:
    return {row["image"]: row["label"] for row in done.lines}


def test_files_are_answered_in_their_order(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    for order in (photos, photos[::-1], [photos[0], photos[0]]):
        done = cli("predict", bundle, *order, "--json")
        assert done.code == 0, done.err
        assert [row["image"] for row in done.lines] == list(map(str, order))


def test_the_answers_are_right(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    done = cli("predict", bundle, *photos, "--json")
    wrong = [row for row in done.lines if not Path(row["image"]).name.startswith(row["label"])]
    assert len(wrong) <= 1
    for row in done.lines:
        assert {entry["label"] for entry in row["top"]} == set(CLASSES)
        assert sum(entry["confidence"] for entry in row["top"]) == pytest.approx(1, abs=1e-4)
        assert row["confidence"] == row["top"][0]["confidence"]


def test_a_folder_stands_for_the_images_below_it(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    Path("photos/notes.txt").write_text("no image")
    Path("photos/.hidden.png").write_bytes(b"")
    assert sorted(labels(cli("predict", bundle, "photos", "--json"))) == sorted(map(str, photos))


def test_patterns_stand_for_the_files_they_match(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    assert set(labels(cli("predict", bundle, "photos/c*.png", "--json"))) == {
        "photos/circle[1].png",
        "photos/cross a b.png",
        "photos/cross=x.png",
    }
    everything = cli("predict", bundle, "photos/**/*.[pP][nN][gG]", "--json")
    assert len(labels(everything)) == len(photos)
    assert list(labels(cli("predict", bundle, "photos/circle[1].png", "--json"))) == ["photos/circle[1].png"]


def test_a_folder_that_a_pattern_matches_is_a_folder(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    assert sorted(labels(cli("predict", bundle, "photo*", "--json"))) == sorted(map(str, photos))
    for pattern in ("photos/**", "photos/*"):
        done = cli("predict", bundle, pattern, "--json")
        assert sorted(row["image"] for row in done.lines) == sorted(map(str, photos)), "each of them once"
    assert len(sightline.load(bundle).predict("photos/i*")) == 3
    Path("photos/void/deeper").mkdir(parents=True)
    done = cli("predict", bundle, "photos/v*")
    assert (done.code, done.out) == (2, "") and "no images in what this pattern matches: photos/v*" in done.err


@pytest.mark.skipif(os.name != "posix", reason="only there are names that are no text")
def test_a_name_on_standard_input_need_not_be_text(bundle: Path, photos: list[Path], here: Path) -> None:
    path = b"photos/gr\xfcn.png"
    shutil.copy(photos[0], os.fsdecode(path))
    done = subprocess.run(
        command("predict", bundle, "-", "--json"), cwd=here, env=environment(), input=path + b"\n", capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["label"] in CLASSES


def test_paths_are_read_from_standard_input(
    cli: Cli, bundle: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [str(photos[2]), str(photos[0]), "missing.png"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{chosen[0]}\r\n\n{chosen[1]}\n{chosen[2]}"))
    done = cli("predict", bundle, photos[1], "-", "--json", "--max-bad", "0.5")
    assert done.code == 0, done.err
    assert [row["image"] for row in done.lines] == [str(photos[1]), *chosen]
    assert done.lines[-1]["error"] == "the image does not exist"


@pytest.mark.parametrize("source", ["missing.png", "nothing*.png", "empty", "x" * 5000 + ".png"])
def test_a_source_that_stands_for_nothing_is_an_error(cli: Cli, bundle: Path, source: str) -> None:
    Path("empty").mkdir()
    done = cli("predict", bundle, source)
    assert (done.code, done.out) == (2, "") and "Traceback" not in done.err
    assert source[:20] in done.err or "too long" in done.err


def test_predict_without_images_says_what_to_type(cli: Cli, bundle: Path) -> None:
    done = cli("predict", bundle)
    assert done.code == 2 and "sightline predict MODEL.sightline IMAGE" in done.err


def broken(folder: Path) -> list[Path]:
    """One file of each way to be unreadable."""
    folder.mkdir(parents=True, exist_ok=True)
    good = save_image(folder / "good.png", picture("cross", 3)).read_bytes()
    files = {"zero.png": b"", "text.jpg": b"this is a text", "cut.png": good[: len(good) // 2]}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def test_an_unreadable_image_does_not_stop_the_others(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    bad = broken(Path("bad"))[0]
    done = cli("predict", bundle, photos[0], bad, *photos[1:], "--json")
    assert done.code == 0 and len(done.lines) == len(photos) + 1
    assert done.lines[1] == {"image": str(bad), "error": "the image file is empty (0 bytes)"}
    assert all("label" in row for place, row in enumerate(done.lines) if place != 1)
    assert f"! {bad}: the image file is empty" in done.err


def test_more_unreadable_images_than_tolerated_are_an_error(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    bad = broken(Path("bad"))
    done = cli("predict", bundle, *photos, *bad)
    assert done.code == 2 and len(done.out.splitlines()) >= len(photos)
    assert all(str(path) in done.err for path in bad) and "3 unreadable" in done.err
    assert cli("predict", bundle, *photos, *bad, "--max-bad", "0.5").code == 0
    assert cli("predict", bundle, *photos, bad[0], "--max-bad", "0").code == 2
    assert cli("predict", bundle, *photos[:4], bad[0]).code == 0, "a fifth is tolerated"
    assert cli("predict", bundle, *photos[:3], bad[0]).code == 2


def test_a_decompression_bomb_is_refused_before_it_is_decoded(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    done = cli("predict", bundle, photos[0], "--max-pixels", 100, "--json")
    assert done.code == 2
    assert "more than the limit of 100" in done.lines[0]["error"]


def test_answers_can_be_written_to_a_table(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    bad = broken(Path("bad"))[0]
    done = cli("predict", bundle, *photos, bad, "--csv", "answers.csv", "--json")
    assert done.code == 0
    with Path("answers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == [*map(str, photos), str(bad)]
    assert [row["label"] for row in rows[:-1]] == [row["label"] for row in done.lines[:-1]]
    assert rows[-1]["label"] == "" and "0 bytes" in rows[-1]["error"]


def test_answers_can_be_drawn_and_none_is_lost(cli: Cli, bundle: Path) -> None:
    sources = [save_image(Path(f"{folder}/same.png"), picture("cross", i)) for i, folder in enumerate("abcd")]
    originals = [path.read_bytes() for path in sources]
    assert cli("predict", bundle, *sources, "--out", "drawn", "--csv", "t.csv").code == 0
    assert sorted(p.name for p in Path("drawn").iterdir()) == ["same-2.png", "same-3.png", "same-4.png", "same.png"]
    assert cli("predict", bundle, *sources, "--out", "a").code == 0
    assert [path.read_bytes() for path in sources] == originals
    assert Image.open("drawn/same-4.png").width >= 192


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--out", "/dev/null/x"), "cannot make the folder"),
        (("--out", "file"), "cannot make the folder"),
        (("--csv", "/dev/null/x.csv"), "the table cannot be written"),
        (("--csv", "file/x.csv"), "the table cannot be written"),
        (("--csv", "photos"), "the table cannot be written"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_an_error(
    cli: Cli, bundle: Path, photos: list[Path], arguments: tuple[str, ...], words: str
) -> None:
    Path("file").write_text("in the way")
    done = cli("predict", bundle, photos[0], *arguments)
    assert done.code == 2 and words in done.err and "Traceback" not in done.err
    assert done.out == "", "it is noticed before the work"
    assert Path("file").read_text() == "in the way"


def test_a_table_gets_its_folder_and_keeps_the_rows_up_to_ctrl_c(
    cli: Cli, bundle: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.verbs.answers import Telling

    real, seen = Telling.image, []

    def image(self: Telling, answer: object) -> None:
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(answer)
        real(self, answer)  # type: ignore[arg-type]

    monkeypatch.setattr(Telling, "image", image)
    assert cli("predict", bundle, *photos, "--csv", "new/folder/t.csv", "--workers", 0).code == 130
    with Path("new/folder/t.csv").open(newline="", encoding="utf-8") as file:
        assert [row["image"] for row in csv.DictReader(file)] == list(map(str, photos[:3]))


def test_doubtful_answers_are_left_out(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    done = cli("predict", bundle, *photos, "--min-confidence", "1", "--json")
    assert done.code == 0 and all(row["label"] is None and row["top"] == [] for row in done.lines)
    assert "unsure (best" in cli("predict", bundle, photos[0], "--min-confidence", "1").out
    assert len(cli("predict", bundle, photos[0], "--top", "2", "--json").lines[0]["top"]) == 2


def test_people_get_one_line_an_image(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    done = cli("predict", bundle, photos[0], photos[1])
    assert len(done.out.splitlines()) == 2 and done.out.startswith(f"{photos[0]}  ")
    assert "%" in done.out and "2 images" in done.err


def test_many_images_are_read_by_several_processes_in_order(cli: Cli, bundle: Path) -> None:
    paths = [save_image(Path(f"many/{i}.png"), picture(CLASSES[i % 3], i)) for i in range(150)]
    one, several = (cli("predict", bundle, *paths, "--workers", workers, "--json") for workers in (0, 3))
    assert one.out == several.out and [row["image"] for row in one.lines] == list(map(str, paths))


@pytest.mark.skipif(os.name != "posix", reason="only there are names that are no text")
def test_a_name_that_is_no_text_is_no_obstacle(cli: Cli, bundle: Path, photos: list[Path]) -> None:
    path = os.fsdecode(b"photos/gr\xfcn.png")
    shutil.copy(photos[0], path)
    done = cli("predict", bundle, path, "--json", "--csv", "t.csv")
    assert done.code == 0, done.err
    assert done.lines[0]["label"] in CLASSES and "gr" in done.lines[0]["image"]
    assert cli("predict", bundle, path).code == 0


def test_the_model_in_python_takes_what_people_have(bundle: Path, photos: list[Path]) -> None:
    model = sightline.load(str(bundle))
    assert model.predict("photos").__len__() == len(photos) == len(model.predict("photos/**/*.[pP]*"))
    batch = np.stack([picture("cross", i) for i in range(3)])
    assert [p.label for p in model.predict(batch)] == [model.predict(image).label for image in batch]
    assert model.predict([]) == [] and model.predict(batch[:0]) == []
    assert model.spec.classes == CLASSES and model.path == bundle and "cnn" in repr(model)
    assert model.metrics == model.card["scores"]["test"]["metrics"]


@pytest.mark.parametrize(
    "source", ["missing.png", b"no image", np.zeros((2, 2, 7)).astype(str), np.zeros(5), Path("nowhere")]
)
def test_the_model_in_python_refuses_what_is_no_image(bundle: Path, here: Path, source: object) -> None:
    with pytest.raises(SightlineError):
        sightline.load(bundle).predict(source)


def test_colour_and_grey_images_are_brought_to_the_networks_channels(bundle: Path) -> None:
    model = sightline.load(bundle)
    grey = picture("square", 3, grey=True)
    assert model.predict(grey).to_dict() == model.predict(np.repeat(grey, 3, axis=2)).to_dict()


def test_gather_keeps_the_order_of_sources(photos: list[Path]) -> None:
    found = gather(["photos/inner", str(photos[0]), "-"], ["a.png\n", "  \n", "b c.png\r\n"])
    assert found == [*sorted(photos[4:]), photos[0], Path("a.png"), Path("b c.png")]
