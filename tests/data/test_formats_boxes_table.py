"""CSV and TSV with boxes."""

import numpy as np
import pytest
from box_files import by_name, notes, picture, text
from support import ROOT

from sightline.core.errors import SightlineError
from sightline.data.formats import boxes_table as format
from sightline.data.formats import open_data
from sightline.data.image import read

PLATES = ROOT.parent / "shared" / "data" / "plates" / "plates.csv"


@pytest.fixture
def folder(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "images" / "b.png")
    return tmp_path


def test_several_rows_an_image_and_one_for_none(folder):
    rows = "a.png,1,2,3,4,cat,train,p\nb.png,,,,,,val,\na.png,0.5,0,1,1,dog,train,p\n"
    data = open_data(text(folder / "x.csv", "image,x,y,width,height,label,split,group\n" + rows))
    assert (data.format, data.target, data.classes, data.notes) == ("boxes_table", "boxes", (), ())
    assert by_name(data) == {"a.png": ("cat 1,2,4,6; dog 0.5,0,1.5,1", "train"), "b.png": ("", "val")}
    assert data.groups.tolist() == ["p", ""]


@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_corners_instead_of_sizes_and_other_names(folder, name, delimiter):
    # As TensorFlow's tutorials write it: width and height are those of the image.
    rows = "filename,width,height,class,xmin,ymin,xmax,ymax,difficult\na.png,40,20,cat,1,2,3,4,1\n"
    data = open_data(text(folder / name, rows.replace(",", delimiter)))
    assert by_name(data) == {"a.png": ("cat 1,2,3,4 hard", "")}
    data = open_data(text(folder / name, "Image,Left,Top,W,H\na.png,1,2,3,4\n".replace(",", delimiter)))
    assert by_name(data) == {"a.png": ("object 1,2,4,6", "")}
    data = open_data(text(folder / name, "Image,Left,Top,Right,Bottom\na.png,1,2,3,4\n".replace(",", delimiter)))
    assert by_name(data) == {"a.png": ("object 1,2,3,4", "")}


def test_texts_are_cut_out_for_a_reader(folder):
    rows = "image,x,y,width,height,text\na.png,1,2,30,10,AB 1\na.png,5,5,9,9,\nb.png,0,0,20,8,CD\n"
    path = text(folder / "x.csv", rows)
    assert open_data(path).target == open_data(path, kind="boxes").target == "boxes"
    data = open_data(path, kind="text")
    assert (data.target, data.targets.tolist()) == ("text", ["AB 1", "CD"])
    cut, whole = read(data.images.load(0)), read(folder / "a.png")
    assert np.array_equal(cut[:10, :30], whole[2:12, 1:31]) and cut.shape[0] <= 11 and cut.shape[1] <= 31
    assert len(set(data.groups.tolist())) == 2 and data.images.name(0) == "a.png#box 1"
    with pytest.raises(SightlineError, match="no box has a text"):
        open_data(text(folder / "x.csv", "image,x,y,width,height\na.png,1,2,3,4\n"), kind="text")


def test_what_is_wrong_is_left_out_counted_and_named(folder):
    rows = [
        "a.png,1,2,1e400,4,cat", "a.png,1,2,3,4,cat",
        "gone.png,1,2,3,4,cat", "gone.png,1,2,3,4,cat", "a.png,nan,2,3,4,cat", "a.png,,2,3,4,cat",
        "a.png,1,2,-3,4,cat", "a.png,1,2,3,4,", "a.png,1,2", ",1,2,3,4,cat", "a.png,x,2,3,4,cat",
    ]  # fmt: skip
    data = open_data(text(folder / "x.csv", "\n".join(["image,x,y,width,height,label", *rows])))
    assert by_name(data) == {"a.png": ("cat 1,2,4,6", "")}
    found = notes(data)
    assert {code: len(items) for code, items in found.items()} == {
        "field_count": 1, "empty_image": 1, "absent_image": 1, "nan_box": 4, "reversed_box": 1, "no_label": 1,
    }  # fmt: skip
    assert found["absent_image"] == ("gone.png",) and found["reversed_box"] == ("line 8",)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("a.png,1,2,3,4,train\na.png,1,2,3,4,val", "in two splits"),
        ("a.png,1,2,3,4,later", "unknown split 'later'"),
        ("gone.png,1,2,3,4,train", "no image can be used"),
        ('"a.png,1,2,3,4,train', "damaged"),
    ],
)
def test_clear_errors(folder, rows, says):
    with pytest.raises(SightlineError, match=says):
        open_data(text(folder / "x.csv", f"image,x,y,width,height,split\n{rows}\n"))


def test_tables_without_boxes_are_left_to_others(folder):
    for header in ("image,label", "image,x,y,label", "x,y,width,height", "image,width,height,label", ""):
        assert not format.sniff(text(folder / "x.csv", header + "\n"))
    assert open_data(text(folder / "x.csv", "image,width,height,label\na.png,1,2,cat\n")).format == "table"
    with pytest.raises(SightlineError, match="no columns for an image and a box"):
        open_data(folder / "x.csv", format="boxes_table")
    assert not format.sniff(folder) and not format.sniff(folder / "gone.csv")


@pytest.mark.data
@pytest.mark.skipif(not PLATES.exists(), reason="needs ../shared/data/plates")
def test_plates():
    data = open_data(PLATES)
    assert (data.target, len(data), data.notes) == ("boxes", 108, ())
    assert {label for boxes in data.targets for label in boxes.labels} == {"object"}
    assert open_data(PLATES, kind="text").targets[0] == "M5XSX"
