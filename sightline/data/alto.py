"""Writing ALTO XML, version 4: the lines of a page with their words, for archives and viewers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.data.lines import Points

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"


@dataclass(frozen=True)
class Word:
    """A word of a line: from where to where it stands, x in the page's pixels, and how sure it is, 0..1."""

    text: str
    left: float
    right: float
    confidence: float


Line = tuple[tuple[int, int, int, int], Points, Sequence[Word]]
"""Its box (left, top, right, bottom), its baseline, and its words."""


def to_alto(name: str, size: tuple[int, int], lines: Sequence[Line]) -> str:
    """The document. name: of the page image; size: its width and height."""
    root = ET.Element("alto", {"xmlns": NAMESPACE})
    description = ET.SubElement(root, "Description")
    ET.SubElement(description, "MeasurementUnit").text = "pixel"
    source = ET.SubElement(description, "sourceImageInformation")
    ET.SubElement(source, "fileName").text = _written(name)
    extent = {"WIDTH": str(size[0]), "HEIGHT": str(size[1])}
    page = ET.SubElement(ET.SubElement(root, "Layout"), "Page", {"ID": "page", "PHYSICAL_IMG_NR": "1", **extent})
    space = ET.SubElement(page, "PrintSpace", {"HPOS": "0", "VPOS": "0", **extent})
    block = ET.SubElement(space, "TextBlock", {"ID": "block", "HPOS": "0", "VPOS": "0", **extent})
    for number, (box, baseline, words) in enumerate(lines, 1):
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in baseline)
        line = ET.SubElement(block, "TextLine", {"ID": f"line{number}", "BASELINE": points, **_place(box)})
        for place, word in enumerate(words, 1):
            if place > 1:
                ET.SubElement(line, "SP")
            found = _place((round(word.left), box[1], round(word.right), box[3]))
            content = {"CONTENT": _written(word.text), "WC": f"{word.confidence:.3f}"}
            ET.SubElement(line, "String", {"ID": f"line{number}_{place}", **content, **found})
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _place(box: tuple[int, int, int, int]) -> dict[str, str]:
    left, top, right, bottom = box
    values = {"HPOS": left, "VPOS": top, "WIDTH": max(1, right - left), "HEIGHT": max(1, bottom - top)}
    return {key: str(value) for key, value in values.items()}


def _written(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or (ord(c) >= 0x20 and not 0xD800 <= ord(c) <= 0xDFFF))
