"""Parquet, as tables of paths and as Hugging Face writes it."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import MissingExtra, SightlineError
from sightline.data.formats import open_data, parquet
from sightline.data.image import read

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def encoded(value):
    file = io.BytesIO()
    Image.new("L", (3, 2), value).save(file, "PNG")
    return file.getvalue()


def write(path, metadata=None, **columns):
    table = pa.table(columns)
    pq.write_table(table.replace_schema_metadata(metadata) if metadata else table, path)
    return path


def class_label(*names):
    return {"huggingface": json.dumps({"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}})}


def brightness(data, index):
    return int(read(data.images.load(index))[0, 0, 0])


def test_paths(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(7))
    path = write(tmp_path / "data.parquet", image=["a.png", "gone.png"], label=["cat", "dog"])
    data = open_data(path)
    assert data.format == "parquet" and data.targets.tolist() == ["cat", "dog"] and set(data.splits) == {""}
    assert brightness(data, 0) == 7 and data.images.name(0) == "a.png" and data.groups is None
    with pytest.raises(SightlineError, match="does not exist"):
        read(data.images.load(1))


def test_bytes_splits_groups_and_numbers(tmp_path):
    path = write(
        tmp_path / "data.parquet", image=[encoded(1), None, encoded(3)], label=pa.array([3, 4, 5], pa.int8()),
        split=["train", "validation", None], group=[1, None, 2],
    )  # fmt: skip
    data = open_data(path)
    assert data.targets.tolist() == ["3", "4", "5"] and data.splits.tolist() == ["train", "val", ""]
    assert data.groups.tolist() == ["1", "", "2"] and data.images.name(2) == "data.parquet[2]"
    assert brightness(data, 2) == 3
    with pytest.raises(SightlineError, match="missing"):
        data.images.load(1)


def test_hugging_face_structs_and_class_names(tmp_path):
    (tmp_path / "b.png").write_bytes(encoded(2))
    images = [
        {"bytes": encoded(1), "path": "a.png"},
        {"bytes": None, "path": "b.png"},
        {"bytes": encoded(3), "path": None},
        {"bytes": None, "path": None},
    ]
    data = open_data(write(tmp_path / "x.parquet", class_label("cat", "dog", "猫"), image=images, label=[2, 1, 0, 1]))
    assert data.classes == ("cat", "dog", "猫") and data.targets.tolist() == ["猫", "dog", "cat", "dog"]
    assert [brightness(data, i) for i in range(3)] == [1, 2, 3]
    assert [data.images.name(i) for i in range(4)] == ["a.png", "b.png", "x.parquet[2]", "x.parquet[3]"]
    with pytest.raises(SightlineError, match="missing"):
        data.images.load(3)


def test_rows_without_label_are_left_out_and_noted(tmp_path):
    images = [encoded(i) for i in range(4)]
    data = open_data(write(tmp_path / "a.parquet", class_label("cat", "dog"), image=images, label=[0, -1, None, 1]))
    assert data.targets.tolist() == ["cat", "dog"] and brightness(data, 1) == 3
    assert data.notes == (("empty_label", "2 rows without a label left out", ("a.parquet[1]", "a.parquet[2]")),)
    data = open_data(write(tmp_path / "b.parquet", image=images, label=["x", "", None, " y "]))
    assert data.targets.tolist() == ["x", "y"]


@pytest.mark.parametrize("inside", ["", "data"])
def test_folder_whose_names_give_the_splits(tmp_path, inside):
    folder = tmp_path / inside
    folder.mkdir(exist_ok=True)
    names = ["train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001", "test"]
    for value, name in enumerate(names):
        write(folder / f"{name}.parquet", image=[encoded(value)], label=["x"])
    (tmp_path / "README.md").write_text("")
    data = open_data(tmp_path)
    found = sorted((brightness(data, i), str(data.splits[i])) for i in range(4))
    assert found == [(0, "train"), (1, "train"), (2, "val"), (3, "test")]


def test_column_of_splits_wins_over_names(tmp_path):
    write(tmp_path / "train.parquet", image=[encoded(1)] * 2, label=["x", "y"], split=["train", "test"])
    assert open_data(tmp_path).splits.tolist() == ["train", "test"]


def test_one_file_alone_says_nothing_by_its_name(tmp_path):
    assert open_data(write(tmp_path / "train.parquet", image=[encoded(1)], label=["x"])).splits.tolist() == [""]


def test_dictionary_and_synonyms(tmp_path):
    labels = pa.array(["cat", "dog", "cat"]).dictionary_encode()
    data = open_data(write(tmp_path / "a.parquet", img=[encoded(i) for i in range(3)], Class=labels, other=[1, 2, 3]))
    assert data.targets.tolist() == ["cat", "dog", "cat"]


@pytest.mark.parametrize("metadata", ["{", "[]", '{"info": 3}', '{"info": {"features": {"label": {"names": [1]}}}}'])
def test_strange_metadata_is_ignored(tmp_path, metadata):
    data = open_data(write(tmp_path / "a.parquet", {"huggingface": metadata}, image=[encoded(1)], label=[1]))
    assert data.classes == () and data.targets.tolist() == ["1"]


@pytest.mark.parametrize(
    "columns, metadata, message",
    [
        ({"image": ["a"], "lable": ["x"]}, None, "no column 'label' among: image, lable"),
        ({"image": [[1, 2]], "label": ["x"]}, None, "holds list"),
        ({"image": ["a"], "label": [2]}, class_label("cat", "dog"), "label 2 is outside"),
        ({"image": ["a"], "label": [[["x"]]]}, None, "not list"),
        ({"image": ["a"], "id": [7], "width": [9]}, None, "no column 'label' among: image, id, width"),
        ({"image": ["a"], "label": ["x"], "split": ["eval"]}, None, "unknown split 'eval'"),
        ({"image": ["a"], "label": [""]}, None, "no rows with a label, 1 row without"),
        ({"image": [], "label": []}, None, "holds null|no rows"),
    ],
)
def test_what_breaks_the_format(tmp_path, columns, metadata, message):
    with pytest.raises(SightlineError, match=message) as caught:
        open_data(write(tmp_path / "a.parquet", metadata, **columns))
    assert str(tmp_path) in caught.value.where


def test_files_that_disagree_on_classes(tmp_path):
    write(tmp_path / "train.parquet", class_label("cat", "dog"), image=["a"], label=[0])
    write(tmp_path / "test.parquet", class_label("dog", "cat"), image=["a"], label=[0])
    with pytest.raises(SightlineError, match="same classes"):
        open_data(tmp_path)
    write(tmp_path / "test.parquet", image=["a"], label=[0])
    with pytest.raises(SightlineError, match="same classes"):
        open_data(tmp_path)


def test_damaged_missing_and_huge(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", image=[encoded(1)], label=["x"])
    data = path.read_bytes()
    for content in (b"", b"PAR1", data[:-20], b"no parquet at all, but text"):
        path.write_bytes(content)
        with pytest.raises(SightlineError, match="no Parquet file"):
            open_data(path)
    with pytest.raises(SightlineError, match="does not exist"):
        open_data(tmp_path / "gone.parquet", "parquet")
    path.write_bytes(data)
    monkeypatch.setattr(parquet, "MOST_ROWS", 0)
    with pytest.raises(SightlineError, match="more than is read"):
        open_data(path)


def test_without_pyarrow(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", image=[encoded(1)], label=["x"])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="reading Parquet needs the package pyarrow") as caught:
        open_data(path)
    assert "sightline[parquet]" in caught.value.fix


def test_sniff(tmp_path):
    assert not parquet.sniff(tmp_path) and not parquet.sniff(tmp_path / "a.parquet")
    with pytest.raises(SightlineError, match=r"no \.parquet files"):
        open_data(tmp_path, "parquet")
    assert np.array_equal(np.array([parquet.sniff(write(tmp_path / "a.pq", image=["a"], label=["x"]))]), [True])
