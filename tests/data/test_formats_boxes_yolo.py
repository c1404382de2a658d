"""YOLO."""

import numpy as np
import pytest
from box_files import by_name, notes, picture, text
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.formats import open_data
from sightline.data.formats import yolo as format
from sightline.data.formats._yaml import parse

ROW = "0 0.5 0.5 0.25 0.5\n"
CAT, DOG = "cat 15,5,25,15", "dog 15,5,25,15"


def pair(root, image, label, rows=ROW):
    picture(root / image)
    text(root / label, rows)


def test_data_yaml_as_ultralytics_writes_it(tmp_path):
    pair(tmp_path, "images/train/a.jpg", "labels/train/a.txt")
    pair(tmp_path, "images/val/b.jpg", "labels/val/b.txt", "1" + ROW[1:] + "\n")
    yaml = "path: ../datasets/pets # root\ntrain: images/train\nval: images/val\ntest:\n\nnames:\n  0: cat\n  1: dog\n"
    text(tmp_path / "data.yaml", yaml + "download: |\n  import os\n")
    for path in (tmp_path, tmp_path / "data.yaml"):
        data = open_data(path)
        assert (data.format, data.target, data.classes, data.notes) == ("yolo", "boxes", ("cat", "dog"), ())
        assert by_name(data) == {"a.jpg": (CAT, "train"), "b.jpg": (DOG, "val")}


@pytest.mark.parametrize("prefix", ["../", "", "./"])
def test_roboflow_s_layout(tmp_path, prefix):
    for folder in ("train", "valid", "test"):
        pair(tmp_path, f"{folder}/images/{folder}.jpg", f"{folder}/labels/{folder}.txt")
    places = "".join(
        f"{key}: {prefix}{folder}/images\n" for key, folder in (("train",) * 2, ("val", "valid"), ("test",) * 2)
    )
    text(tmp_path / "data.yaml", places + "nc: 1\nnames: ['cat']\n")
    text(tmp_path / "README.roboflow.txt", "about")
    assert by_name(open_data(tmp_path)) == {
        "train.jpg": (CAT, "train"),
        "valid.jpg": (CAT, "val"),
        "test.jpg": (CAT, "test"),
    }


@pytest.mark.parametrize("layout", ["images/{s}|labels/{s}", "{s}/images|{s}/labels"])
def test_folders_alone(tmp_path, layout):
    images, labels = layout.split("|")
    for split in ("train", "val"):
        pair(tmp_path, f"{images.format(s=split)}/{split}.jpg", f"{labels.format(s=split)}/{split}.txt", "12" + ROW[1:])
    pair(tmp_path, f"{images.format(s='train')}/x.jpg", f"{labels.format(s='train')}/x.txt", "3" + ROW[1:])
    data = open_data(tmp_path)
    assert by_name(data)["train.jpg"] == ("12 15,5,25,15", "train") and data.classes == ("3", "12")
    assert by_name(data)["val.jpg"] == ("12 15,5,25,15", "val")


def test_flat_folders_and_labelimg_s(tmp_path):
    pair(tmp_path / "one", "images/a.jpg", "labels/a.txt")
    text(tmp_path / "one" / "labels" / "classes.txt", "cat\ndog\n")
    pair(tmp_path / "two", "a.jpg", "a.txt")
    text(tmp_path / "two" / "classes.txt", "cat\ndog\n")
    for root in ("one", "two"):
        data = open_data(tmp_path / root)
        assert by_name(data) == {"a.jpg": (CAT, "")} and data.classes == ("cat", "dog") and not data.notes


def test_lists_of_images(tmp_path):
    pair(tmp_path, "images/a.jpg", "labels/a.txt")
    pair(tmp_path, "images/b.jpg", "labels/b.txt")
    text(tmp_path / "train.txt", "./images/a.jpg\nimages/gone.jpg\n")
    text(tmp_path / "val.txt", "images/b.jpg\n")
    text(tmp_path / "data.yaml", "train: train.txt\nval: [val.txt, more.txt]\nnames: [cat]")
    data = open_data(tmp_path)
    assert by_name(data) == {"a.jpg": (CAT, "train"), "b.jpg": (CAT, "val")}
    assert notes(data) == {"absent_image": ("images/gone.jpg",), "absent_part": ("val: more.txt",)}


def test_one_folder_as_train_and_val_is_no_split_unless_its_name_says_so(tmp_path):
    pair(tmp_path, "images/a.jpg", "labels/a.txt")
    text(tmp_path / "data.yaml", "train: images\nval: images\nnames: [cat]")
    assert by_name(open_data(tmp_path)) == {"a.jpg": (CAT, "")}
    pair(tmp_path / "2", "images/train/a.jpg", "labels/train/a.txt")
    text(tmp_path / "2" / "data.yaml", "train: images/train\nval: images/train\nnames: [cat]")
    assert by_name(open_data(tmp_path / "2")) == {"a.jpg": (CAT, "train")}


