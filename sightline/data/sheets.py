"""Files that hold several pages: TIFF with its frames, and PDF (the extra `pdf`)."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from sightline.core.errors import MissingExtra, SightlineError
from sightline.data.image import MAX_PIXELS, Pixels, read

PDF_DPI = 300
MOST_PAGES = 2000
SEVERAL = (".tif", ".tiff")
"""Suffixes of image files in which each frame is a page."""


def pages_in(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[str, Pixels | SightlineError]]:
    """Name and pixels of each page, or why it cannot be read: the file's own name, with `#2` … where it holds several.

    Raises SightlineError where the file as a whole, or its first frame, cannot be read.
    """
    if path.suffix.lower() == ".pdf":
        yield from _of_pdf(path, max_pixels)
    elif path.suffix.lower() in SEVERAL:
        yield from _of_tiff(path, max_pixels)
    else:
        yield str(path), read(path, max_pixels=max_pixels)


def _of_tiff(path: Path, max_pixels: int) -> Iterator[tuple[str, Pixels | SightlineError]]:
    first = read(path, max_pixels=max_pixels)  # everything that may be wrong with the file, and with its first frame
    with Image.open(path) as image:
        found, number = _turned(image, 1), 1
        yield (f"{path}#1" if found else str(path)), first
        while found and number < MOST_PAGES:
            number += 1
            if isinstance(found, SightlineError):
                yield f"{path}#{number}", found  # it alone knows where the next one lies
                return
            yield f"{path}#{number}", _attempted(lambda: image, max_pixels)
            found = _turned(image, number)


def _turned(image: Image.Image, place: int) -> bool | SightlineError:
    """Turns to a frame, from 0; False where there are no more, an error where it is damaged. To be asked for each once:
    the second time Pillow shows what came before the damage."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata: the pixels are what counts
            image.seek(place)
    except EOFError:
        return False
    except Exception as error:  # Pillow raises TypeError, SyntaxError, KeyError … for what it cannot make sense of
        return SightlineError(f"the page is damaged ({_short(error)})")
    return True


def _attempted(draw: Callable[[], Image.Image], max_pixels: int) -> Pixels | SightlineError:
    """The pixels of a page, or what is wrong with it: the pages behind it may be sound."""
    try:
        return read(draw(), max_pixels=max_pixels)
    except SightlineError as error:
        return error
    except Exception as error:  # Pillow and PDFium raise errors of many kinds for damaged data
        return SightlineError(f"the page is damaged ({_short(error)})")


def _short(error: Exception) -> str:
    return str(error)[:100] or type(error).__name__


def _of_pdf(path: Path, max_pixels: int) -> Iterator[tuple[str, Pixels | SightlineError]]:
    try:
        pypdfium2: Any = importlib.import_module("pypdfium2")
    except ImportError:
        raise MissingExtra("pypdfium2", "pdf", "reading PDF") from None
    try:
        document: Any = pypdfium2.PdfDocument(path)
    except Exception as error:
        raise SightlineError(f"this is no PDF, or a damaged one ({_short(error)})", str(path)) from None
    with document:
        for number in range(min(len(document), MOST_PAGES)):
            name = str(path) if len(document) == 1 else f"{path}#{number + 1}"
            yield name, _attempted(lambda number=number: _rendered(document, number, max_pixels), max_pixels)


def _rendered(document: Any, number: int, max_pixels: int) -> Image.Image:
    page, scale = document[number], PDF_DPI / 72
    if page.get_width() * page.get_height() * scale**2 > max_pixels:
        raise SightlineError(
            f"the page has more than {max_pixels:,} pixels at {PDF_DPI} dpi",
            fix="if it is genuine, allow it: --max-pixels N",
        )
    return page.render(scale=scale).to_pil()
