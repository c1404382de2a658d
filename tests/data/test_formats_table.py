"""CSV and TSV."""

import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.formats import open_data, table
from sightline.data.image import read


def write(folder, text, name="data.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def notes(data):
    return {code: items for code, _, items in data.notes}


def test_all_columns(tmp_path):
    data = open_data(write(tmp_path, "image,label,split,group\na.jpg,cat,train,p1\nb/c.jpg,dog,test,\n"))
    assert data.format == "table" and data.notes == () and data.classes == ()
    assert [data.images.name(i) for i in range(2)] == ["a.jpg", "b/c.jpg"]
    assert data.images.load(1) == tmp_path / "b" / "c.jpg"
    assert data.targets.tolist() == ["cat", "dog"] and data.splits.tolist() == ["train", "test"]
    assert data.groups.tolist() == ["p1", ""]


def test_paths_relative_absolute_and_from_windows(tmp_path):
    (tmp_path / "x").mkdir()
    Image.new("L", (3, 2)).save(tmp_path / "x" / "1.png")
    path = write(tmp_path, f"image,label\nx/1.png,a\n{tmp_path / 'x' / '1.png'},a\nx\\1.png,a\nx/gone.png,a\n")
    data = open_data(path)
    assert [read(data.images.load(i)).shape for i in range(3)] == [(2, 3, 1)] * 3
    with pytest.raises(SightlineError, match="does not exist"):
        read(data.images.load(3))


@pytest.mark.parametrize("image", ["image", "Filename", "FILE", "path", "filepath", "image_path"])
@pytest.mark.parametrize("label", ["label", "Class", "target", "category"])
def test_synonyms_in_any_case_and_order(tmp_path, image, label):
    data = open_data(write(tmp_path, f"id, {label} ,{image}\n1,cat,a.jpg\n"))
    assert data.targets.tolist() == ["cat"] and data.images.name(0) == "a.jpg" and data.groups is None


@pytest.mark.parametrize("name", ["data.csv", "data.tsv", "DATA.CSV"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(tmp_path, name, delimiter):
    text = 'image,label\n"a, b; c.jpg",cat\n'.replace(",label", delimiter + "label").replace(
        '",cat', f'"{delimiter}cat'
    )
    data = open_data(write(tmp_path, text, name))
    assert data.images.name(0) == "a, b; c.jpg" and data.targets.tolist() == ["cat"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, newline):
    text = newline.join(["image,label", "bär.jpg,猫", "b.jpg,🐶", ""])
    data = open_data(write(tmp_path, text, encoding=encoding))
    assert data.targets.tolist() == ["猫", "🐶"] and data.images.name(0) == "bär.jpg" and data.notes == ()


def test_big_endian_utf_16(tmp_path):
    path = write(tmp_path, "\ufeffimage,label\na.jpg,猫\n", encoding="utf-16-be")
    assert open_data(path).targets.tolist() == ["猫"]


def test_windows_1252_is_read_with_a_note(tmp_path):
    data = open_data(write(tmp_path, "image,label\na.jpg,Bär\n", encoding="cp1252"))
    assert data.targets.tolist() == ["Bär"] and list(notes(data)) == ["encoding"]


def test_labels_are_composed_unicode(tmp_path):
    data = open_data(write(tmp_path, "image,label\na.jpg,cafe\u0301\nb.jpg,caf\u00e9\n"))
    assert set(data.targets) == {"caf\u00e9"}


def test_bad_rows_are_left_out_and_noted_by_line(tmp_path):
    text = 'image,label\na.jpg,cat\n\nb.jpg\nc.jpg,cat,more\nd.jpg,\n,cat\n"e\nf.jpg",dog\n g.jpg , dog \nh.jpg, \n'
    data = open_data(write(tmp_path, text))
    assert [data.images.name(i) for i in range(len(data))] == ["a.jpg", "e\nf.jpg", "g.jpg"]
    assert notes(data) == {
        "field_count": ("line 4", "line 5"),
        "empty_image": ("line 7",),
        "empty_label": ("line 6", "line 11"),
    }


def test_split_names(tmp_path):
    words = ["train", "Training", "val", "valid", "validation", "DEV", "test", "testing", ""]
    data = open_data(write(tmp_path, "image,label,split\n" + "".join(f"a.jpg,x,{word}\n" for word in words)))
    assert data.splits.tolist() == ["train"] * 2 + ["val"] * 4 + ["test"] * 2 + [""]
    with pytest.raises(SightlineError, match="unknown split 'eval'") as caught:
        open_data(write(tmp_path, "image,label,split\na.jpg,x,train\nb.jpg,x,eval\n"))
    assert caught.value.where.endswith("data.csv, line 3")


@pytest.mark.parametrize(
    "text, message, fix",
    [
        ("", "empty", "image,label"),
        ("\n\n", "empty", "image,label"),
        ("image,lable\na.jpg,cat\n", "no column 'label' among: image, lable", "did you mean 'lable'"),
        ("picture,label\na.jpg,cat\n", "no column 'image' among: picture, label", "image,label"),
        ("a.jpg,cat\nb.jpg,dog\n", "no column 'image'", "header"),
        ("image;id;group\na;b;c\n", "no column 'label' among: image, id, group", "header"),
        ("image,label,label\na.jpg,cat,dog\n", "more than once", ""),
        ("image,label\n", "no row can be used", ""),
        ("image,label\na.jpg,\n", "no row can be used .*without a label", ""),
        ('image,label\na.jpg,cat\n"b.jpg,dog\nc.jpg,dog\n', "row is damaged", ""),
        ("image,label\n" + "a" * 200_000 + ",cat\n", "row is damaged", ""),
    ],
)
def test_what_breaks_the_format(tmp_path, text, message, fix):
    with pytest.raises(SightlineError, match=message) as caught:
        open_data(write(tmp_path, text))
    assert str(tmp_path) in caught.value.where and fix in caught.value.fix


def test_damaged_row_names_its_line(tmp_path):
    with pytest.raises(SightlineError) as caught:
        open_data(write(tmp_path, 'image,label\na.jpg,cat\n"b.jpg,dog\nc.jpg,dog\n'))
    assert caught.value.where.endswith("line 3")


@pytest.mark.parametrize(
    "first, second",
    [('"Er kam und', 'siegte"'), ('"Halt!" rief er', "und ging"), ('sagte "Halt!"', '"'), ('"', 'ging"')],
)
def test_quotes_of_transcripts_between_tabs_are_text(tmp_path, first, second):
    data = open_data(write(tmp_path, f"image\ttext\n1.png\t{first}\n2.png\tsah\n3.png\t{second}\n", "data.tsv"))
    assert data.targets.tolist() == [first, "sah", second]


def test_quotes_of_a_spreadsheet_between_tabs_are_not(tmp_path):
    data = open_data(write(tmp_path, 'image\ttext\n1.png\t"a ""b"""\n2.png\t"c\nd"\n3.png\t"e\tf"\n', "data.tsv"))
    assert data.targets.tolist() == ['a "b"', "c\nd", "e\tf"]


def test_a_quote_that_never_ends_says_how_they_are_written(tmp_path):
    with pytest.raises(SightlineError) as caught:
        open_data(write(tmp_path, 'image,text\n1.png,"Halt!" rief er\n'))
    assert "doubled" in caught.value.fix


def test_missing_and_forbidden_files(tmp_path):
    with pytest.raises(SightlineError, match="does not exist"):
        open_data(tmp_path / "gone.csv")
    with pytest.raises(SightlineError, match="cannot be read"):
        open_data(tmp_path / "gone.csv", "table")
    (tmp_path / "folder.csv").mkdir()
    assert not table.sniff(tmp_path / "folder.csv")
    with pytest.raises(SightlineError, match="cannot be read"):
        open_data(tmp_path / "folder.csv", "table")


def test_100_000_rows_are_quick(tmp_path):
    path = write(tmp_path, "image,label\n" + "".join(f"c{i % 10}/{i}.jpg,c{i % 10}\n" for i in range(100_000)))
    start = time.process_time()
    assert len(open_data(path)) == 100_000
    assert time.process_time() - start < 5


def loads_or_refuses(path):
    try:
        data = open_data(path)
    except SightlineError:
        return
    assert len(data) == len(data.targets) > 0 and all(data.targets)
    assert set(data.splits) <= {"", "train", "val", "test"}


@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(max_size=200), head=st.sampled_from([b"", b"image,label\n", b"\xff\xfe", b"image\tlabel\tsplit\r\n"])
)
def test_arbitrary_bytes(tmp_path_factory, data, head):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(head + data)
    loads_or_refuses(path)


FIELD = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.lists(FIELD, max_size=5), max_size=6), delimiter=st.sampled_from(",;\t"))
def test_arbitrary_fields(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.getbasetemp() / "fuzz.tsv"
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([["image", "label", "group"], *rows])
    path.write_bytes(text.getvalue().encode())
    loads_or_refuses(path)
