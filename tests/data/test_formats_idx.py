"""MNIST's own files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import SightlineError
from sightline.data.formats import idx, open_data

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"
IMAGES = np.random.default_rng(0).integers(0, 256, (7, 5, 4), np.uint8)
LABELS = np.arange(7, dtype=np.uint8)


def packed(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(folder, names=("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), images=IMAGES, labels=LABELS):
    folder.mkdir(exist_ok=True)
    for name, array in zip(names, (images, labels), strict=True):
        data = packed(array)
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


TEST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def test_folder_and_each_of_its_files(tmp_path):
    write(tmp_path)
    write(tmp_path, TEST, IMAGES[:3], LABELS[:3])
    for path in (tmp_path, *tmp_path.iterdir()):
        data = open_data(str(path))
        assert data.format == "idx" and data.splits.tolist() == ["train"] * 7 + ["test"] * 3
        assert data.targets.tolist() == [str(i) for i in (*range(7), *range(3))]
        assert np.array_equal(data.images.load(2), IMAGES[2]) and np.array_equal(data.images.load(8), IMAGES[1])
        assert data.images.name(8) == "t10k-images-idx3-ubyte.gz[1]"


@pytest.mark.parametrize(
    "names",
    [
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
        ("kmnist-train-images-idx3-ubyte", "kmnist-train-labels-idx1-ubyte"),
    ],
)
def test_other_names(tmp_path, names):
    data = open_data(write(tmp_path, names))
    assert len(data) == 7 and set(data.splits) == {"train"}


def test_part_named_test(tmp_path):
    assert set(open_data(write(tmp_path, ("test-images-idx3-ubyte", "test-labels-idx1-ubyte"))).splits) == {"test"}


def test_emnist_is_turned_upright_and_says_so(tmp_path):
    data = open_data(
        write(tmp_path, ("emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte"))
    )
    assert np.array_equal(data.images.load(3), IMAGES[3].T) and data.notes[0][0] == "turned"


def test_colour(tmp_path):
    images = np.zeros((2, 5, 4, 3), np.uint8)
    data = open_data(write(tmp_path, ("train-images-idx4-ubyte", "train-labels-idx1-ubyte"), images, LABELS[:2]))
    assert data.images.load(1).shape == (5, 4, 3)


def test_several_sets_in_one_folder(tmp_path):
    write(tmp_path)
    write(tmp_path, ("emnist-train-images-idx3-ubyte", "emnist-train-labels-idx1-ubyte"))
    with pytest.raises(SightlineError, match="several"):
        open_data(tmp_path)
    assert len(open_data(tmp_path / "train-images-idx3-ubyte")) == 7


@pytest.mark.parametrize(
    "images, labels, message",
    [
        (packed(IMAGES)[:-1], packed(LABELS), "ends early: 139 of 140"),
        (packed(IMAGES) + b"x", packed(LABELS), "goes on"),
        (packed(IMAGES), packed(LABELS[:6]), "7 images, but 6 labels"),
        (packed(LABELS), packed(LABELS), "no images"),
        (packed(IMAGES), packed(IMAGES), "no labels"),
        (packed(IMAGES[..., None].repeat(2, axis=3)), packed(LABELS), "no images"),
        (packed(IMAGES[:0]), packed(LABELS[:0]), "no images"),
        (b"", packed(LABELS), "two zero bytes"),
        (b"\x89PNG", packed(LABELS), "two zero bytes"),
        (b"\0\0\x0d\x03" + packed(IMAGES)[4:], packed(LABELS), "type 13"),
        (b"\0\0\x08\x09" + packed(IMAGES)[4:], packed(LABELS), "9 dimensions"),
        (b"\0\0\x08\x03\0\0", packed(LABELS), "3 dimensions"),
        (b"\0\0\x08\x03" + b"\xff" * 12, packed(LABELS), "more than the file can hold"),
        (gzip.compress(packed(IMAGES), mtime=0)[:-9], packed(LABELS), "damaged|early"),
        (gzip.compress(packed(IMAGES), mtime=0)[:15], packed(LABELS), "damaged"),
    ],
)
def test_what_breaks_the_format(tmp_path, images, labels, message):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    with pytest.raises(SightlineError, match=message) as caught:
        open_data(tmp_path)
    assert str(tmp_path) in caught.value.where


def test_gzip_bomb_is_read_no_further_than_announced(tmp_path):
    bomb = struct.pack(">BBBB3I", 0, 0, 8, 3, 7, 5, 4) + bytes(50_000_000)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bomb, 1))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(packed(LABELS))
    with pytest.raises(SightlineError, match="goes on after the 140"):
        open_data(tmp_path)


def test_missing_labels_images_and_files(tmp_path):
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(SightlineError, match="labels of these images are missing") as caught:
        open_data(tmp_path)
    assert "train-labels-idx1-ubyte" in caught.value.fix
    with pytest.raises(SightlineError, match="does not exist") as caught:
        open_data(tmp_path / "train-image-idx3-ubyte")
    with pytest.raises(SightlineError, match="no IDX files"):
        open_data(tmp_path / "train-image-idx3-ubyte", "idx")
    with pytest.raises(SightlineError, match="does not exist") as caught:
        open_data(tmp_path / "t10k-images-idx3-ubyte", "idx")
    assert "train-images-idx3-ubyte" in caught.value.fix
    (tmp_path / "train-images-idx3-ubyte").rename(tmp_path / "train-labels-idx1-ubyte")
    with pytest.raises(SightlineError, match="labels, but no images"):
        open_data(tmp_path / "train-labels-idx1-ubyte")


def test_sniff(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"")
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"")
    assert not idx.sniff(tmp_path) and not idx.sniff(tmp_path / "photo.jpg") and not idx.sniff(Path("x" * 5000))
    assert not idx.sniff(Path("a\0b"))


@pytest.mark.data
@pytest.mark.skipif(not MNIST.exists(), reason="needs ../shared/data/mnist")
def test_mnist_itself():
    data = open_data(MNIST)
    assert (data.splits == "train").sum() == 60_000 and (data.splits == "test").sum() == 10_000
    assert set(data.targets) == set("0123456789")
    assert data.probe().width == 28


def loads_or_refuses(folder, data):
    (folder / "train-images-idx3-ubyte").write_bytes(data)
    (folder / "train-labels-idx1-ubyte").write_bytes(packed(LABELS))
    try:
        found = open_data(folder)
    except SightlineError:
        return
    assert len(found) == 7


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=100))
def test_arbitrary_bytes(tmp_path_factory, data):
    loads_or_refuses(tmp_path_factory.getbasetemp(), data)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.sampled_from([packed(IMAGES), gzip.compress(packed(IMAGES), mtime=0)]),
    changes=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 20),
)
def test_mutated_files(tmp_path_factory, seed, changes, cut):
    data = bytearray(seed)
    for place, value in changes:
        data[place % len(data)] = value
    loads_or_refuses(tmp_path_factory.getbasetemp(), bytes(data[: len(data) - cut]))
