"""The one pass over all images, alone and with workers."""

import os

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data import scan as scanning
from sightline.data.dataset import ArrayImages, BlobImages, Dataset, FileImages, no_splits
from sightline.data.image import resize
from sightline.data.parallel import ordered_map
from sightline.data.scan import chunks, memory_budget, pixel_hash, scan, usable


def dataset(images):
    count = len(images)
    return Dataset(images, "label", np.full(count, "a"), no_splits(count), None, "test", "test")


def pictures(count=10, side=12):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def small(pixels):
    return {"image": resize(pixels, (4, 4)), "mean": np.float32(pixels.mean())}


@pytest.fixture
def files(tmp_path):
    """130 images in files, of which number 5 is text and number 100 is missing."""
    paths = []
    for number, array in enumerate(pictures(130)):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(array).save(paths[-1])
    paths[5].write_text("no image")
    paths[100].unlink()
    return dataset(FileImages(paths, tmp_path))


def test_hash_is_of_pixels_not_of_files(tmp_path):
    array = pictures(1)[0]
    paths = [tmp_path / f"a.{suffix}" for suffix in ("png", "bmp", "tiff", "ppm")]
    for path in paths:
        Image.fromarray(array).save(path)
    found = scan(dataset(FileImages(paths)), workers=0)
    assert set(found.hashes.tolist()) == {pixel_hash(array)}
    assert set(map(tuple, found.sizes.tolist())) == {(12, 12)}


def test_hash_sees_shape_and_each_pixel():
    array = pictures(1)[0]
    other = array.copy()
    other[3, 3, 1] ^= 1
    flat = array.reshape(6, 24, 3)
    turned = np.rot90(array, 2)
    assert len({pixel_hash(a) for a in (array, other, flat, turned, np.ascontiguousarray(array[..., :1]))}) == 5
    assert pixel_hash(turned) == pixel_hash(turned.copy())


def arrays(scanned):
    """What was kept of all examples, which are of one shape: one batch in their order."""
    ((places, found),) = scanned.batches(1000)
    assert places.tolist() == list(range(len(scanned)))
    return found


@pytest.mark.parametrize("workers", [0, 2])
def test_columns(files, workers):
    done = []
    found = scan(files, small, workers=workers, progress=done.append)
    expected = pictures(130)
    good = [i for i in range(130) if i not in (5, 100)]
    assert found.readable.nonzero()[0].tolist() == good
    assert set(found.errors) == {5, 100} and "not exist" in found.errors[100] and "no image" in found.errors[5]
    assert found.hashes[5] == found.hashes[100] == found.channels[5] == 0 and found.sizes[100].tolist() == [0, 0]
    assert found.channels[good].tolist() == [3] * 128 and (found.sizes[good] == 12).all()
    for i in (0, 64, 129):
        assert found.hashes[i] == pixel_hash(expected[i])
        assert np.array_equal(arrays(found.take(np.array([i])))["image"][0], small(expected[i])["image"])
    assert not found.cache["image"][5].any() and found.cache["mean"].shape == (130,)
    assert done == sorted(set(done)) and done[-1] == 130 and len(done) > 1


def test_take_shares_the_cache(files):
    found = scan(files, small, workers=0)
    part = found.take(np.array([100, 7, 129]))
    assert len(part) == 3 and part.cache is found.cache and list(part.errors) == [0]
    assert np.array_equal(arrays(part)["image"][1:3], found.cache["image"][[7, 129]])
    again = part.take(np.array([2]))
    assert again.hashes[0] == found.hashes[129]
    assert np.array_equal(arrays(again)["image"][0], found.cache["image"][129])


def test_without_preprocess_nothing_is_kept():
    assert scan(dataset(ArrayImages(pictures())), workers=0).cache == {}


def test_cache_beyond_memory_is_mapped_and_leaves_no_file(files, tmp_path, monkeypatch):
    monkeypatch.setattr(scanning, "memory_budget", lambda: 100)
    folder = tmp_path / "cache"
    folder.mkdir()
    found = scan(files, small, workers=2, folder=folder)
    assert isinstance(found.cache["image"], np.memmap) and not any(folder.iterdir())
    assert np.array_equal(found.cache["image"][7], small(pictures(130)[7])["image"])


@pytest.mark.skipif(os.name != "posix", reason="posix_fallocate")
def test_cache_beyond_the_disk_is_an_error(monkeypatch):
    monkeypatch.setattr(scanning, "memory_budget", lambda: 100)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(SightlineError, match="more than fits"):
        scan(dataset(ArrayImages(pictures())), small, workers=0)


def test_max_pixels_is_passed_on(files):
    assert len(scan(files, workers=0, max_pixels=143).errors) == 130


def test_large_jpeg_is_hashed_alike_whatever_the_network_wants(tmp_path):
    path = tmp_path / "large.jpg"
    x = np.arange(2400) * np.ones((1500, 1))
    Image.fromarray((x * 255 // 2400).astype(np.uint8)).save(path)
    seen = []

    def keep(pixels):
        seen.append(pixels.shape[:2])
        return {}

    data = dataset(FileImages([path]))
    hashes = {int(scan(data, keep, side, workers=0).hashes[0]) for side in (32, 256, 700)}
    assert len(hashes) == 1
    assert seen[0] == seen[1] and min(seen[0]) >= 512 and seen[2] == (1500, 2400)
    assert scan(data, workers=0).sizes.tolist() == [[2400, 1500]]


def test_missing_blob_is_listed():
    found = scan(dataset(BlobImages([None], ["row 0"])), workers=0)
    assert found.errors == {0: "the image is missing"}


def test_usable(files):
    found = scan(files, workers=0)
    assert len(usable(found, files.images.name, 0.2)) == 128
    with pytest.raises(SightlineError, match="2 of 130") as caught:
        usable(found, files.images.name, 0.01)
    assert "5.png" in caught.value.where and "--max-bad" in caught.value.fix
    allowed = float(caught.value.fix.split("--max-bad ")[1])
    assert len(usable(found, files.images.name, allowed)) == 128


def test_nothing_at_all():
    found = scan(dataset(ArrayImages(pictures(0))), small, workers=0)
    assert len(found) == 0 and len(usable(found, str, 0.2)) == 0


def test_probe(files):
    seen = files.probe()
    assert (seen.width, seen.height, seen.channels, seen.count) == (12, 12, 3, 16), "colour is settled soon"
    grey = dataset(ArrayImages(pictures()[..., 0])).probe()
    assert grey.channels == 1 and grey.count == len(pictures())
    with pytest.raises(SightlineError, match="none of the images can be read"):
        dataset(BlobImages([b"", b"x"], ["a", "b"])).probe()


def test_ordered_map_keeps_order_and_passes_errors_on():
    assert list(ordered_map(lambda n: n * n, range(50), 2)) == [n * n for n in range(50)]

    def fail(n):
        if n == 3:
            raise SightlineError("what", "where", "fix")
        return n

    results = ordered_map(fail, range(20), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SightlineError) as caught:
        next(results)
    assert str(caught.value) == "what: where\n  fix"


def test_killed_worker_is_an_error_not_a_hang():
    with pytest.raises(SightlineError, match="worker process was killed"):
        list(ordered_map(lambda n: os._exit(9), range(5), 2))


def test_chunks_and_memory_budget():
    assert [(part.start, part.stop) for part in chunks(10, 4)] == [(0, 4), (4, 8), (8, 10)]
    assert memory_budget() > 2**20
