"""COCO JSON."""

import json

import pytest
from box_files import by_name, coco, notes, picture, text

from sightline.core.errors import SightlineError
from sightline.data.formats import coco as format
from sightline.data.formats import open_data


def test_a_file_beside_its_images(tmp_path):
    for name in "abc":
        picture(tmp_path / f"{name}.png")
    rows = [(1, 7, [1, 2, 3, 4]), (1, 3, [0, 0, 10.5, 10], {"iscrowd": 1}), (9, 3, [5, 5, 5, 5])]
    path = coco(tmp_path / "export.json", [(1, "a.png"), (9, "b.png"), (4, "c.png")], rows, [(7, "dog"), (3, "cat")])
    for data in (open_data(path), open_data(tmp_path)):
        assert (data.format, data.target, data.classes) == ("coco", "boxes", ("cat", "dog")) and not data.notes
        assert by_name(data) == {
            "a.png": ("dog 1,2,4,6; cat 0,0,10.5,10 hard", ""),
            "b.png": ("cat 5,5,10,10", ""),
            "c.png": ("", ""),
        }


@pytest.mark.parametrize("place", ["images", ".", "images/train2017", "train2017", "data", "train"])
def test_coco_s_own_layout(tmp_path, place):
    picture(tmp_path / place / "1.jpg")
    val = "val" if place == "train" else place.replace("train2017", "val2017")
    picture(tmp_path / val / "2.jpg")
    coco(tmp_path / "annotations" / "instances_train2017.json", [(1, "1.jpg")], [(1, 1, [1, 1, 2, 2])])
    coco(tmp_path / "annotations" / "instances_val2017.json", [(1, "2.jpg")], [(1, 2, [1, 1, 2, 2])])
    text(tmp_path / "annotations" / "captions_train2017.json", '{"images": [], "annotations": [], "file_name": 1}')
    assert by_name(open_data(tmp_path)) == {"1.jpg": ("cat 1,1,3,3", "train"), "2.jpg": ("dog 1,1,3,3", "val")}
    one = open_data(tmp_path / "annotations" / "instances_train2017.json")
    assert by_name(one) == {"1.jpg": ("cat 1,1,3,3", "")}


def test_roboflow_s_layout_and_the_class_that_is_only_a_group(tmp_path):
    for folder in ("train", "valid", "test"):
        picture(tmp_path / folder / "same.jpg", seed=len(folder))
        file = coco(tmp_path / folder / "_annotations.coco.json", [(0, "same.jpg")], [(0, 1, [1, 1, 2, 2])])
        document = json.loads(file.read_text())
        document["categories"] = [
            {"id": 0, "name": "cells", "supercategory": "none"},
            {"id": 1, "name": "red", "supercategory": "cells"},
        ]
        file.write_text(json.dumps(document))
    data = open_data(tmp_path)
    assert data.classes == ("red",) and notes(data) == {"unused_class": ("cells",)}
    assert data.splits.tolist() == ["test", "train", "val"] and len({data.images.name(i) for i in range(3)}) == 3


def test_the_same_name_in_two_splits_is_not_mixed_up(tmp_path):
    picture(tmp_path / "pictures" / "train" / "1.jpg")
    picture(tmp_path / "pictures" / "val" / "1.jpg", seed=1)
    for split in ("train", "val"):
        coco(tmp_path / "annotations" / f"instances_{split}.json", [(1, "1.jpg")], [(1, 1, [1, 1, 2, 2])])
    data = open_data(tmp_path)
    assert [data.images.name(i) for i in range(2)] == ["pictures/train/1.jpg", "pictures/val/1.jpg"]


def test_a_file_a_class(tmp_path):
    picture(tmp_path / "images" / "1.jpg")
    coco(tmp_path / "cats.json", [(1, "1.jpg")], [(1, 1, [1, 1, 2, 2])], [(1, "cat")])
    coco(tmp_path / "dogs.json", [(5, "1.jpg")], [(5, 1, [2, 2, 2, 2])], [(1, "dog")])
    data = open_data(tmp_path)
    assert by_name(data) == {"1.jpg": ("cat 1,1,3,3; dog 2,2,4,4", "")} and data.classes == ("cat", "dog")


@pytest.mark.parametrize("name", ["/home/me/data/images/1.jpg", "C:\\data\\1.jpg", "../images/1.jpg", "./1.jpg"])
def test_names_from_other_machines(tmp_path, name):
    picture(tmp_path / "images" / "1.jpg")
    data = open_data(coco(tmp_path / "all.json", [(1, name)]))
    assert [data.images.name(i) for i in range(len(data))] == ["images/1.jpg"]


