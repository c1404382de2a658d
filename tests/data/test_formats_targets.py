"""Kinds of targets: one label, several labels or a number, as tables and arrays hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset
from sightline.data.formats import open_data
from sightline.data.labels import joined, names_in
from sightline.verbs.common import infer_task, open_for
from sightline.verbs.train import train
from sightline.verbs.train_data import opened

X = np.zeros((4, 8, 8), np.uint8)


def table(folder: Path, text: str, kind: str | None = None, name: str = "data.csv") -> Dataset:
    (folder / name).write_text(text, encoding="utf-8")
    return open_data(folder / name, kind=kind)


def test_names_are_one_text_whatever_their_order() -> None:
    assert names_in(" dog ;cat;; dog") == ("cat", "dog") and names_in("") == names_in(" ; ") == ()
    assert joined(names_in("b;a")) == joined(names_in("a; b")) == "a;b"


def test_a_semicolon_among_the_labels_makes_them_sets(tmp_path: Path) -> None:
    data = table(tmp_path, "image,label,split\n1.png,dog; cat,train\n2.png,,train\n3.png,cat,test\n4.png,cat;dog,\n")
    assert (data.target, infer_task(data).name) == ("labels", "multilabel")
    assert data.targets.tolist() == ["cat;dog", "", "cat", "cat;dog"] and data.notes == ()
    assert data.splits.tolist() == ["train", "train", "test", ""]


def test_the_task_decides_how_labels_are_read(tmp_path: Path) -> None:
    text = "image,label\n1.png,cat;dog\n2.png,\n3.png,cat\n"
    one = table(tmp_path, text, "label")
    assert one.target == "label" and one.targets.tolist() == ["cat;dog", "cat"]
    assert [code for code, _, _ in one.notes] == ["empty_label"]
    single = "image,label\n1.png,cat\n2.png,\n3.png,dog\n"
    assert table(tmp_path, single).target == "label"
    several = table(tmp_path, single, "labels")
    assert several.target == "labels" and several.targets.tolist() == ["cat", "", "dog"]
    assert open_for("multilabel", tmp_path / "data.csv")[1].name == "multilabel"


@pytest.mark.parametrize(
    "rows", ["1,0,0\n0,1,1\n0,0,0\n", "1.0,0.0,0\nFalse,TRUE,true\n,0,\n", "yes,no,no\nno,yes,yes\nno,no,no\n"]
)
def test_a_column_a_class(tmp_path: Path, rows: str) -> None:
    body = "".join(f"{i}.png,{row},p1,{10 * i}\n" for i, row in enumerate(rows.splitlines()))
    data = table(tmp_path, "image,Dog,cat,äpfel,group,width\n" + body)
    assert data.target == "labels" and data.classes == ("Dog", "cat", "äpfel")
    assert data.targets.tolist() == ["Dog", "cat;äpfel", ""]
    assert data.groups is not None and data.groups.tolist() == ["p1"] * 3


def test_a_label_column_wins_over_columns_of_0_and_1(tmp_path: Path) -> None:
    data = table(tmp_path, "image,label,blurred,dark\n1.png,cat,0,1\n2.png,dog,1,1\n")
    assert data.target == "label" and data.targets.tolist() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,blurred\n1.png,0\n2.png,1\n", "no column 'label'"),
        ("image,width,height\n1.png,20,30\n", "no column 'label'"),
        ("image,a,b,a\n1.png,0,1,1\n", "'a' occurs more than once"),
        ('image,"a;b",c\n1.png,0,1\n', "'a;b' holds a ';'"),
    ],
)
def test_columns_that_are_no_classes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SightlineError, match=message):
        table(tmp_path, text)


def test_a_column_value(tmp_path: Path) -> None:
    data = table(tmp_path, "image,value\n1.png,2.5\n2.png,\n3.png,-1e3\n4.png,many\n")
    assert data.target == "value" and data.targets.dtype == np.float64
    assert data.targets[:2].tolist() == [2.5, -1000.0] and np.isnan(data.targets[2])
    assert {code: items for code, _, items in data.notes} == {"empty_value": ("line 3",)}
    comma = table(tmp_path, "image;value\n1.png;2,5\n2.png;3\n")
    assert comma.targets.tolist() == [2.5, 3.0]


def test_a_table_with_label_and_value_serves_both_tasks(tmp_path: Path) -> None:
    text = "image,label,value\n1.png,cat,2.5\n2.png,dog,3\n"
    assert table(tmp_path, text).targets.tolist() == ["cat", "dog"]
    assert table(tmp_path, text, "value").targets.tolist() == [2.5, 3.0]


def test_labels_that_are_numbers_can_be_learned_as_such(tmp_path: Path) -> None:
    data = table(tmp_path, "image,label\n1.png,3\n2.png,4.5\n", "value")
    assert data.target == "value" and data.targets.tolist() == [3.0, 4.5]
    assert open_data("digits", kind="value").targets.max() == 9.0
    with pytest.raises(SightlineError, match="'cat' is no number"):
        table(tmp_path, "image,label\n1.png,3\n2.png,cat\n", "value")
    with pytest.raises(SightlineError, match="kind 'value', and 'label' is wanted"):
        table(tmp_path, "image,value\n1.png,3\n", "label")


@pytest.mark.parametrize(
    ("labels", "kind", "targets"),
    [
        ([["dog", "cat"], [], {"cat"}, ("b",)], "labels", ["cat;dog", "", "cat", "b"]),
        ([["dog"], ["cat"], ["cat"], ["dog"]], "labels", ["dog", "cat", "cat", "dog"]),
        ([[2, 10], [], [3], [2]], "labels", ["10;2", "", "3", "2"]),
        (np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1]]), "labels", ["0;1", "", "2", "0;2"]),
        ([[1, 1], [0, 1], [0, 0], [1, 0]], "labels", ["0;1", "1", "", "0"]),
        (np.eye(4)[[3, 0, 1, 2]], "label", ["3", "0", "1", "2"]),
        ([[3], [1], [2], [0]], "label", ["3", "1", "2", "0"]),
        (np.array([1, 2, 3, 4]), "label", ["1", "2", "3", "4"]),
        (np.array([1.0, 2.0, 3.0, 1.0]), "label", ["1", "2", "3", "1"]),
        (np.array([1.0, 2.5, 3.0, np.nan]), "value", [1.0, 2.5, 3.0, np.nan]),
        (np.array([[0.5], [1], [2], [3]], np.float32), "value", [0.5, 1.0, 2.0, 3.0]),
        (["a", "b", "c", "a"], "label", ["a", "b", "c", "a"]),
    ],
)
def test_targets_in_python(labels: Any, kind: str, targets: list[Any]) -> None:
    data = open_data((X, labels))
    assert data.target == kind
    np.testing.assert_array_equal(data.targets, np.array(targets))


def test_the_task_decides_in_python_where_both_are_possible() -> None:
    assert open_data((X, np.eye(4)), kind="labels").targets.tolist() == ["0", "1", "2", "3"]
    assert open_data((X, np.array([1.0, 2.0, 3.0, 4.0])), kind="value").targets.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert open_data((X, np.array([1, 2, 3, 4])), kind="value").targets.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert open_data((X, np.array([1.5, 2.0, 3.0, 4.0])), kind="label").targets.tolist() == ["1.5", "2", "3", "4"]


@pytest.mark.parametrize("labels", [[["a;b"], [], [], []], [["a", ""], [], [], []], [[" a"], ["b"], [], []]])
def test_names_that_could_not_stand_in_a_table_are_refused(labels: list[list[str]]) -> None:
    with pytest.raises(SightlineError, match="is no name of a label"):
        open_data((X, labels))


def test_val_in_python_is_read_as_the_data_is(here: Path) -> None:
    data, _ = opened((X, [["a"], ["a", "b"], [], ["b"]]), (X[:2], ["a", "b"]), {})
    assert data.target == "labels" and data.targets.tolist()[-2:] == ["a", "b"]
    numbers = np.linspace(-1, 1, X.size).reshape(X.shape)
    data, _ = opened((numbers, ["a", "b", "a", "b"]), (numbers[:2], ["a", "b"]), {})
    assert np.array_equal(data.images.load(4), data.images.load(0)), "val is scaled as the data is"
    with pytest.raises(SightlineError, match="kind 'labels', and 'label' is wanted"):
        train(X, ["a", "b", "a", "b"], val=(X[:2], [["a", "b"], []]))


def parquet(folder: Path, kind: str | None = None, metadata: dict[str, str] | None = None, **columns: Any) -> Dataset:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"image": ["a.png", "b.png", "c.png"], **columns}).replace_schema_metadata(metadata),
                   folder / "data.parquet")  # fmt: skip
    return open_data(folder / "data.parquet", kind=kind)


def test_several_labels_in_parquet(tmp_path: Path) -> None:
    for column in (["b; a", None, "a"], [["b", "a"], [], ["a"]], [["a", "b"], None, ["a"]]):
        data = parquet(tmp_path, label=column)
        assert data.target == "labels" and data.targets.tolist() == ["a;b", "", "a"] and data.notes == ()
    data = parquet(tmp_path, Dog=[True, False, True], cat=[1, 0, 0], width=[20, 30, 40])
    assert (
        data.target == "labels" and data.classes == ("Dog", "cat") and data.targets.tolist() == ["Dog;cat", "", "Dog"]
    )
    names = '{"names": ["cat", "dog"], "_type": "ClassLabel"}'
    for feature in (f'{{"feature": {names}, "_type": "List"}}', f"[{names}]"):
        metadata = {"huggingface": f'{{"info": {{"features": {{"label": {feature}}}}}}}'}
        data = parquet(tmp_path, None, metadata, label=[[1, 0], [], [1]])
        assert data.classes == ("cat", "dog") and data.targets.tolist() == ["cat;dog", "", "dog"]


def test_values_in_parquet(tmp_path: Path) -> None:
    data = parquet(tmp_path, value=[1.5, None, 3.0])
    assert data.target == "value" and data.targets.tolist() == [1.5, 3.0]
    assert [code for code, _, _ in data.notes] == ["empty_value"] and data.images.name(1) == "c.png"
    assert parquet(tmp_path, "value", label=["1", "2", "3"], value=[1, 2, 4]).targets.tolist() == [1.0, 2.0, 4.0]


def test_several_labels_and_values_in_npz(tmp_path: Path) -> None:
    one_hot, several = np.eye(4, dtype=np.uint8), np.array([[1, 1, 0, 0]] * 4)
    np.savez_compressed(tmp_path / "a.npz", x_train=X, y_train=several, x_test=X, y_test=one_hot)
    data = open_data(tmp_path / "a.npz")
    assert data.target == "labels" and data.targets.tolist() == ["0;1"] * 4 + ["0", "1", "2", "3"]
    np.savez_compressed(tmp_path / "b.npz", x_train=X, y_train=np.arange(4) / 2, x_test=X, y_test=np.ones(4))
    data = open_data(tmp_path / "b.npz")
    assert data.target == "value" and data.targets.tolist() == [0, 0.5, 1, 1.5, 1, 1, 1, 1]
    np.savez_compressed(tmp_path / "c.npz", x_train=X, y_train=several, x_test=X, y_test=np.array(["a"] * 4))
    with pytest.raises(SightlineError, match="different kinds of targets: label, labels"):
        open_data(tmp_path / "c.npz")
