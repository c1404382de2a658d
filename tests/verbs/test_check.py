"""check: what is wrong with the data, before anybody trains on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import CLASSES, Result, picture, pictures, save_image, table_rows, write_folder, write_table
from tiny import write_several

import sightline

Cli = Callable[..., Result]


def findings(done: Result) -> dict[str, dict[str, Any]]:
    return {finding["code"]: finding for finding in done.json["findings"]}


def test_counts_sizes_and_splits_are_told(cli: Cli, shapes: Path) -> None:
    done = cli("check", shapes, "--json")
    assert done.code == 0
    report = done.json
    assert (report["count"], report["format"], report["task"], report["passed"]) == (36, "folder", "classify", True)
    assert report["classes"] == {name: {"train": 10, "val": 1, "test": 1} for name in CLASSES}
    assert report["sizes"]["width"] == {"min": 16, "median": 16, "max": 16} and report["sizes"]["colour"] == 36
    assert findings(done)["small_class"]["level"] == "warning"
    text = cli("check", shapes).out
    assert "36 images" in text and all(name in text for name in CLASSES)


def test_the_last_row_counts_images_not_labels(cli: Cli) -> None:
    path = write_several(Path("data"))  # 96 images with none to three labels each
    done = cli("check", path, "--json").json
    assert sum(done["parts"].values()) == 96 < sum(sum(row.values()) for row in done["classes"].values())
    last = next(line for line in cli("check", path).out.splitlines() if line.startswith("all "))
    assert last.split()[1:] == [str(done["parts"][name]) for name in ("train", "val", "test")] + ["96"]


def test_grey_images_of_different_sizes_are_told_apart(cli: Cli) -> None:
    for i, side in enumerate((8, 20, 33, 12, 9)):
        save_image(Path(f"data/a/{i}.png"), picture("cross", i, grey=True, side=side))
        save_image(Path(f"data/b/{i}.png"), picture("square", i, side=side))
    sizes = cli("check", "data", "--json").json["sizes"]
    assert sizes["height"] == {"min": 8, "median": 12, "max": 33} and sizes["colour"] == 5


@pytest.mark.parametrize(
    ("counts", "code", "level", "exit_code"),
    [
        ((30, 30), None, "", 0),
        ((29, 30), "small_class", "warning", 0),
        ((5, 5), "small_class", "warning", 0),
        ((4, 30), "small_class", "error", 1),
        ((40, 0), "one_class", "error", 1),
        ((30, 90), "imbalance", "note", 0),
        ((30, 300), "imbalance", "warning", 0),
    ],
)
def test_classes_too_few_too_small_or_uneven_are_found(
    counts: tuple[int, int], code: str | None, level: str, exit_code: int, cli: Cli, here: Path
) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (sum(counts), 4, 4, 3), dtype=np.uint8)
    labels = ["a"] * counts[0] + ["b"] * counts[1]
    np.savez("data.npz", x_train=images, y_train=labels)
    done = cli("check", "data.npz", "--json")
    assert done.code == exit_code and done.json["passed"] is (exit_code == 0)
    found = findings(done)
    assert (found[code]["level"] == level) if code else found == {}
    assert [sightline.check(images, labels).passed] == [exit_code == 0]


def test_training_refuses_what_check_refuses(cli: Cli) -> None:
    for i in range(4):
        save_image(Path(f"data/a/{i}.png"), picture("cross", i))
        save_image(Path(f"data/b/{i}.png"), picture("square", i))
    done = cli("train", "data", "--network", "cnn")
    assert done.code == 2 and "classes with fewer than 5 images: a (4), b (4)" in done.err
    assert "sightline check" in done.err
    shutil.rmtree("data/b")
    done = cli("train", "data")
    assert done.code == 2 and "only one class, 'a': a classifier needs at least 2" in done.err
    assert not list(Path().rglob("*.sightline"))


def test_copies_leaks_and_conflicts_are_found(cli: Cli) -> None:
    images, labels = pictures(10)
    rows = [
        {"image": f"{i}.png", "label": label, "split": "train" if i % 5 else "test", "pixels": images[i]}
        for i, label in enumerate(labels)
    ]
    rows.append({**rows[1], "image": "copy.png"})
    rows.append({**rows[2], "image": "leak.bmp", "split": "test"})
    rows.append({**rows[3], "image": "torn.png", "label": "square"})
    path = write_table(Path("data"), rows, ("image", "label", "split"))
    done = cli("check", path, "--json")
    found = findings(done)
    assert done.code == 0
    assert found["duplicate"]["count"] == 1 and found["duplicate"]["items"] == ["1.png = copy.png"]
    assert found["leak"]["items"] == ["2.png (train) = leak.bmp (test)"] and found["leak"]["level"] == "warning"
    assert found["conflicting_labels"]["items"] == ["3.png (circle) = torn.png (square)"]
    assert found["conflicting_labels"]["rows"] == [
        {"images": [3, 32], "labels": ["circle", "square"], "splits": ["train", "train"]}
    ]
    assert not {"near_duplicate", "near_leak", "near_conflict"} & set(found), "equal images are told once"
    assert "2.png (train) = leak.bmp (test)" in cli("check", path).out


def test_copies_never_straddle_splits_that_are_made_here(cli: Cli) -> None:
    write_folder(Path("data"), per_class=8)
    for path in list(Path("data").rglob("*.png")):
        shutil.copy(path, path.with_name(f"copy {path.name}"))
    found = findings(cli("check", "data", "--json"))
    assert found["duplicate"]["count"] == 24 and "leak" not in found


def test_groups_never_straddle_splits(cli: Cli) -> None:
    import sightline.data.split as splitting
    from sightline.data.formats import open_data
    from sightline.data.scan import scan

    path = write_table(Path("data"), table_rows(20, group=lambda i: f"patient {i % 10}"), ("image", "label", "group"))
    assert cli("check", path).code == 0
    dataset = open_data(path)
    labels = np.unique(dataset.targets, return_inverse=True)[1]
    splits = splitting.assign(dataset.splits, labels, scan(dataset).hashes, dataset.groups, 0)
    assert set(splits) == {"train", "val", "test"}
    for group in set(dataset.groups):
        assert len(set(splits[dataset.groups == group])) == 1


def test_unreadable_files_are_listed(cli: Cli, shapes: Path) -> None:
    shutil.copytree(shapes, "data")
    Path("data/circle/zero.png").write_bytes(b"")
    Path("data/cross/text.jpg").write_text("not an image")
    done = cli("check", "data", "--json")
    found = findings(done)["unreadable"]
    assert done.code == 0 and done.json["count"] == 38 and found["count"] == 2
    assert found["items"] == [
        "circle/zero.png: the image file is empty (0 bytes)",
        "cross/text.jpg: " + found["items"][1][16:],
    ]
    assert done.json["classes"]["circle"] == {"train": 10, "val": 1, "test": 1}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Path("data").mkdir(), "no images here"),
        (lambda: save_image(Path("data/loose.png"), picture("cross", 1)), "none in a class folder"),
        (lambda: None, "the data does not exist"),
        (lambda: Path("data").write_text("something"), "no format recognises this data"),
    ],
)
def test_data_that_is_none_is_a_clear_error(cli: Cli, make: Callable[[], object], words: str) -> None:
    make()
    for verb in (("check", "data"), ("train", "data")):
        done = cli(*verb)
        assert (done.code, done.out) == (2, "") and words in done.err and "Traceback" not in done.err


def test_data_of_which_nothing_can_be_read_is_an_error(cli: Cli) -> None:
    for name in ("a/1.png", "b/2.png"):
        Path("data", name).parent.mkdir(parents=True, exist_ok=True)
        Path("data", name).write_bytes(b"")
    done = cli("check", "data")
    assert done.code == 2 and "none of the images can be read" in done.err and "0 bytes" in done.err


@pytest.mark.parametrize("targets", [(), ("a", "b")])
def test_check_takes_one_thing(cli: Cli, targets: tuple[str, ...]) -> None:
    done = cli("check", *targets)
    assert done.code == 2 and "sightline check DATA" in done.err


def test_the_seed_moves_the_split_and_nothing_else(shapes: Path) -> None:
    first, again, other = (sightline.check(str(shapes), seed=seed).to_dict() for seed in (0, 0, 1))
    assert first == again == other, "the counts are the same for every seed"
