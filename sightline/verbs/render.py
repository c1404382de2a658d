"""render: synthetic lines of text, for readers that have too few real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.data.formats._common import plural
from sightline.data.typeset import drawn, fonts_in
from sightline.run.files import make_folder, write_text, write_whole

LONGEST = 400
"""Characters of a line; longer ones are left out: nobody prints them."""


@dataclass(frozen=True)
class RenderOptions:
    """Options of `render`."""

    fonts: Path | None = option(None, "folder of TrueType or OpenType fonts (default: the one that Pillow carries)")
    out: Path = option(Path("lines"), "folder for the lines: NAME.png and NAME.gt.txt")
    count: int | None = option(None, "lines in all (default: each line of the text once)", low=1)
    size: int = option(40, "size of the letters in px; each line is up to a fifth larger or smaller", low=8, high=400)
    seed: int = option(0, "seed of fonts, sizes, ink and paper", low=0, high=2**63 - 1)


@dataclass(frozen=True)
class Rendered:
    """What was written: how many lines, into which folder, by which fonts, and which texts no font could write."""

    count: int
    folder: Path
    fonts: int
    left_out: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"count": self.count, "out": str(self.folder), "fonts": self.fonts, "left_out": self.left_out}


def render(text: str | Path, **given: Any) -> Rendered:
    """Draws each line of a text file with fonts of chance; writes pairs of NAME.png and NAME.gt.txt.

    Raises SightlineError where there is no text, no font, or the folder holds something already.
    """
    options = resolve(RenderOptions, given)
    texts = _texts(Path(text))
    fonts = fonts_in(options.fonts)
    if options.out.is_dir() and any(options.out.iterdir()):
        raise SightlineError("the folder is not empty", str(options.out), "name another one: --out FOLDER")
    make_folder(options.out)
    count = options.count or len(texts)
    width = len(str(max(count - 1, 1)))
    left_out: list[str] = []
    written = 0
    for number in range(count):
        line = texts[number % len(texts)]
        random = np.random.Generator(np.random.Philox(key=[options.seed, number]))
        picture = drawn(line, fonts, options.size, random)
        if picture is None:
            left_out.append(line)
            continue
        stem = options.out / f"{number:0{width}d}"
        write_whole(stem.with_suffix(".png"), lambda file, picture=picture: picture.save(file, "PNG"))
        write_text(stem.with_suffix(".gt.txt"), line + "\n")
        written += 1
    if not written:
        raise SightlineError(
            "no font has the letters of this text", str(options.fonts or "the font that Pillow carries"),
            "name a folder with fonts of its script: --fonts DIR",
        )  # fmt: skip
    return Rendered(written, options.out, len(fonts), sorted(set(left_out)))


def _texts(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(f"the text cannot be read ({error})", str(path), "give a text file, UTF-8") from None
    found = [" ".join(line.split()) for line in lines if line.strip() and len(line) <= LONGEST]
    if not found:
        raise SightlineError("there is no line of text in this file", str(path))
    return found


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline render TEXT.txt`: how many lines were written, and what to type next."""
    from sightline.verbs.common import print_json, say

    if len(target) != 1:
        raise SightlineError(
            "render takes one text file", fix="type: sightline render TEXT.txt --fonts DIR --out lines"
        )
    found = render(target[0], **given)
    if as_json:
        print_json(found.to_dict())
        return 0
    if found.left_out:
        texts = plural(len(found.left_out), "text")
        say(f"! {texts} left out: no font has all the letters, the first: {found.left_out[0]}")
    print(f"{plural(found.count, 'line')} in {found.folder}, {plural(found.fonts, 'font')}")
    print(f"\nnext:\n  sightline train {found.folder}")
    return 0
