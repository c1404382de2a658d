"""How `archive` reads members: by position where it can, and never more than was announced."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.core.errors import SightlineError
from sightline.data.dataset import printable

HEADER_BYTES = 2**20
"""What may lie between two members of a tar: long names, and padding."""
_NO_PREAD = threading.Lock()


class SharedFile(io.FileIO):
    """A file read by position. Its place is this process's own, so that forks share the descriptor without harm."""

    _place = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves this process's own place."""
        self._place = max(0, offset + (0, self._place, os.fstat(self.fileno()).st_size)[whence])
        return self._place

    def tell(self) -> int:
        """This process's own place."""
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes from the place on."""
        everything = size is None or size < 0
        data = self.read_at(self._place, os.fstat(self.fileno()).st_size - self._place if everything else size or 0)
        self._place += len(data)
        return data

    def read_at(self, place: int, size: int) -> bytes:
        """At most `size` bytes from `place` on, wherever else the file is read meanwhile."""
        if hasattr(os, "pread"):
            return os.pread(self.fileno(), max(0, size), place)
        with _NO_PREAD:  # then there is no fork either: the only other readers are threads
            super().seek(place)
            return super().read(max(0, size))


@dataclass(frozen=True)
class MemberImages:
    """Images in an archive, read one by one: `fetch` gives the nth's bytes, `sizes` how many."""

    names: list[str]
    sizes: list[int]
    fetch: Callable[[int], bytes]
    where: str

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """The member's name."""
        return printable(self.names[index])

    def load(self, index: int) -> bytes:
        """The encoded bytes. Raises SightlineError where they are damaged or not as many as announced."""
        where = f"{self.where}: {self.names[index]}"
        try:
            data = self.fetch(index)
        except Exception as error:  # zipfile and zlib raise many things on damaged members
            raise SightlineError(f"the member is damaged ({error})", where) from None
        if len(data) != self.sizes[index]:
            raise SightlineError("the member is not as long as announced", where)
        return data


class Meter:
    """Unpacks no more than was allowed: neither a header nor the packing decides how much memory is taken."""

    def __init__(self, unpacker: Any, path: Path, most: int) -> None:
        self._unpacker, self._path, self._most = unpacker, path, most
        self._limit = HEADER_BYTES
        self._total = self._start = 0
        self._last = b""

    def allow(self, size: int) -> None:
        """Lets `size` more bytes pass."""
        self._limit = self._total + size + HEADER_BYTES

    def read(self, size: int) -> bytes:
        """`size` unpacked bytes, fewer at the end. Raises SightlineError beyond what is allowed."""
        self._total += size
        self._start = self._total - size
        if self._total > self._most:
            raise SightlineError("the archive unpacks to far more than its size allows for", str(self._path))
        if self._total > self._limit:
            raise SightlineError("the archive's headers are larger than any name needs", str(self._path))
        self._last = self._unpacker.read(size)
        return self._last

    def block(self, offset: int) -> bytes:
        """The block at `offset` of what was unpacked last."""
        return self._last[offset - self._start :][: tarfile.BLOCKSIZE]

    def drain(self) -> None:
        """Unpacks the rest, so that its checksum is looked at."""
        self.allow(self._most)
        while self.read(2**20):
            pass
