"""Files that hold several pages: TIFF with its frames, and PDF (the extra `pdf`)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageSequence

from sightline.core.errors import MissingExtra, SightlineError
from sightline.data.image import MAX_PIXELS, Pixels, read

PDF_DPI = 300
MOST_PAGES = 2000
SEVERAL = (".tif", ".tiff")
"""Suffixes of image files in which each frame is a page."""


def pages_in(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[str, Pixels]]:
    """Name and pixels of each page: the file's own name, with `#2` … where it holds several."""
    if path.suffix.lower() == ".pdf":
        yield from _of_pdf(path, max_pixels)
        return
    if path.suffix.lower() not in SEVERAL:
        yield str(path), read(path, max_pixels=max_pixels)
        return
    read(path, max_pixels=max_pixels)  # everything that may be wrong with the file, and with its first frame
    with Image.open(path) as image:
        frames = min(getattr(image, "n_frames", 1), MOST_PAGES)
        for number, frame in enumerate(ImageSequence.Iterator(image), 1):
            if number > frames:
                return
            yield (str(path) if frames == 1 else f"{path}#{number}"), read(frame.copy(), max_pixels=max_pixels)


def _of_pdf(path: Path, max_pixels: int) -> Iterator[tuple[str, Pixels]]:
    try:
        pypdfium2: Any = importlib.import_module("pypdfium2")
    except ImportError:
        raise MissingExtra("pypdfium2", "pdf", "reading PDF") from None
    try:
        document: Any = pypdfium2.PdfDocument(path)
    except Exception as error:
        raise SightlineError(f"this is no PDF, or a damaged one ({str(error)[:100]})", str(path)) from None
    with document:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            scale = PDF_DPI / 72
            if page.get_width() * page.get_height() * scale**2 > max_pixels:
                raise SightlineError(
                    f"page {number + 1} has more than {max_pixels:,} pixels at {PDF_DPI} dpi", str(path),
                    "if it is genuine, allow it: --max-pixels N",
                )  # fmt: skip
            pixels = read(page.render(scale=scale).to_pil(), max_pixels=max_pixels)
            yield (str(path) if len(document) == 1 else f"{path}#{number + 1}"), pixels