def test_names_never_lead_out(tmp_path):
    picture(tmp_path / "secret.jpg")
    with pytest.raises(SightlineError, match="no image can be used"):
        open_data(coco(tmp_path / "data" / "all.json", [(1, "../secret.jpg")]))


def test_a_polygon_gives_the_box_where_there_is_none(tmp_path):
    picture(tmp_path / "1.jpg")
    path = coco(
        tmp_path / "a.json", [(1, "1.jpg")], [(1, 1, [], {"segmentation": [[1, 2, 9, 2, 5, 8.5], [0, 3, 4, 4]]})]
    )
    assert str(open_data(path, kind="boxes").targets[0]) == "cat 0,2,9,8.5"


def test_what_is_wrong_is_left_out_counted_and_named(tmp_path):
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    nan, inf = float("nan"), float("inf")
    rows = [
        (1, 1, [1, 1, 2, 2]), (1, 1, [nan, 1, 2, 2]), (1, 1, [1, 1, inf, 2]), (1, 1, [9, 9, -2, 2]),
        (1, 99, [1, 1, 2, 2]), (77, 1, [1, 1, 2, 2]), (1, 1, "1,2,3,4"), (1, 1, [1, 2, 3]), (1, 1, [1, 2, 3, None]),
        (1, None, [1, 1, 2, 2]), ([1], 1, [1, 1, 2, 2]),
        (5, 1, [1, 1, 2, 2]), (1, 1, [4, 4, 0, 0]), (1, 1, [1, 1, 10**400, 1]),
    ]  # fmt: skip
    images = [(1, "a.png"), (2, "b.png"), (5, "gone.png"), (1, "b.png"), (None, "x.png"), (6, 3)]
    data = open_data(coco(tmp_path / "a.json", images, rows))
    assert by_name(data) == {"a.png": ("cat 1,1,3,3; cat 4,4,4,4", ""), "b.png": ("", "")}  # of no area: for `check`
    assert {code: len(items) for code, items in notes(data).items()} == {
        "repeated_image": 1, "strange_image": 2, "absent_image": 1, "nan_box": 2, "reversed_box": 1,
        "unknown_class": 2, "unknown_image": 2, "strange_box": 4,
    }  # fmt: skip
    assert notes(data)["absent_image"] == ("gone.png",)
    assert any(message == "1 image that is annotated but not there left out" for _, message, _ in data.notes)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"images": [], "annotations": [], "categories": [', "cannot be read"),
        (b'{"images": [], "annotations": [], "categories": "\xff"}', "cannot be read"),
        (b'{"images": {}, "annotations": [], "categories": []}', "no list 'images'"),
        (b'{"images": [], "annotations": [], "categories": []}', "no image can be used"),
        (b'["images", "annotations", "categories"]', "no object"),
        (b'{"images": ' + b"[" * 100_000 + b', "annotations", "categories"', "cannot be read"),
    ],
)
def test_broken_files(tmp_path, content, says):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(SightlineError, match=says):
        open_data(tmp_path / "a.json")
    with pytest.raises(SightlineError, match=says):
        format.load(tmp_path)


def test_one_image_in_two_splits_is_refused(tmp_path):
    picture(tmp_path / "images" / "1.jpg")
    for split in ("train", "val"):
        coco(tmp_path / "annotations" / f"instances_{split}.json", [(1, "1.jpg")])
    with pytest.raises(SightlineError, match="two splits, train and val"):
        open_data(tmp_path)


def test_other_json_is_not_coco(tmp_path):
    assert not format.sniff(text(tmp_path / "labels.json", '{"images": "a text", "b.png": "annotations"}'))
    assert not format.sniff(tmp_path) and not format.sniff(tmp_path / "gone.json")
    with pytest.raises(SightlineError, match="no COCO JSON"):
        format.load(tmp_path)


def test_a_large_file_is_known_by_its_ends(tmp_path):
    picture(tmp_path / "1.jpg")
    rows = [(1, 1, [1, 1, 2, 2])] * 3000
    path = coco(tmp_path / "a.json", [(1, "1.jpg")], rows)
    assert path.stat().st_size > 1 << 17 and format.sniff(path) and len(open_data(path).targets[0]) == 3000
