"""zip and tar: what is read, what is refused."""

import gzip
import lzma
import os
import stat
import struct
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from archive_files import FILES, KINDS, write

from sightline.core.errors import SightlineError
from sightline.data.formats import archive, open_data
from sightline.data.image import read
from sightline.data.parallel import ordered_map

CIFAR10 = Path(__file__).parents[3] / "shared" / "data" / "cifar10" / "train.zip"


def rows(data):
    return [(data.images.name(i), str(data.targets[i]), str(data.splits[i])) for i in range(len(data))]


@pytest.mark.parametrize("kind", KINDS)
def test_class_folders(tmp_path, kind):
    data = open_data(str(write(tmp_path / kind)))
    assert data.format == "archive" and data.notes == ()
    assert rows(data) == [(name, name.split("/")[0], "") for name in FILES]
    for index in range(len(data)):
        assert data.images.load(index) == FILES[data.images.name(index)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_as_the_folder(tmp_path, kind):
    names = [
        "wrap/train/cat/10.jpg",
        "wrap/train/cat/2.jpg",
        "wrap/train/dog/deep/1.JPG",
        "wrap/train/dog/notes.txt",
        "wrap/valid/cat/x.png",
        "wrap/test/loose.jpg",
        "wrap/other/1.jpg",
        "wrap/.hidden/1.jpg",
        "__MACOSX/wrap/._2.jpg",
        "README.md",
    ]
    for name in names:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "root" / "wrap" / "train" / "empty").mkdir()
    if kind == "a.zip":
        members = [(zipfile.ZipInfo("wrap/train/empty/"), b"")]
    else:
        folder = tarfile.TarInfo("./wrap/train/empty")
        folder.type = tarfile.DIRTYPE
        members = [(folder, b"")]
    packed = open_data(write(tmp_path / kind, {"./" + name: b"x" for name in names}, members))
    plain = open_data(tmp_path / "root")
    assert rows(packed) == rows(plain) and packed.notes == plain.notes
    assert {code for code, _, _ in packed.notes} == {"empty_class", "no_class", "outside_splits", "other_files"}


def test_archive_is_known_by_its_content(tmp_path):
    path = write(tmp_path / "a.tar.gz").rename(tmp_path / "b.zip")
    assert len(open_data(path)) == len(FILES)


def test_names_that_macos_writes_without_saying_that_they_are_utf8(tmp_path):
    path = write(tmp_path / "a.zip", {"caf\u00e9/1.png": b"x"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark) + offset
        data[place : place + 2] = b"\0\0"
    path.write_bytes(data)
    loaded = open_data(path)
    assert loaded.targets.tolist() == ["café"] and loaded.images.load(0) == b"x"


def test_backslashes_are_separators(tmp_path):
    path = write(tmp_path / "a.zip", {"cat/1.png": b"x"})
    path.write_bytes(path.read_bytes().replace(b"cat/1.png", b"cat\\1.png"))
    assert open_data(path).targets.tolist() == ["cat"]


@pytest.mark.parametrize("kind", ["a.zip", "a.tar"])
def test_forked_workers_read_at_once(tmp_path, kind):
    rng = np.random.default_rng(0)
    files = {f"c{i % 3}/{i}.png": rng.bytes(int(rng.integers(1, 30_000))) for i in range(200)}
    data = open_data(write(tmp_path / kind, files))
    data.images.load(5)
    wanted = [files[data.images.name(i)] for i in range(200)]
    assert list(ordered_map(data.images.load, list(range(200)) * 3, 4)) == wanted * 3


# What is refused


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["../1.png", "/etc/1.png", "cat/../../1.png", "C:/x/1.png", "..\\1.png", "\\x\\1.png"])
def test_names_that_lead_outside(tmp_path, kind, name):
    with pytest.raises(SightlineError, match="refused") as caught:
        open_data(write(tmp_path / kind, {**FILES, name: b"x"}))
    assert name in caught.value.where