def test_polygons_and_key_points(tmp_path):
    rows = "0 0.1 0.1 0.5 0.2 0.3 0.9\n0 0.5 0.5 0.25 0.5 0.87\n"
    pair(tmp_path, "images/a.jpg", "labels/a.txt", rows)
    assert open_data(tmp_path, kind="boxes").targets[0].corners.tolist() == [[4, 2, 20, 18], [15, 5, 25, 15]]
    text(tmp_path / "labels" / "a.txt", ROW.strip() + " 0.1 0.1 2 0.9 0.9 2\n")
    text(tmp_path / "data.yaml", "train: images\nkpt_shape: [2, 3]\nnames: [cat]")
    assert str(open_data(tmp_path, kind="boxes").targets[0]) == CAT


def test_boxes_are_those_of_the_image_as_it_is_seen(tmp_path):
    (tmp_path / "images").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((20, 40, 3), np.uint8)).save(tmp_path / "images" / "a.jpg", exif=exif)
    text(tmp_path / "labels" / "a.txt", ROW)
    assert str(open_data(tmp_path).targets[0]) == "0 7.5,10,12.5,30"


def test_what_is_wrong_is_left_out_counted_and_named(tmp_path):
    rows = [
        ROW.strip(), "", "0 nan 0.5 0.1 0.1", "0 0.5 0.5 -0.1 0.1", "9 0.5 0.5 0.1 0.1",
        "x 1 2 3 4", "0 1 2", "-1 0 0 0 0",
        "0.5 0 0 0 0", "0 0.1 0.1 nan 0.2 0.3 0.9", "0 1 2 3 4 5 6 7", "inf 0 0 0 0",
    ]  # fmt: skip
    pair(tmp_path, "images/a.jpg", "labels/a.txt", "\n".join(rows))
    picture(tmp_path / "images" / "bare.jpg")
    pair(tmp_path, "images/empty.jpg", "labels/empty.txt", "")
    text(tmp_path / "labels" / "gone.txt", ROW)
    text(tmp_path / "images" / "no.jpg", "no image")
    text(tmp_path / "labels" / "no.txt", ROW)
    pair(tmp_path, "images/bytes.jpg", "labels/bytes.txt")
    (tmp_path / "labels" / "bytes.txt").write_bytes(b"\xff\xfe\n" + ROW.encode())
    text(tmp_path / "data.yaml", "train: images\nnames: [cat]")
    data = open_data(tmp_path)
    assert by_name(data) == {
        "a.jpg": (CAT, "train"), "bare.jpg": ("", "train"), "bytes.jpg": (CAT, "train"), "empty.jpg": ("", "train"),
        "no.jpg": ("", "train"),
    }  # fmt: skip
    found = notes(data)
    assert {code: len(items) for code, items in found.items()} == {
        "nan_box": 2, "reversed_box": 1, "unknown_class": 1, "strange_box": 7, "no_annotation": 1, "absent_image": 1,
    }  # fmt: skip
    assert found["absent_image"] == ("labels/gone.txt",) and found["no_annotation"] == ("images/bare.jpg",)
    assert found["unknown_class"] == ("labels/a.txt, line 5: class 9",)


def test_classes_with_gaps(tmp_path):
    pair(tmp_path, "images/a.jpg", "labels/a.txt", "7" + ROW[1:])
    text(tmp_path / "data.yaml", 'train: images\nnames: {7: "dog", 2: cat}')
    data = open_data(tmp_path)
    assert data.classes == ("cat", "dog") and str(data.targets[0]) == DOG


def test_clear_errors(tmp_path):
    text(tmp_path / "data.yaml", "train: nowhere\nnames: [cat]")
    with pytest.raises(SightlineError, match=r"none of the folders is there that data.yaml names: nowhere"):
        open_data(tmp_path)
    (tmp_path / "data.yaml").write_bytes(b"train: \xff\nnames: [cat]")
    with pytest.raises(SightlineError, match="YAML cannot be read"):
        format.load(tmp_path / "data.yaml")
    assert not format.sniff(tmp_path / "data.yaml") and not format.sniff(tmp_path / "gone")
    pair(tmp_path, "images/a.jpg", "labels/a.txt", "some words\n")
    assert not format.sniff(tmp_path)


def test_the_yaml_that_is_understood():
    text = """---
path: "C:\\\\data # not" # but this
train:
- a
- 'it''s: b'
names:
    0: cat
    "1": dog#1
long: ['a, b', "c]",
  d]  # the end
table: {0: x, 1: 'y: z'}
none: ~
nothing:
url: http://x.org/#y
...
stray
  - item
"""
    assert parse(text) == {
        "path": "C:\\data # not",
        "train": ["a", "it's: b"],
        "names": {"0": "cat", "1": "dog#1"},
        "long": ["a, b", "c]", "d"],
        "table": {"0": "x", "1": "y: z"},
        "none": "",
        "nothing": "",
        "url": "http://x.org/#y",
    }
