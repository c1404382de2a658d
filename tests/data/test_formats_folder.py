"""Class folders, in all the ways in which people lay them out."""

import os
import time

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.formats import folder, open_data


def build(root, *names):
    """Makes the files; a name that ends with a slash is an empty folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return root


def rows(data):
    """(path, label, split) of each example."""
    names = [data.images.name(i).replace(os.sep, "/") for i in range(len(data))]
    return list(zip(names, data.targets.tolist(), data.splits.tolist(), strict=True))


def notes(data):
    return {code: items for code, _, items in data.notes}


def test_flat_in_natural_order(tmp_path):
    data = open_data(build(tmp_path, "dog/img10.jpg", "dog/img2.jpg", "cat/a.PNG", "cat/deep/er/b.webp"))
    assert data.format == "folder" and data.classes == () and data.groups is None and data.notes == ()
    assert rows(data) == [
        ("cat/a.PNG", "cat", ""),
        ("cat/deep/er/b.webp", "cat", ""),
        ("dog/img2.jpg", "dog", ""),
        ("dog/img10.jpg", "dog", ""),
    ]


def test_images_are_read_from_where_they_lie(tmp_path):
    (tmp_path / "a").mkdir()
    Image.new("L", (3, 2), 9).save(tmp_path / "a" / "1.png")
    data = open_data(str(tmp_path))
    assert data.images.load(0) == tmp_path / "a" / "1.png" and data.probe().width == 3


@pytest.mark.parametrize("val", ["val", "valid", "Validation", "dev"])
@pytest.mark.parametrize("wrapper", ["", "photos/", "a/images/"])
def test_splits(tmp_path, val, wrapper):
    build(tmp_path, *(wrapper + name for name in ("Train/x/1.jpg", f"{val}/x/2.jpg", "TEST/y/3.jpg")), "README.md")
    data = open_data(tmp_path)
    assert {(label, split) for _, label, split in rows(data)} == {("x", "train"), ("x", "val"), ("y", "test")}
    assert notes(data) == {"other_files": ("README.md",)}


def test_only_a_test_part(tmp_path):
    assert rows(open_data(build(tmp_path, "test/x/1.jpg"))) == [("test/x/1.jpg", "x", "test")]


def test_class_may_be_named_like_a_split(tmp_path):
    data = open_data(build(tmp_path, "train/1.jpg", "bus/2.jpg"))
    assert data.targets.tolist() == ["bus", "train"] and set(data.splits) == {""}
    data = open_data(build(tmp_path / "b", "train/train/1.jpg", "train/test/2.jpg", "test/test/3.jpg"))
    assert [row[1:] for row in rows(data)] == [("test", "test"), ("test", "train"), ("train", "train")]


def test_wrapped_root_beside_other_files(tmp_path):
    data = open_data(build(tmp_path, "data/images/cat/1.jpg", "data/images/dog/2.jpg", "data/labels/x.xml", "a.txt"))
    assert data.targets.tolist() == ["cat", "dog"] and notes(data) == {"other_files": ("a.txt", "data/labels/x.xml")}


def test_one_class_is_not_unwrapped(tmp_path):
    assert open_data(build(tmp_path / "a", "cat/1.jpg")).targets.tolist() == ["cat"]
    data = open_data(build(tmp_path / "b", "cat/deep/1.jpg", "dog/"))
    assert data.targets.tolist() == ["cat"] and notes(data) == {"empty_class": ("dog",)}


def test_names_of_every_kind(tmp_path):
    names = ["🐱 cat", "猫", "with  spaces", "ünï", "-x", "a.b", "100%", "🐶"]
    data = open_data(build(tmp_path, *(f"{name}/1.jpg" for name in names)))
    assert set(data.targets) == set(names)


def test_names_are_composed_unicode(tmp_path):
    data = open_data(build(tmp_path, "train/cafe\u0301/1.jpg", "test/caf\u00e9/2.jpg"))
    assert set(data.targets) == {"caf\u00e9"}


@pytest.mark.skipif(os.name != "posix", reason="names are bytes only there")
def test_name_that_is_not_utf8(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/caf\xe9")  # noqa: PTH103
    with open(os.fsencode(tmp_path) + b"/caf\xe9/1.jpg", "wb"):
        data = open_data(tmp_path)
    assert data.targets.tolist() == ["café"]
    data.images.name(0).encode("utf-8")


def test_hidden_and_left_behind_files_are_ignored(tmp_path):
    data = open_data(
        build(
            tmp_path, "cat/1.jpg", "dog/2.jpg", "cat/._1.jpg", ".git/x.png", "__MACOSX/cat/1.jpg", "cat/Thumbs.db",
            ".DS_Store", "dog/.hidden/3.jpg", "desktop.ini",
        )
    )  # fmt: skip
    assert len(data) == 2 and data.notes == ()


def test_what_is_left_out_is_noted(tmp_path):
    data = open_data(
        build(
            tmp_path,
            "train/a/1.jpg",
            "train/a/1.txt",
            "train/b/",
            "test/loose.jpg",
            "test/a/2.jpg",
            "extra/3.jpg",
            "z/",
        )
    )
    assert notes(data) == {
        "empty_class": ("train/b",),
        "no_class": ("test/loose.jpg",),
        "outside_splits": ("extra/3.jpg",),
        "other_files": ("train/a/1.txt",),
    }
    messages = {code: message for code, message, _ in data.notes}
    assert messages["other_files"].startswith("1 file ") and messages["empty_class"].startswith("1 class folder ")


def test_loose_images_beside_classes(tmp_path):
    data = open_data(build(tmp_path, "a/1.jpg", "b/1.jpg", "2.jpg", "c/"))
    assert len(data) == 2 and notes(data) == {"no_class": ("2.jpg",), "empty_class": ("c",)}


@pytest.mark.parametrize(
    "names, message",
    [
        ((), "nothing at all"),
        (("a/",), "nothing at all"),
        (("notes.txt", "a/b.pdf"), "only 2 other files"),
        (("1.jpg", "2.jpg"), "2 images, but none in a class folder"),
        (("train/1.jpg", "test/2.jpg"), "2 images, but none in a class folder"),
    ],
)
def test_no_class_folders(tmp_path, names, message):
    with pytest.raises(SightlineError, match=message) as caught:
        open_data(build(tmp_path, *names))
    assert caught.value.where == str(tmp_path) and "ROOT/CLASS/image.jpg" in caught.value.fix


def test_missing_folder_and_file(tmp_path):
    with pytest.raises(SightlineError, match="does not exist"):
        open_data(tmp_path / "missing")
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(SightlineError, match="no format"):
        open_data(tmp_path / "x.txt")
    with pytest.raises(SightlineError, match="no folder"):
        open_data(tmp_path / "x.txt", "folder")
    assert not folder.sniff(tmp_path / "a\0b") and not folder.sniff(tmp_path / ("x" * 5000))


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_and_their_loops(tmp_path):
    build(tmp_path / "data", "cat/1.jpg", "dog/2.jpg")
    build(tmp_path / "elsewhere", "3.jpg")
    data_root = tmp_path / "data"
    (data_root / "cat" / "loop").symlink_to(data_root)
    (data_root / "dog" / "self").symlink_to(data_root / "dog" / "self")
    (data_root / "a_fox").symlink_to(tmp_path / "elsewhere")
    (data_root / "again").symlink_to(data_root / "dog")
    (data_root / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(data_root / "cat" / "pipe.jpg")
    data = open_data(data_root)
    assert [row[:2] for row in rows(data)] == [
        ("a_fox/3.jpg", "a_fox"),
        ("cat/1.jpg", "cat"),
        ("cat/gone.jpg", "cat"),
        ("dog/2.jpg", "dog"),
    ]
    assert set(notes(data)["repeated_folder"]) == {"again", "cat/loop"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_folder_that_may_not_be_read(tmp_path):
    build(tmp_path, "cat/1.jpg", "dog/2.jpg", "fox/3.jpg")
    (tmp_path / "fox").chmod(0)
    try:
        assert notes(open_data(tmp_path))["unreadable_folder"] == ("fox",)
    finally:
        (tmp_path / "fox").chmod(0o700)


def test_laying_out_100_000_files_is_quick():
    files = [f"class{i % 100}/{i}.jpg" for i in range(100_000)]
    start = time.process_time()
    layout = folder.lay_out(files, [f"class{i}" for i in range(100)], "here")
    assert time.process_time() - start < 5
    assert len(layout.paths) == 100_000 and len(np.unique(layout.labels)) == 100


@pytest.mark.parametrize("name", ["9" * 5000, "²³", "٣٤", "a" * 9 + "0" * 40, ""])
def test_natural_order_takes_any_name(name):
    assert folder.lay_out([f"c/{name}.jpg", "c/1.jpg", "c/x/²1.jpg"], ["c"], "here").labels == ["c"] * 3
