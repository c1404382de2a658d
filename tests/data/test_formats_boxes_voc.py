"""Pascal VOC."""

import numpy as np
import pytest
from box_files import by_name, notes, picture, text, voc
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.formats import open_data
from sightline.data.formats import voc as format


@pytest.mark.parametrize(
    ("images", "annotations"), [("JPEGImages", "Annotations"), ("images", "annotations"), (".", "."), ("images", "xml")]
)
def test_layouts_without_splits(tmp_path, images, annotations):
    picture(tmp_path / images / "a.jpg")
    picture(tmp_path / images / "b.PNG")
    voc(tmp_path / annotations / "a.xml", [("cat", (1, 2, 3, 4)), ("dog", (0.5, 0, 9, 9), 1)])
    voc(tmp_path / annotations / "b.xml")
    data = open_data(tmp_path)
    assert (data.format, data.target, data.notes) == ("voc", "boxes", ())
    assert by_name(data) == {"a.jpg": ("cat 1,2,3,4; dog 0.5,0,9,9 hard", ""), "b.PNG": ("", "")}
    assert by_name(open_data(tmp_path / annotations / "a.xml")) == {"a.jpg": ("cat 1,2,3,4; dog 0.5,0,9,9 hard", "")}


def test_splits_by_folder(tmp_path):
    for split in ("train", "valid"):
        picture(tmp_path / split / "JPEGImages" / f"{split}.jpg")
        voc(tmp_path / split / "Annotations" / f"{split}.xml", [("cat", (1, 2, 3, 4))])
    assert by_name(open_data(tmp_path)) == {"train.jpg": ("cat 1,2,3,4", "train"), "valid.jpg": ("cat 1,2,3,4", "val")}


def test_splits_by_lists(tmp_path):
    base = tmp_path / "VOCdevkit" / "VOC2012"
    for name in ("a", "b", "c", "d"):
        picture(base / "JPEGImages" / f"{name}.jpg")
        voc(base / "Annotations" / f"{name}.xml", [("cat", (1, 2, 3, 4))])
    for name, lines in {
        "train": "a\n",
        "val": "b\n\n",
        "trainval": "a\nb\n",
        "cat_train": "a  1\n",
        "default": "c",
    }.items():
        text(base / "ImageSets" / "Main" / f"{name}.txt", lines)
    data = open_data(tmp_path)
    assert {name: split for name, (_, split) in by_name(data).items()} == {
        "a.jpg": "train",
        "b.jpg": "val",
        "c.jpg": "",
    }
    assert notes(data) == {"outside_splits": ("VOCdevkit/VOC2012/JPEGImages/d.jpg",)}
    text(base / "ImageSets" / "Main" / "val.txt", "a\n")
    with pytest.raises(SightlineError, match="'a' stands in two splits"):
        open_data(tmp_path)
    (base / "ImageSets" / "Main" / "val.txt").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(SightlineError, match="list cannot be read"):
        open_data(tmp_path)


def test_the_xml_s_own_name_counts_before_the_one_that_it_names(tmp_path):
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "b.jpg")
    voc(tmp_path / "b.xml", [("cat", (1, 2, 3, 4))], filename="a.jpg")
    assert by_name(open_data(tmp_path))["b.jpg"] == ("cat 1,2,3,4", "")
    voc(tmp_path / "other" / "x.xml", [("dog", (1, 2, 3, 4))], filename="C:\\photos\\a.jpg")
    assert by_name(open_data(tmp_path))["a.jpg"] == ("dog 1,2,3,4", "")


def test_what_is_wrong_is_left_out_counted_and_named(tmp_path):
    for name in ("a", "broken", "entity", "bare"):
        picture(tmp_path / "JPEGImages" / f"{name}.jpg")
    xml = tmp_path / "Annotations"
    objects = [
        ("cat", (1, 2, 3, 4)), ("cat", ("nan", 2, 3, 4)), ("cat", (9, 2, 3, 4)),
        ("", (1, 2, 3, 4)), ("cat", ("x", 2, 3, 4)),
    ]  # fmt: skip
    voc(xml / "a.xml", objects)
    voc(xml / "gone.xml", [("cat", (1, 2, 3, 4))], filename="gone.jpg")
    text(xml / "broken.xml", "<annotation><object>")
    voc(xml / "entity.xml", more='<!DOCTYPE a [<!ENTITY b "c">]>')
    data = open_data(tmp_path)
    assert by_name(data)["a.jpg"] == ("cat 1,2,3,4", "")
    found = notes(data)
    assert found["absent_image"] == ("Annotations/gone.xml",)
    assert {code: len(items) for code, items in found.items()} == {
        "nan_box": 1, "reversed_box": 1, "no_label": 1, "strange_box": 1, "broken_file": 2, "absent_image": 1,
        "no_annotation": 1,
    }  # fmt: skip
    assert found["no_annotation"] == ("JPEGImages/bare.jpg",)


def test_an_image_whose_xml_is_broken_is_no_negative(tmp_path):
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "b.jpg")
    voc(tmp_path / "a.xml", [("cat", (1, 2, 3, 4))])
    text(tmp_path / "b.xml", "<annotation><object>")
    assert set(by_name(open_data(tmp_path))) == {"a.jpg"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_in_any_encoding(tmp_path, encoding):
    picture(tmp_path / "a.jpg")
    xml = '<!DOCTYPE a [<!ENTITY b "c">]><annotation><filename>&b;</filename></annotation>'
    (tmp_path / "a.xml").write_bytes(xml.encode(encoding))
    with pytest.raises(SightlineError, match="declares entities"):
        format.load(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<annotation>", "is broken"),
        (b"<annotation>\xff</annotation>", "is broken"),
        (b'<?xml version="1.0" encoding="no-such"?><annotation/>', "is broken"),
        (b"<annotations/>", "no annotation but <annotations>"),
    ],
)
def test_broken_files(tmp_path, content, says):
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(SightlineError, match=says):
        open_data(tmp_path / "a.xml")
    with pytest.raises(SightlineError, match="no image can be used"):
        format.load(tmp_path)


def test_other_xml_is_not_voc(tmp_path):
    assert not format.sniff(text(tmp_path / "a.xml", "<PcGts><Page/></PcGts>")) and not format.sniff(tmp_path)
    assert not format.sniff(tmp_path / "gone")


def test_where_masks_lie_beside_what_is_wanted_decides(tmp_path):
    picture(tmp_path / "JPEGImages" / "a.jpg")
    voc(tmp_path / "Annotations" / "a.xml", [("cat", (1, 2, 3, 4))])
    (tmp_path / "SegmentationClass").mkdir()
    Image.fromarray(np.zeros((20, 40), np.uint8)).save(tmp_path / "SegmentationClass" / "a.png")
    kinds = {None: "boxes", "boxes": "boxes", "mask": "mask"}
    assert {kind: open_data(tmp_path, kind=kind).target for kind in kinds} == kinds


def test_trainval_is_train_where_neither_has_a_list(tmp_path):
    base = tmp_path / "VOC2007"
    for name in ("a", "b", "c"):
        picture(base / "JPEGImages" / f"{name}.jpg")
        voc(base / "Annotations" / f"{name}.xml", [("cat", (1, 2, 3, 4))])
    text(base / "ImageSets" / "Main" / "trainval.txt", "a\nb\n")
    text(base / "ImageSets" / "Main" / "test.txt", "c\n")
    splits = {name: split for name, (_, split) in by_name(open_data(tmp_path)).items()}
    assert splits == {"a.jpg": "train", "b.jpg": "train", "c.jpg": "test"}
