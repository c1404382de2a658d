"""Joins pictures side by side, as the manual shows them: python docs/join_pictures.py OUT.png PICTURE…"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

GAP = 8


def main(out: Path, paths: list[Path], columns: int = 6) -> None:
    """Writes `out`: the pictures in rows of at most `columns`, on nothing."""
    pictures = [Image.open(path).convert("RGBA") for path in paths]
    wide, high = max(p.width for p in pictures), max(p.height for p in pictures)
    rows = -(-len(pictures) // columns)
    canvas = Image.new("RGBA", (min(columns, len(pictures)) * (wide + GAP) - GAP, rows * (high + GAP) - GAP))
    for place, picture in enumerate(pictures):
        canvas.paste(picture, (place % columns * (wide + GAP), place // columns * (high + GAP)))
    few_colours = canvas.quantize(255, Image.Quantize.FASTOCTREE)
    few_colours.save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
