"""Arrays from Python."""

import io

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.formats import arrays, open_data
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


def test_later_arrays_are_stretched_as_those_learned_from():
    x = RNG.normal(size=(6, 5, 4)).astype(np.float32)
    learned = open_data((x, Y))
    [(low, high)] = learned.spans.values()
    assert (low, high) == (float(x.min()), float(x.max())) and learned.take(np.arange(2)).spans == learned.spans
    for later in (x[2:4], list(x[2:4].astype(np.float64))):
        some = open_data((later, Y[:2]), spans={"f": [low, high]})
        assert all(np.array_equal(some.images.load(i), learned.images.load(i + 2)) for i in range(2))
    beyond = open_data((np.full((1, 5, 4), high + 1), ["a"]), spans=learned.spans)
    assert beyond.images.load(0).min() == 255, "what lies beyond is cut off"
    with pytest.raises(SightlineError, match="on another scale than those learned from"):
        open_data((np.full((1, 5, 4), 127.0), ["a"]), spans=learned.spans)


@pytest.mark.parametrize("dtype", ["f4", "i2"])
def test_the_range_of_what_fits_no_fixed_one_is_known(dtype):
    x = np.zeros((2, 3, 3), dtype)
    x[0], x[1] = -1000, 3000
    assert open_data((x, Y[:2])).spans == open_data((list(x), Y[:2])).spans == {np.dtype(dtype).kind: (-1000.0, 3000.0)}
    assert open_data((np.abs(x), Y[:2])).spans == open_data((X, Y)).spans == {}


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
    [whole], _ = to_bytes([x])
    monkeypatch.setattr(arrays, "CHUNK", 11)
    assert whole.dtype == np.uint8 and np.array_equal(to_bytes([x])[0][0], whole)
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
    "labels", [["a", None, "b"], ["a", float("nan"), "b"], ["a", "", "b"], np.array([1, np.nan, 2]), [1, None, 2]]
)
def test_an_image_without_a_label_is_left_out_and_noted(labels):
    data = open_data((X[:3], labels))
    assert (
        len(data) == 2
        and np.array_equal(data.images.load(1), X[2])
        and "" not in data.targets
        and "nan" not in data.targets
    )
    assert data.notes == (("empty_label", "1 row without a label left out", ("images[1]",)),)
    assert open_data((X[:3], ["a", "", "b"]), kind="labels").targets.tolist() == ["a", "", "b"], (
        "there, none is an answer"
    )
    with pytest.raises(SightlineError, match="none of the images has a label"):
        open_data((X[:2], [None, None]))


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
