"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from sightline.core.errors import SightlineError
from sightline.run.files import make_folder, write_text, write_whole


def test_a_file_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "first 猫")
    write_text(path, "second")
    assert path.read_text() == "second" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("bug"), KeyboardInterrupt()])
def test_what_was_there_stays_when_writing_fails(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half of the n")
        raise error

    with pytest.raises(SightlineError if isinstance(error, OSError) else type(error)):
        write_whole(path, write)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.skipif(os.name != "posix", reason="the limit on file sizes is a POSIX one")
def test_a_limit_on_file_sizes_is_met_with_a_clear_error(tmp_path: Path) -> None:
    import resource
    import signal

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(SightlineError) as caught:
            write_text(tmp_path / "a.txt", "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert "File too large" in caught.value.what and "what was there before is untouched" in caught.value.fix
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["/dev/null/x", "missing/x", "folder"])
def test_a_place_that_cannot_be_written_to_is_a_clear_error(here: Path, place: str) -> None:
    Path("folder").mkdir()
    Path("folder/inside").write_text("kept")
    with pytest.raises(SightlineError, match="cannot write the file"):
        write_text(Path(place), "x")
    assert sorted(p.name for p in here.rglob("*")) == ["folder", "inside"]


def test_a_folder_is_made_with_its_parents(here: Path) -> None:
    make_folder(Path("a/b/c"))
    make_folder(Path("a/b/c"))
    assert Path("a/b/c").is_dir()
    Path("file").write_text("")
    for place in ("file", "file/x", "/dev/null/x"):
        with pytest.raises(SightlineError, match="cannot make the folder"):
            make_folder(Path(place))
