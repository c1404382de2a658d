"""check --fix: a cleaned list, and the originals untouched. check --labels: planted wrong labels are found."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import Result, picture, save_image, table_rows, write_folder, write_table
from tiny import TINY, write_several

from sightline.data.formats import open_data

Cli = Callable[..., Result]


def sums(root: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture
def messy(here: Path) -> Path:
    """Three classes; a copy, a copy under another label, an image that is none, a blank one."""
    root = write_folder(here / "photos")
    shutil.copy(root / "circle/000.png", root / "circle/copy.png")
    shutil.copy(root / "cross/013.png", root / "square/torn.png")
    (root / "circle/broken.png").write_bytes(b"no image at all")
    save_image(root / "square/blank.png", np.full((16, 16, 3), 200, np.uint8))
    return root


def test_the_list_leaves_out_what_is_bad_and_nothing_else(cli: Cli, messy: Path) -> None:
    before = sums(messy)
    done = cli("check", messy, "--fix", "clean.csv", "--json")
    assert done.code == 0, done.err
    listed = {Path(open_data("clean.csv").images.name(i)).name for i in range(len(open_data("clean.csv")))}
    every = {p.name for p in messy.rglob("*.png")}
    left_out = {"broken.png", "blank.png", "torn.png", "013.png"}
    assert left_out & listed == set() and len({"000.png", "copy.png"} & listed) == 1
    assert listed == every - left_out - ({"000.png", "copy.png"} - listed)
    assert done.json["fix"]["kept"] == len(listed) == 35
    assert done.json["fix"]["dropped"]["unreadable"] == 1
    assert sums(messy) == before, "the originals were touched"
    assert cli("check", "clean.csv", "--json").json["passed"]


def test_the_list_can_be_trained_on(cli: Cli, messy: Path) -> None:
    cli("check", messy, "--fix", "clean.csv")
    done = cli("train", "clean.csv", "--network", "cnn", "--imgsz", 16, "--epochs", 1, "--workers", 0, "--out", "run")
    assert done.code == 0, done.err


def test_the_copy_in_test_is_the_one_that_stays(cli: Cli, here: Path) -> None:
    rows = [
        {"image": f"{name}{i}.png", "pixels": picture(name, i), "label": name, "split": "test" if i > 8 else "train"}
        for name in ("circle", "cross")
        for i in range(10)
    ]
    rows.append({"image": "twin.png", "pixels": picture("circle", 9), "label": "circle", "split": "train"})
    table = write_table(here / "data", rows, ("image", "label", "split"))
    assert cli("check", table, "--fix", "clean.csv").code == 0
    listed = Path("clean.csv").read_text()
    assert "circle9.png" in listed and "twin.png" not in listed


def test_an_existing_file_stays_and_data_without_files_is_refused(cli: Cli, messy: Path) -> None:
    Path("clean.csv").write_text("mine")
    done = cli("check", messy, "--fix", "clean.csv")
    assert done.code == 2 and "clean.csv" in done.err and Path("clean.csv").read_text() == "mine"
    done = cli("check", "digits", "--fix", "other.csv")
    assert done.code == 2 and "has none" in done.err and not Path("other.csv").exists()
    done = cli("check", messy, "--fix", "clean.txt")
    assert done.code == 2 and ".csv or .tsv" in done.err


def test_a_list_that_training_would_refuse_is_said_to_be_one(cli: Cli, here: Path) -> None:
    write_folder(here / "photos", per_class=5)
    shutil.copy(here / "photos/circle/000.png", here / "photos/square/torn.png")  # leaves four circles
    assert cli("check", "photos", "--json").json["passed"]
    done = cli("check", "photos", "--fix", "clean.csv")
    assert "training would refuse clean.csv:\n  x classes with fewer than 5 images: circle (4)" in done.out
    assert "type: sightline check photos --fix clean2.csv" in done.out and "sightline train" not in done.out
    again = cli("check", "photos", "--fix", "clean2.csv", "--json").json["fix"]
    assert again["errors"] == ["classes with fewer than 5 images: circle (4)"]
    refused = cli("train", "clean.csv", "--network", "cnn", "--workers", 0)
    assert refused.code == 2 and again["errors"][0] in refused.err


def test_a_blank_image_of_no_label_stays(cli: Cli, here: Path) -> None:
    path = write_several(here / "data")
    save_image(here / "data/nothing.png", np.full((16, 16, 3), 200, np.uint8))
    save_image(here / "data/wrong.png", np.full((16, 16, 3), 90, np.uint8))
    path.write_text(path.read_text() + "nothing.png,\nwrong.png,circle\n")
    done = cli("check", path, "--fix", "clean.csv", "--json").json
    listed = Path("clean.csv").read_text()
    assert done["fix"]["dropped"]["blank"] == 1 and "wrong.png" not in listed and "data/nothing.png,\n" in listed


@pytest.mark.parametrize("task", TINY)
def test_the_list_is_learned_by_the_same_task(cli: Cli, here: Path, task: str) -> None:
    data = TINY[task].write(here / "data")
    done = cli("check", data, "--fix", "clean.csv")
    assert done.out.endswith("next:\n  sightline train clean.csv\n")
    assert cli("check", "clean.csv", "--json").json["task"] == task


def test_single_labels_of_several_need_the_task_named(cli: Cli, here: Path) -> None:
    write_table(here / "data", table_rows(12))
    done = cli("check", "data/labels.csv", "--task", "multilabel", "--fix", "clean.csv")
    assert done.out.endswith("next:\n  sightline train clean.csv --task multilabel\n")


def test_planted_wrong_labels_are_found(cli: Cli, here: Path) -> None:
    wrong: set[str] = set()
    for name, other in (("circle", "cross"), ("cross", "circle")):
        for i in range(60):
            planted = i % 20 == 0
            save_image(here / "data" / (other if planted else name) / f"{name}{i}.png", picture(name, i))
            wrong |= {f"{name}{i}.png"} if planted else set()
    done = cli("check", "data", "--labels", "--json")
    assert done.code == 0, done.err
    found = next(f for f in done.json["findings"] if f["code"] == "label_error")
    flagged = {Path(item.partition(":")[0]).name for item in found["items"]}
    assert len(wrong & flagged) >= 0.8 * len(wrong) and len(flagged) <= 2 * len(wrong)


def test_a_nearly_equal_image_in_another_split_is_a_leak(cli: Cli, here: Path) -> None:
    random = np.random.default_rng(3)
    rows = []
    for name in ("a", "b"):
        for i in range(12):
            noise = Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).resize((64, 64), 3)
            rows.append({"image": f"{name}{i}.png", "pixels": np.asarray(noise), "label": name,
                         "split": "test" if i > 9 else "train"})  # fmt: skip
    lighter = np.clip(rows[11]["pixels"].astype(int) + 6, 0, 255).astype(np.uint8)
    rows.append({"image": "again.png", "pixels": lighter, "label": "a", "split": "train"})
    done = cli("check", write_table(here / "data", rows, ("image", "label", "split")), "--json")
    leaks = [f for f in done.json["findings"] if f["code"] == "near_leak"]
    assert len(leaks) == 1 and leaks[0]["count"] == 1 and "again.png" in leaks[0]["items"][0]
