"""zip or tar (plain, .gz, .xz, .bz2) of class folders, laid out as `folder` says. Nothing is unpacked to the disk.

Members of a zip and of a plain tar are read when they are asked for; those of a compressed tar, which has no index,
all at once into memory. An archive is trusted in nothing: one with an absolute path, `..`, a link or a device is
refused, and so is an image of more than 200 MB, or of more than 10 MB that are over 200 times its compressed size. No
more is ever unpacked than a member announces.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import BlobImages, Dataset, Images, printable
from sightline.data.formats._common import is_file
from sightline.data.formats._members import MemberImages, Meter, SharedFile
from sightline.data.formats.folder import Layout, ignored, is_image, lay_out
from sightline.data.scan import memory_budget

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz")
UNPACKERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
MEMBER_BYTES = 200 * 10**6
RATIO = 200
RATIO_FROM = 10 * 10**6  # smaller members may shrink as far as they like: a blank page does
TOTAL_BYTES = 20 * 2**30


def sniff(path: Path) -> bool:
    """Whether this is a file with the suffix of a zip or tar."""
    return path.name.lower().endswith(SUFFIXES) and is_file(path)


def load(path: Path) -> Dataset:
    """The images in the class folders of an archive. Raises SightlineError for a damaged or dangerous one."""
    try:
        with path.open("rb") as file:
            magic = file.read(6)
        unpack = next((opener for start, opener in UNPACKERS.items() if magic.startswith(start)), None)
        if magic.startswith(b"PK"):
            images, layout = _open_zip(path)
        else:
            images, layout = _open_packed_tar(path, unpack) if unpack else _open_tar(path)
    except SightlineError:
        raise
    except FileNotFoundError:
        raise SightlineError("the archive does not exist", str(path), "check the path") from None
    except Exception as error:  # zipfile, tarfile and the decompressors raise many things on damaged files
        brief = " ".join(str(error).split())[:200] or type(error).__name__
        raise SightlineError(f"this is no zip or tar, or a damaged one ({brief})", str(path)) from None
    return Dataset(
        images=images,
        target="label",
        targets=np.array(layout.labels, dtype=np.str_),
        splits=np.array(layout.splits, dtype="<U5"),
        groups=None,
        name=str(path),
        format="archive",
        notes=layout.notes,
    )


def _open_zip(path: Path) -> tuple[Images, Layout]:
    archive = zipfile.ZipFile(cast("IO[bytes]", SharedFile(path)))
    members: dict[str, zipfile.ZipInfo] = {}
    folders: dict[str, None] = {}
    for member in archive.infolist():
        name = _clean(_zip_name(member), path)
        kind = stat.S_IFMT(member.external_attr >> 16) if member.create_system in (3, 19) else 0
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused("is a link or a device", name, path)
        if member.is_dir() or kind == stat.S_IFDIR:
            _add_folders(folders, name + "/")
            continue
        _add_folders(folders, name)
        if _hidden(name):
            continue
        if member.flag_bits & 1:
            raise SightlineError("the zip is encrypted", f"{path}: {name}", "unpack it, and give the folder")
        if is_image(name):
            _guard(member.file_size, member.compress_size, name, path)
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _refused("is compressed by a method other than deflate", name, path)
        members[name] = member
    total = sum(member.file_size for member in members.values())
    if total > TOTAL_BYTES and total > RATIO * path.stat().st_size:
        raise SightlineError(f"the zip announces {total / 2**30:,.0f} GiB, far more than it can hold", str(path))
    layout = lay_out(members, folders, str(path))
    kept = [members[name] for name in layout.paths]

    def fetch(index: int) -> bytes:
        with archive.open(kept[index]) as file:
            return file.read(kept[index].file_size + 1)

    return MemberImages(layout.paths, [member.file_size for member in kept], fetch, str(path)), layout


def _zip_name(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & 0x800:
        return member.filename
    try:  # macOS writes UTF-8 without saying so; zipfile then reads it as code page 437
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _open_tar(path: Path) -> tuple[Images, Layout]:
    folders: dict[str, None] = {}
    places: dict[str, tuple[int, int]] = {}
    with tarfile.open(path, "r:") as archive:
        for name, member in _tar_files(iter(archive), folders, path):
            places[name] = member.offset_data, member.size
        end = archive.offset
    file = SharedFile(path)
    _check_end(file.read_at(end, tarfile.BLOCKSIZE), path)
    layout = lay_out(places, folders, str(path))
    kept = [places[name] for name in layout.paths]

    def fetch(index: int) -> bytes:
        return file.read_at(*kept[index])

    return MemberImages(layout.paths, [size for _, size in kept], fetch, str(path)), layout


def _open_packed_tar(path: Path, unpack: Callable[[Path], Any]) -> tuple[Images, Layout]:
    folders: dict[str, None] = {}
    blobs: dict[str, bytes] = {}
    room = memory_budget()
    with unpack(path) as unpacker:
        meter = Meter(unpacker, path, min(TOTAL_BYTES, RATIO * path.stat().st_size + RATIO_FROM))
        with tarfile.open(fileobj=cast("IO[bytes]", meter), mode="r|") as archive:
            for name, member in _tar_files(_next_members(archive, meter), folders, path):
                data = b""
                if is_image(name):
                    room -= member.size
                    if room < 0:
                        raise SightlineError(
                            "the images do not fit into memory, where those of a compressed tar must go",
                            str(path),
                            "unpack it, or make a zip or a plain tar of it",
                        )
                    meter.allow(member.size)
                    data = cast("IO[bytes]", archive.extractfile(member)).read()
                    if len(data) != member.size:
                        raise SightlineError("the archive ends within this member", f"{path}: {name}", "fetch it again")
                blobs[name] = data
            _check_end(meter.block(archive.offset), path)
        meter.drain()
    layout = lay_out(blobs, folders, str(path))
    return BlobImages([blobs[name] for name in layout.paths], [printable(n) for n in layout.paths]), layout


def _check_end(block: bytes, path: Path) -> None:
    """Raises SightlineError unless the tar ends with a block of zeros: tarfile takes a damaged header for the end."""
    if block != bytes(tarfile.BLOCKSIZE):
        raise SightlineError("the tar is damaged, or ends early", str(path), "fetch it again")


def _next_members(archive: tarfile.TarFile, meter: Meter) -> Iterator[tarfile.TarInfo]:
    member = archive.next()
    while member is not None:
        yield member
        meter.allow(member.size)  # what was not read of it is skipped
        member = archive.next()


def _tar_files(
    members: Iterator[tarfile.TarInfo], folders: dict[str, None], path: Path
) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Name and member of each file that is not hidden; fills `folders`. Raises SightlineError for dangerous ones."""
    for member in members:
        name = _clean(member.name, path)
        if member.isdir():
            _add_folders(folders, name + "/")
            continue
        if not member.isreg() or member.issparse():
            raise _refused("is a link, a device or sparse", name, path)
        _add_folders(folders, name)
        if not _hidden(name):
            if is_image(name):
                _guard(member.size, member.size, name, path)
            yield name, member


def _clean(name: str, path: Path) -> str:
    """A relative POSIX path. Raises SightlineError for one that leads out of the archive."""
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or (len(parts[0]) == 2 and parts[0][1] == ":"):
        raise _refused("has an absolute path, or one with `..`", name, path)
    return "/".join(part for part in parts if part not in ("", "."))


def _hidden(name: str) -> bool:
    return any(ignored(part) for part in name.split("/"))


def _add_folders(folders: dict[str, None], name: str) -> None:
    """Adds the folders above `name`, which itself is one if it ends with a slash, but for hidden ones."""
    while (name := name.rpartition("/")[0]) and name not in folders:
        if not _hidden(name):
            folders[name] = None


def _guard(size: int, packed: int, name: str, path: Path) -> None:
    if size > MEMBER_BYTES:
        raise _refused(f"is larger than {MEMBER_BYTES // 10**6} MB", name, path)
    if size > RATIO_FROM and size > RATIO * packed:
        raise _refused(f"unpacks to {size:,} bytes, over {RATIO} times what it takes", name, path)


def _refused(why: str, name: str, path: Path) -> SightlineError:
    return SightlineError(
        f"the archive is refused: a member {why}", f"{path}: {name}", "unpack it yourself, if you trust it"
    )
