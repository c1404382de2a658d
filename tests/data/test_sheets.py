"""Files of several pages: one damaged page must not take the others with it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import SightlineError
from sightline.data.sheets import pages_in


def three_pages(path: Path) -> bytearray:
    """A TIFF, little-endian, of three grey pages 40 px high: 10, 20 and 30 px wide."""
    pages = [Image.fromarray(np.full((40, 10 * n), 60 * n, np.uint8)) for n in (1, 2, 3)]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
    return bytearray(path.read_bytes())


def directories(data: bytearray) -> list[int]:
    """Where the directory of each page begins."""
    found: list[int] = []
    (place,) = struct.unpack_from("<I", data, 4)
    while place:
        found.append(place)
        (count,) = struct.unpack_from("<H", data, place)
        (place,) = struct.unpack_from("<I", data, place + 2 + 12 * count)
    return found


def entry(data: bytearray, page: int, tag: int) -> int:
    """Where the value of a tag of a page stands."""
    (count,) = struct.unpack_from("<H", data, page)
    places = (page + 2 + 12 * number for number in range(count))
    return next(place for place in places if struct.unpack_from("<H", data, place)[0] == tag) + 8


def told(path: Path) -> list[object]:
    """The width of each page, or what is wrong with it."""
    return [found.what if isinstance(found, SightlineError) else found.shape[1] for _, found in pages_in(path)]


def test_each_frame_is_a_page(tmp_path: Path) -> None:
    three_pages(tmp_path / "book.tif")
    assert [name for name, _ in pages_in(tmp_path / "book.tif")] == [f"{tmp_path}/book.tif#{n}" for n in (1, 2, 3)]
    assert told(tmp_path / "book.tif") == [10, 20, 30]


@pytest.mark.parametrize(("tag", "value"), [(273, 10**6), (259, 77), (262, 99), (256, 0)])
def test_a_damaged_page_is_told_and_the_next_is_read(tmp_path: Path, tag: int, value: int) -> None:
    path = tmp_path / "book.tif"
    data = three_pages(path)
    struct.pack_into("<I" if tag == 273 else "<H", data, entry(data, directories(data)[1], tag), value)
    path.write_bytes(data)
    first, second, *rest = told(path)
    assert first == 10 and "damaged" in str(second)
    assert rest in ([30], []), "some damage hides where the next page lies"


def test_pages_behind_the_end_of_the_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "book.tif"
    data = three_pages(path)
    path.write_bytes(data[: directories(data)[1] + 9])
    first, *others = told(path)
    assert first == 10 and all("damaged" in str(other) for other in others)


def test_a_page_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)  # a limit of Pillow's that reading sets
    path = tmp_path / "book.tif"
    three_pages(path)
    found = [page for _, page in pages_in(path, max_pixels=900)]
    assert [isinstance(page, SightlineError) for page in found] == [False, False, True]