@pytest.mark.parametrize("kind", ["a.tar", "a.tar.gz"])
@pytest.mark.parametrize("type", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(tmp_path, kind, type):
    member = tarfile.TarInfo("cat/link.png")
    member.type, member.linkname = type, "/etc/passwd"
    with pytest.raises(SightlineError, match="link, a device") as caught:
        open_data(write(tmp_path / kind, FILES, [(member, b"")]))
    assert "cat/link.png" in caught.value.where


def test_links_in_a_zip(tmp_path):
    member = zipfile.ZipInfo("cat/link.png")
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(SightlineError, match="link"):
        open_data(write(tmp_path / "a.zip", FILES, [(member, b"/etc/passwd")]))


def test_zip_members_too_large_or_too_well_packed(tmp_path, monkeypatch):
    path = write(tmp_path / "a.zip", {**FILES, "cat/bomb.png": bytes(11_000_000)})
    with pytest.raises(SightlineError, match="11,000,000 bytes, over 200 times") as caught:
        open_data(path)
    assert "cat/bomb.png" in caught.value.where
    assert len(open_data(write(tmp_path / "b.zip", {**FILES, "cat/blank.png": bytes(9_000_000)}))) == len(FILES) + 1
    monkeypatch.setattr(archive, "MEMBER_BYTES", 10**6)
    with pytest.raises(SightlineError, match="larger than 1 MB"):
        open_data(path)


def test_zip_that_announces_more_than_it_can_hold(tmp_path, monkeypatch):
    path = write(tmp_path / "a.zip", {f"cat/{i}.png": bytes(900_000) for i in range(30)})
    monkeypatch.setattr(archive, "TOTAL_BYTES", 10**7)
    with pytest.raises(SightlineError, match="far more than it can hold"):
        open_data(path)


def test_zip_member_that_lies_about_its_size(tmp_path):
    path = write(tmp_path / "a.zip", {"cat/1.png": bytes(5000), "dog/1.png": b"x"})
    for size in (50, 9000):
        data = bytearray(path.read_bytes())
        place = data.index(b"PK\x01\x02") + 24
        data[place : place + 4] = struct.pack("<I", size)
        (tmp_path / "b.zip").write_bytes(data)
        loaded = open_data(tmp_path / "b.zip")
        with pytest.raises(SightlineError, match=r"damaged|not as long"):
            loaded.images.load(0)
        assert loaded.images.load(1) == b"x"


def test_encrypted_zip(tmp_path):
    data = bytearray(write(tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(SightlineError, match="encrypted"):
        open_data(tmp_path / "b.zip")


def test_zip_of_another_method(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("cat/1.png", b"x" * 100)
    with pytest.raises(SightlineError, match="other than deflate"):
        open_data(tmp_path / "a.zip")


def test_compressed_tar_that_unpacks_without_end(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tar.gz", {**FILES, "readme.txt": bytes(60_000_000)})
    with pytest.raises(SightlineError, match="far more than its size allows"):
        open_data(path)
    monkeypatch.setattr(archive, "TOTAL_BYTES", 20_000)
    with pytest.raises(SightlineError, match="far more"):
        open_data(write(tmp_path / "b.tar.gz", {"cat/1.png": os.urandom(40_000)}))


def test_compressed_tar_whose_header_is_the_bomb(tmp_path):
    member = tarfile.TarInfo("name")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 8_000_000
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(8_000_000) + bytes(1024))
    with pytest.raises(SightlineError, match="headers are larger"):
        open_data(tmp_path / "a.tar.gz")


def test_compressed_tar_beyond_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "memory_budget", lambda: 100)
    with pytest.raises(SightlineError, match="do not fit into memory"):
        open_data(write(tmp_path / "a.tar.gz"))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged(tmp_path, kind):
    data = write(tmp_path / kind).read_bytes()
    for content in (b"", b"x" * 3000, data[: len(data) // 2]):
        (tmp_path / kind).write_bytes(content)
        with pytest.raises(SightlineError) as caught:
            open_data(tmp_path / kind)
        assert str(tmp_path) in caught.value.where


@pytest.mark.parametrize("kind", ["a.tar", "a.tar.gz", "a.tar.xz"])
def test_tar_with_a_damaged_header_within_is_not_taken_for_its_end(tmp_path, kind):
    plain = bytearray(write(tmp_path / "plain.tar").read_bytes())
    for damaged in (plain[:2048], plain[:1024] + b"\xff" + plain[1025:]):
        data = bytes(damaged)
        (tmp_path / kind).write_bytes({".gz": gzip, ".xz": lzma}[kind[-3:]].compress(data) if kind != "a.tar" else data)
        with pytest.raises(SightlineError, match="ends early"):
            open_data(tmp_path / kind)


def test_wrong_checksum_of_a_gzip(tmp_path):
    data = bytearray(write(tmp_path / "a.tar.gz").read_bytes())
    data[-6] ^= 1
    (tmp_path / "a.tar.gz").write_bytes(data)
    with pytest.raises(SightlineError, match="damaged"):
        open_data(tmp_path / "a.tar.gz")


def test_missing_empty_and_without_classes(tmp_path):
    with pytest.raises(SightlineError, match="does not exist"):
        open_data(tmp_path / "a.zip", "archive")
    for kind in KINDS:
        with pytest.raises(SightlineError, match="no images"):
            open_data(write(tmp_path / kind, {}))
        with pytest.raises(SightlineError, match="none in a class folder"):
            open_data(write(tmp_path / kind, {"1.png": b"x"}))
    assert not archive.sniff(tmp_path) and not archive.sniff(Path("a\0.zip"))


@pytest.mark.data
@pytest.mark.skipif(not CIFAR10.exists(), reason="needs ../shared/data/cifar10")
def test_50_000_members_are_quick():
    start = time.process_time()
    data = open_data(CIFAR10)
    assert len(data) == 50_000 and len(np.unique(data.targets)) == 10
    assert read(data.images.load(49_999)).shape[:2] == (32, 32)
    for index in range(0, 50_000, 10):
        data.images.load(index)
    assert time.process_time() - start < 10
