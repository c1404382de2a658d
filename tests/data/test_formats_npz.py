"""NPZ files of arrays."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import SightlineError
from sightline.data.formats import npz, open_data
from sightline.data.image import read

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (6, 5, 4), np.uint8)
Y = np.arange(6)


def pixels(data):
    return [read(data.images.load(i)) for i in range(len(data))]


def save(tmp_path, **stored):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **stored)
    return path


def test_npz_with_splits(tmp_path):
    path = save(tmp_path, x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2], x_val=X[:1], y_val=Y[:1])
    data = open_data(str(path))
    assert data.format == "npz" and data.splits.tolist() == ["train"] * 6 + ["val"] + ["test"] * 2
    assert data.targets.tolist() == [*"012345", "0", "0", "1"] and data.notes == ()
    assert np.array_equal(data.images.load(8), X[1]) and data.images.name(8) == "x_test[1]"


def test_npz_without_splits_and_with_other_keys(tmp_path):
    data = open_data(save(tmp_path, x=X, y=np.eye(6), names=np.array(["a"])))
    assert set(data.splits) == {""} and data.targets.tolist() == list("012345")
    assert data.notes == (("other_keys", "not used of this file: names", ("names",)),)


def test_npz_without_some_labels_and_with_the_scale_of_others(tmp_path):
    x = RNG.normal(size=(6, 5, 4))
    path = save(tmp_path, x_train=x[:4], y_train=[0, np.nan, 1, 0], x_test=x[4:], y_test=[0.0, 1.0])
    data = open_data(path)
    assert data.targets.tolist() == list("01001") and data.splits.tolist() == ["train"] * 3 + ["test"] * 2
    assert [(code, items) for code, _, items in data.notes] == [("empty_label", ("x_train[1]",))]
    assert data.spans == {"f": (x.min(), x.max())}
    assert open_data(path, spans={"f": (-9.0, 9.0)}).images.load(0).max() < data.images.load(0).max()


def test_npz_parts_are_scaled_together(tmp_path):
    bright, dark = np.full((2, 3, 3), 255.0), np.full((2, 3, 3), 1.0)
    data = open_data(save(tmp_path, x_train=bright, y_train=[0, 1], x_test=dark, y_test=[0, 1]))
    assert [int(image.max()) for image in pixels(data)] == [255, 255, 1, 1]
    dark[0, 0, 0] = np.inf
    data = open_data(save(tmp_path, x_train=bright, y_train=[0, 1], x_test=dark, y_test=[0, 1]))
    assert data.images.load(3).max() == 1
    with pytest.raises(SightlineError, match="not finite"):
        read(data.images.load(2))


@pytest.mark.parametrize(
    "stored, message",
    [
        ({"images": X, "labels": Y}, "found: images, labels"),
        ({"x_train": X, "labels": Y}, "the key y_train is missing; found: x_train, labels"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "x_test has no labels"),
        ({"x_train": X, "y_train": Y[:5]}, "x_train holds 6 images, but y_train 5 labels"),
        ({"x_train": X[:0], "y_train": Y[:0]}, "no images"),
        ({"x_train": X.reshape(6, 20), "y_train": Y}, "images have shape"),
        ({"x_train": X, "y_train": np.full((6, 3), 2)}, "one-hot"),
        ({"x": X.astype(str), "y": Y}, "arrays of numbers"),
        ({"x": X, "y": np.array([None] * 6)}, "only pickle"),
        ({}, "found: none"),
    ],
)
def test_npz_that_breaks_the_format(tmp_path, stored, message):
    with pytest.raises(SightlineError, match=message) as caught:
        open_data(save(tmp_path, **stored))
    assert str(tmp_path) in caught.value.where


def test_npz_damaged_missing_or_huge(tmp_path, monkeypatch):
    path = tmp_path / "data.npz"
    with pytest.raises(SightlineError, match="does not exist"):
        open_data(path)
    for content in (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x80\x04\x95."):
        path.write_bytes(content)
        with pytest.raises(SightlineError, match="no NPZ file"):
            open_data(path)
    save(tmp_path, x=X, y=Y)
    monkeypatch.setattr(npz, "MOST_BYTES", 100)
    with pytest.raises(SightlineError, match="more than"):
        open_data(path)


@settings(max_examples=150, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 30),
    stored=st.booleans(),
)
def test_mutated_npz(tmp_path_factory, changes, cut, stored):
    path = tmp_path_factory.getbasetemp() / "mutated.npz"
    (np.savez if stored else np.savez_compressed)(path, x_train=X, y_train=Y)
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data[: len(data) - max(0, cut - 20)])
    loads_or_refuses(path)


@settings(max_examples=100, deadline=None)
@given(header=st.binary(max_size=60), body=st.binary(max_size=40))
def test_npz_with_arbitrary_arrays_inside(tmp_path_factory, header, body):
    path = tmp_path_factory.getbasetemp() / "arbitrary.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body)
        file.writestr("y.npy", body)
    loads_or_refuses(path)


def loads_or_refuses(path):
    try:
        data = open_data(path)
        assert len(data) == len(data.targets) > 0
    except SightlineError:
        pass
