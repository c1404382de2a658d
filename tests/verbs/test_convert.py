"""convert: written, read back, equal."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from box_files import boxes, by_name, dataset, picture, text
from hypothesis import given, settings
from hypothesis import strategies as st
from support import ROOT

import sightline
from sightline.core.boxes import Boxes, column
from sightline.core.errors import SightlineError
from sightline.data.dataset import ArrayImages, BlobImages, Dataset
from sightline.data.formats import open_data
from sightline.data.formats.write_boxes import WRITERS
from sightline.verbs.convert import convert

BCCD = ROOT.parent / "shared" / "data" / "bccd"
FORMATS = {"coco": "coco", "yolo": "yolo", "voc": "voc", "csv": "boxes_table"}
LABELS = st.one_of(
    st.sampled_from(
        ["cat", "dog", "a, b; c", "it's", '"quoted"', "# no comment", "{x: [y]}", "<&>", "né", "猫", "1", "null"]
    ),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8),
)
SIDE = st.integers(-40, 200).map(lambda value: value / 4)
BOX = st.tuples(LABELS, SIDE, SIDE, st.integers(0, 200), st.integers(0, 200), st.booleans())


def made(rows):
    return boxes(*((label, x, y, x + w / 4, y + h / 4, hard) for label, x, y, w, h, hard in rows))


@pytest.mark.parametrize("to", WRITERS)
@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.lists(BOX, max_size=3), min_size=1, max_size=4),
    splits=st.lists(st.sampled_from(["train", "val", "test"]), min_size=4, max_size=4),
    with_splits=st.booleans(),
)
def test_what_is_written_is_read_back_equal(tmp_path_factory, to, rows, splits, with_splits):
    folder = tmp_path_factory.mktemp("round")
    data = dataset(folder / "in", list(map(made, rows)), splits[: len(rows)] if with_splits else None)
    found = open_data(convert(data, to=to, out=folder / "out").data)
    assert found.format == FORMATS[to] and not found.notes and len(found) == len(data)
    clean = convert_labels(data, without_hard=to == "yolo")
    assert by_name(found) == by_name(clean)
    names = {label for one in clean.targets for label in one.labels}
    assert not found.classes or names <= set(found.classes)


def convert_labels(data, without_hard):
    """As the labels are written: one line, no spaces around; a label of nothing else is an `object`."""
    from sightline.data.formats._boxes import clean

    targets = []
    for one in data.targets:
        stays = ~one.hard if without_hard else np.ones(len(one), bool)
        labels = tuple(clean(label) or "object" for label, keep in zip(one.labels, stays, strict=True) if keep)
        targets.append(Boxes(one.corners[stays], labels, one.hard[stays]))
    return Dataset(data.images, "boxes", column(targets), data.splits, data.groups, data.name, data.format)


@pytest.mark.parametrize("to", ["coco", "voc", "csv"])
@settings(max_examples=40, deadline=None)
@given(corners=st.lists(st.floats(0, 1e5), min_size=4, max_size=4))
def test_corners_come_back_but_for_the_last_bit_of_a_sum(tmp_path_factory, to, corners):
    folder = tmp_path_factory.mktemp("bits")
    left, right, top, bottom = sorted(corners[:2]) + sorted(corners[2:])
    data = dataset(folder / "in", [boxes(("cat", left, top, right, bottom))])
    found = open_data(convert(data, to=to, out=folder / "out").data).targets[0]
    np.testing.assert_array_max_ulp(found.corners, data.targets[0].corners, 0 if to == "voc" else 1)


@pytest.mark.parametrize("to", WRITERS)
def test_mixed_splits_groups_classes_and_names(tmp_path, to):
    names = ["train/x.png", "val/x.png", "val/X.png", ".hidden.png", "x y é.png"]
    held = [boxes(("cat", 1, 2, 3, 4)), boxes(), boxes(("dog", 1, 1, 2, 2, True)), boxes(), boxes(("cat", 0, 0, 1, 1))]
    data = dataset(
        tmp_path / "in", held, ["train", "val", "val", "", "test"], ["g", "g", "", "", ""], ("dog", "cat"), names
    )
    done = convert(data, to=to, out=tmp_path / "out")
    found = open_data(done.data)
    loose = "train" if to == "yolo" else ""
    dog = "" if to == "yolo" else "dog 1,1,2,2 hard"
    assert by_name(found) == {
        "x.png": ("cat 1,2,3,4", "train"), "val_x.png": ("", "val"), "val_X_2.png": (dog, "val"),
        "hidden.png": ("", loose), "x y é.png": ("cat 0,0,1,1", "test"),
    }  # fmt: skip
    assert found.classes == (("dog", "cat") if to in ("coco", "yolo") else ())
    assert (found.groups is not None) == (to == "csv") and ("groups" in str(done.lost)) == (to != "csv")
    assert len(done.lost) == {"csv": 0, "yolo": 3}.get(to, 1)


def test_images_are_linked_or_copied(tmp_path):
    data = dataset(tmp_path / "in", [boxes(("cat", 1, 2, 3, 4))])
    for copy in (False, True):
        convert(data, to="coco", out=tmp_path / str(copy), copy=copy)
        written = tmp_path / str(copy) / "images" / "0.png"
        assert written.read_bytes() == data.images.load(0).read_bytes()
        assert written.samefile(data.images.load(0)) != copy


def test_images_without_files_of_their_own(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (2, 6, 8, 3), np.uint8)
    files = [picture(tmp_path / "a.jpg").read_bytes(), picture(tmp_path / "b.png").read_bytes(), b"broken"]
    for images in (ArrayImages(pixels, "x"), BlobImages(files, ["one", "two/b.png", "three"])):
        held = column([boxes(("cat", 1, 2, 3, 4))] * len(images))
        data = Dataset(images, "boxes", held, np.full(len(images), "", "<U5"), None, "made", "made")
        done = convert(data, to="voc", out=tmp_path / type(images).__name__)
        assert done.images == 2 and len(done.unreadable) == len(images) - 2
    assert sorted(p.name for p in (tmp_path / "ArrayImages" / "JPEGImages").iterdir()) == ["x[0].png", "x[1].png"]
    assert sorted(p.name for p in (tmp_path / "BlobImages" / "JPEGImages").iterdir()) == ["b.png", "one.jpg"]


def test_refusals(tmp_path, cli):
    picture(tmp_path / "cat" / "a.png")
    done = cli("convert", tmp_path, "--to", "coco")
    assert done.code == 2 and "convert writes boxes, and this data holds label" in done.err
    picture(tmp_path / "b.png")
    table = text(tmp_path / "x.csv", "image,x,y,width,height\nb.png,1,2,3,4\n")
    assert "say it: --to coco|yolo|voc|csv" in cli("convert", table).err
    assert "tfrecord" in cli("convert", table, "--to", "tfrecord").err
    assert "convert takes one data set" in cli("convert", "--to", "coco").err
    assert cli("convert", table, "--to", "coco", "--out", tmp_path / "cat").code == 2
    (tmp_path / "b.png").write_text("no image")
    assert "none of the images can be read" in cli("convert", table, "--to", "coco").err


def test_what_it_says(tmp_path, cli):
    picture(tmp_path / "a.png")
    text(tmp_path / "b.png", "no image")
    rows = "a.png,1,2,3,4,1\na.png,1,2,3,4,0\nb.png,,,,,\ngone.png,1,2,3,4,\n"
    table = text(tmp_path / "x.csv", "image,x,y,width,height,hard\n" + rows)
    done = cli("convert", table, "--to", "yolo", "--out", "made")
    assert done.code == 0 and done.out == "1 image with 2 boxes in made\n\nnext:\n  sightline check made\n"
    for line in ("1 image that is annotated but not there left out", "1 image left out that cannot be read", "1 hard"):
        assert line in done.err
    found = cli("convert", table, "--to", "csv", "--out", "table", "--json").json
    assert (found["images"], found["boxes"], found["data"]) == (1, 2, str(Path("table", "boxes.csv")))


@pytest.mark.skipif(not importlib.util.find_spec("pycocotools"), reason="needs pycocotools")
def test_pycocotools_reads_our_coco_as_we_do(tmp_path):
    from pycocotools.coco import COCO

    data = dataset(tmp_path / "in", [boxes(("cat", 1, 2, 3, 4), ("dog", 0, 0, 2.5, 2, True)), boxes()])
    out = convert(data, to="coco", out=tmp_path / "out").data
    judge = COCO(str(out / "annotations" / "instances_all.json"))
    names = {entry["id"]: entry["name"] for entry in judge.loadCats(judge.getCatIds())}
    ours = open_data(out)
    for index, number in enumerate(judge.getImgIds()):
        theirs = judge.loadAnns(judge.getAnnIds(imgIds=[number], iscrowd=None))
        assert [names[entry["category_id"]] for entry in theirs] == list(ours.targets[index].labels)
        edges = [[x, y, x + w, y + h] for x, y, w, h in (entry["bbox"] for entry in theirs)]
        assert edges == ours.targets[index].corners.tolist()
        assert [bool(entry["iscrowd"]) for entry in theirs] == ours.targets[index].hard.tolist()


@pytest.mark.data
@pytest.mark.skipif(not BCCD.exists(), reason="needs ../shared/data/bccd")
@pytest.mark.parametrize("to", WRITERS)
def test_bccd(tmp_path, to):
    data = open_data(BCCD)
    parts = {split: int((data.splits == split).sum()) for split in ("train", "val")}
    assert (parts, data.notes) == ({"train": 205, "val": 87}, ())
    assert by_name(open_data(convert(data, to=to, out=tmp_path / "out").data)) == by_name(data)


def test_it_is_public():
    assert sightline.convert is convert
    with pytest.raises(SightlineError, match="which format"):
        sightline.convert("gone")
    assert json.dumps(sorted(WRITERS)) == '["coco", "csv", "voc", "yolo"]'
