"""Arrays from Python, and their NPZ files."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.formats import arrays, npz, open_data
from sightline.data.formats.arrays import label_texts, to_bytes
from sightline.data.image import read

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (6, 5, 4), np.uint8)
Y = np.arange(6)


def pixels(data):
    return [read(data.images.load(i)) for i in range(len(data))]


# Arrays


def test_images_and_labels():
    data = open_data((X, Y))
    assert data.format == data.name == "arrays" and data.target == "label" and data.classes == ()
    assert data.targets.tolist() == list("012345") and set(data.splits) == {""} and data.groups is None
    assert np.array_equal(data.images.load(2), X[2]) and data.images.name(2) == "images[2]"


def test_splits_and_groups():
    data = open_data((X, Y, ["train", "Training", "valid", "test", "", None], [1, 1, 2.0, "a", None, "b"][:6]))
    assert data.splits.tolist() == ["train", "train", "val", "test", "", ""] and data.splits.dtype == np.dtype("<U5")
    assert data.groups.tolist() == ["1", "1", "2", "a", "", "b"]
    with pytest.raises(SightlineError, match="unknown split 'eval'"):
        open_data((X, Y, ["eval"] * 6))


def test_without_labels():
    assert open_data((X,)).targets.tolist() == [""] * 6


@pytest.mark.parametrize("shape", [(6, 5, 4), (6, 5, 4, 1), (6, 5, 4, 3), (6, 5, 4, 4)])
def test_shapes(shape):
    data = open_data((np.zeros(shape, np.uint8), Y))
    assert all(image.shape[:2] == (5, 4) for image in pixels(data))


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_first_are_moved(channels):
    x = RNG.integers(0, 256, (6, channels, 5, 7), np.uint8)
    assert np.array_equal(open_data((x, Y)).images.load(1), np.moveaxis(x[1], 0, 2))
    assert np.array_equal(open_data((list(x), Y)).images.load(1), np.moveaxis(x[1], 0, 2))


def test_ambiguous_channels_stay_last():
    assert open_data((np.zeros((6, 3, 5, 3), np.uint8), Y)).images.load(0).shape == (3, 5, 3)


@pytest.mark.parametrize(
    "x", [np.zeros((6, 5)), np.zeros((6, 5, 4, 2)), np.zeros((6, 0, 4)), np.zeros(6), np.zeros(())]
)
def test_other_shapes_are_refused(x):
    with pytest.raises(SightlineError, match="images have shape"):
        open_data((x, Y))


def test_flat_images_are_told_what_to_type():
    with pytest.raises(SightlineError) as caught:
        open_data((np.zeros((6, 784)), Y))
    assert "x.reshape(-1, 28, 28)" in caught.value.fix


@pytest.mark.parametrize(
    "x", [np.full((6, 5, 4), "a"), np.zeros((6, 5, 4), complex), "a path", [b"x"] * 6, [None] * 6, 7]
)
def test_what_holds_no_numbers_is_refused(x):
    with pytest.raises(SightlineError):
        open_data((x, Y))


def test_lengths_must_agree():
    with pytest.raises(SightlineError, match="6 images, but 5 targets"):
        open_data((X, Y[:5]))
    with pytest.raises(SightlineError, match="no images"):
        open_data((X[:0], Y[:0]))


def test_lists_of_different_sizes_and_kinds(tmp_path):
    big = RNG.integers(0, 256, (9, 8, 3), np.uint8)
    data = open_data(([X[0], big, Image.fromarray(big)], ["a", "b", "b"]))
    assert [image.shape for image in pixels(data)] == [(5, 4, 1), (9, 8, 3), (9, 8, 3)]
    objects = np.empty(2, object)
    objects[:] = [X[0], big]
    assert len(open_data((objects, ["a", "b"]))) == 2


def test_list_of_paths(tmp_path):
    Image.fromarray(X[0]).save(tmp_path / "a.png")
    data = open_data(([tmp_path / "a.png", str(tmp_path / "b.png")], ["a", "b"]))
    assert np.array_equal(read(data.images.load(0))[..., 0], X[0])
    with pytest.raises(SightlineError, match="does not exist"):
        read(data.images.load(1))


def test_one_damaged_pillow_image_fails_alone():
    file = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64), np.uint8)).save(file, "PNG")
    damaged = Image.open(io.BytesIO(file.getvalue()[:2000]))
    data = open_data(([X[0], damaged], ["a", "b"]))
    assert read(data.images.load(0)).shape == (5, 4, 1)
    with pytest.raises(SightlineError, match="damaged"):
        read(data.images.load(1))


# Scaling: by all images together


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
@pytest.mark.parametrize("as_list", [False, True])
def test_dark_image_among_bright_ones_is_not_stretched(top, as_list):
    x = np.zeros((3, 4, 4), np.float32)
    x[0] = top
    x[1] = np.float32(top) / 255
    data = open_data((list(x) if as_list else x, Y[:3]))
    assert [int(data.images.load(i).max()) for i in range(3)] == [255, 1, 0]


def test_normalised_floats_are_stretched_together():
    x = np.zeros((3, 2, 2))
    x[0], x[1], x[2] = -1, 1, 0
    assert [int(image.max()) for image in pixels(open_data((x, Y[:3])))] == [0, 255, 128]


def test_image_with_nan_fails_alone_and_does_not_move_the_scale():
    x = np.ones((3, 4, 4), np.float32)
    x[1, 0, 0] = np.nan
    x[2] = 0.5
    for images in (x, list(x)):
        data = open_data((images, Y[:3]))
        assert [int(data.images.load(i).max()) for i in (0, 2)] == [255, 128]
        with pytest.raises(SightlineError, match="not finite"):
            read(data.images.load(1))


@pytest.mark.parametrize("dtype", ["?", "u1", ">u2", "i2", "u4", "f2", "f8"])
def test_scaling_in_chunks_is_scaling_at_once(monkeypatch, dtype):
    x = (RNG.random((5, 6, 7)) * 1000).astype(dtype)
    whole = to_bytes([x])[0]
    monkeypatch.setattr(arrays, "CHUNK", 11)
    assert whole.dtype == np.uint8 and np.array_equal(to_bytes([x])[0], whole)
    assert np.array_equal(whole, read(x.reshape(30, 7)).reshape(5, 6, 7))


# Labels


@pytest.mark.parametrize(
    "labels, expected",
    [
        ([3, 1], ["3", "1"]),
        (np.array([3, 1], np.uint8), ["3", "1"]),
        ([3.0, 2.5], ["3", "2.5"]),
        ([np.nan, 2.0], ["", "2"]),
        (["cat", "猫"], ["cat", "猫"]),
        ([b"cat", b"dog"], ["cat", "dog"]),
        ([None, 2], ["", "2"]),
        ([[3], [1]], ["3", "1"]),
        ([[0, 1, 0], [1, 0, 0]], ["1", "0"]),
        (np.eye(2, dtype=np.float32), ["0", "1"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_labels_become_text(labels, expected):
    texts = label_texts(labels, "here")
    assert texts.tolist() == expected and texts.dtype.kind == "U"


@pytest.mark.parametrize(
    "labels", [[[1, 1, 0]], [[0.5, 0.5]], [[0, 0]], [["a", "b"]], np.zeros((2, 2, 2)), [[1], [2, 3]], [{}], 5, [1j]]
)
def test_other_labels_are_refused(labels):
    with pytest.raises(SightlineError):
        label_texts(labels, "here")


def test_no_file_has_this_format(tmp_path):
    assert not arrays.sniff(tmp_path)
    with pytest.raises(SightlineError, match="come from Python"):
        open_data(tmp_path, "arrays")


# NPZ


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
