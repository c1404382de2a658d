"""Pages with their lines: PAGE XML and ALTO XML beside the page images; each line is an example.

    ROOT/page.xml + ROOT/page.jpg                       flat, or under train/val/test

The page image is the one that the XML names (from its own folder or the one above), or the one of its own name.
Places are scaled where the XML was made from a larger image of the page, as ALTO in tenths of millimetres is. Lines
without text are left out and noted; so are XML files that are neither, or broken. Files with entity declarations are
refused: they can be made to fill the memory.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset
from sightline.data.formats._common import SPLIT_NAMES, Note, is_file, is_folder, natural_key, plural
from sightline.data.formats.folder import ignored, is_image
from sightline.data.image import SUFFIXES, size_of
from sightline.data.lines import CutImages, Line, Points, line_height

_HEAD = 4000
"""Bytes of a file that are looked at to see whether it is PAGE or ALTO."""
SAME_SIZE, SAME_SHAPE = 0.01, 0.02
"""By how much the size that a file tells may differ from that of its image, and the ratio of its sides."""


def sniff(path: Path) -> bool:
    """Whether this is a PAGE or ALTO file, or a folder with one in it."""
    if is_file(path):
        return path.suffix.lower() == ".xml" and _kind(path) != ""
    return is_folder(path) and bool(_files(path)[0])


def load(path: Path) -> Dataset:
    """All lines with a text. Raises SightlineError where there are none."""
    root = path.parent if is_file(path) else path
    lines: list[Line] = []
    texts: list[str] = []
    splits: list[str] = []
    files, broken = ([path], []) if is_file(path) else _files(path)
    silent: list[str] = []
    for file in files:
        try:
            found = list(_lines(file))
        except SightlineError as error:
            broken.append(f"{file.name}: {error.what}")
            continue
        split = SPLIT_NAMES.get(file.relative_to(root).parts[0].casefold(), "") if file.parent != root else ""
        for line, text in found:
            if text:
                lines.append(line)
                texts.append(text)
                splits.append(split)
            else:
                silent.append(f"{file.name}#{line.name}")
    if not lines:
        raise SightlineError("there is no line with a text in these pages", str(path), "; ".join(broken[:3]))
    notes: list[Note] = []
    if silent:
        notes.append(("empty_text", f"{plural(len(silent), 'line')} without a text left out", tuple(silent)))
    if broken:
        notes.append(("broken_xml", f"{plural(len(broken), 'XML file')} left out: {broken[0]}", tuple(broken)))
    return Dataset(
        images=CutImages(tuple(lines)),
        target="text",
        targets=np.array(texts, np.str_),
        splits=np.array(splits, "<U5"),
        # Lines of a page look alike: a page never straddles splits.
        groups=np.array([str(line.page) for line in lines], np.str_),
        name=str(path),
        format="pages",
        notes=tuple(notes),
    )


def _files(root: Path) -> tuple[list[Path], list[str]]:
    """The PAGE and ALTO files below `root`, and what is wrong with other XML files."""
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not ignored(name))
        found += [Path(folder) / name for name in files if name.lower().endswith(".xml") and not ignored(name)]
    found.sort(key=lambda file: natural_key(file.as_posix()))
    pages = {file: _kind(file) != "" for file in found}
    others = [f"{file.name}: this is neither PAGE nor ALTO" for file in found if not pages[file]]
    return [file for file in found if pages[file]], others


def _kind(path: Path) -> str:
    """`PcGts` or `alto`, the root's name; "" for anything else."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).replace(b"\0", b"")  # of UTF-16
    except OSError:
        return ""
    return "PcGts" if b"PcGts" in head else "alto" if b"<alto" in head or b":alto" in head else ""


def _lines(path: Path) -> Iterator[tuple[Line, str]]:
    """The lines of one file, in its order, with their texts. Raises SightlineError for what is no sound XML."""
    try:
        data = _decoded(path.read_bytes())
        declares = "<!ENTITY" in data if isinstance(data, str) else b"<!ENTITY" in data.replace(b"\0", b"")  # UTF-16
        if declares:
            raise SightlineError("the XML declares entities, which no page needs", str(path))
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise SightlineError(f"the XML is broken ({error})", str(path)) from None
    for element in root.iter():  # names without their namespaces, which change with every version
        element.tag = element.tag.rpartition("}")[2]
    read = _page_lines if root.tag == "PcGts" else _alto_lines
    page = _image(path, root)
    scale = _scale(root, page)
    found = [
        (None if polygon is None else polygon * scale, None if baseline is None else baseline * scale, text, name)
        for polygon, baseline, text, name in read(root)
    ]
    tall = line_height([baseline for _, baseline, _, _ in found if baseline is not None])
    for number, (polygon, baseline, text, name) in enumerate(found, 1):
        yield Line(page, polygon, baseline, name or str(number), tall), text


def _decoded(data: bytes) -> bytes | str:
    """XML in an encoding of several bytes a character, which the parser does not know, as text; else what it was."""
    declared = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["'][^>]*\?>""", data)
    if declared is None or declared[1].lower() in (b"utf-8", b"utf-16", b"us-ascii", b"iso-8859-1"):
        return data
    return data[declared.end() :].decode(declared[1].decode("ascii"))


def _scale(root: ET.Element, page: Path) -> Points:
    """(2,) pixels of the image in a unit of the file, along x and y: files are often made from a larger scan of the
    page. Raises SightlineError where the unit is none of pixels and the file does not say the size of the page."""
    unit = (root.findtext(".//MeasurementUnit") or "pixel").strip().lower()
    element = root.find(".//Page")
    keys = ("imageWidth", "imageHeight") if root.tag == "PcGts" else ("WIDTH", "HEIGHT")
    try:
        size = [float(_attribute(element, key)) for key in keys]
    except ValueError:
        size = [0.0, 0.0]
    known = min(size) > 0
    if unit != "pixel":
        if not known:
            raise SightlineError(
                f"the ALTO is in {unit}, and its Page has no WIDTH and HEIGHT to scale it by", str(page)
            )
        return np.array(size_of(page), np.float64) / size
    try:
        scale = np.array(size_of(page), np.float64) / size if known else np.ones(2)
    except SightlineError:  # told where the lines are read
        return np.ones(2)
    # Of another shape, it is the size of something else: a part of the page, or one that was turned.
    alike = abs(scale[0] / scale[1] - 1) < SAME_SHAPE
    return scale if alike and abs(scale[0] - 1) > SAME_SIZE else np.ones(2)


def _page_lines(root: ET.Element) -> Iterator[tuple[Points | None, Points | None, str, str]]:
    for line in root.iter("TextLine"):
        text = _reading(line) or " ".join(filter(None, map(_reading, line.iter("Word"))))
        yield _points(line.find("./Coords")), _points(line.find("./Baseline")), text, line.get("id", "")


def _reading(element: ET.Element) -> str:
    """The text of a line or word of PAGE: of several readings the one of the least index."""
    found = sorted(element.findall("./TextEquiv"), key=lambda one: _index(one.get("index", "")))
    return next((text for one in found if (text := (one.findtext("./Unicode") or "").strip())), "")


def _index(text: str) -> float:
    return int(text) if text.isdecimal() else -1


def _alto_lines(root: ET.Element) -> Iterator[tuple[Points | None, Points | None, str, str]]:
    for line in root.iter("TextLine"):
        words: list[str] = []
        for part in line.iter():
            if part.tag == "String":
                words.append(part.get("CONTENT", ""))
            elif part.tag == "HYP" and words:  # the hyphen at the end of the line stands in the image, too
                words[-1] += part.get("CONTENT", "")
        polygon = _numbers(_attribute(line.find("./Shape/Polygon"), "POINTS"))
        if polygon is None:
            try:
                x, y, w, h = (float(line.get(key, "")) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
                polygon = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
            except ValueError:
                polygon = None
        yield polygon, _numbers(line.get("BASELINE", "")), " ".join(filter(None, words)).strip(), line.get("ID", "")


def _attribute(element: ET.Element | None, name: str) -> str:
    return "" if element is None else element.get(name, "")


def _points(element: ET.Element | None) -> Points | None:
    if element is None:
        return None
    if element.get("points"):
        return _numbers(element.get("points", ""))
    pairs = [f"{point.get('x', '')} {point.get('y', '')}" for point in element.iter("Point")]  # PAGE of 2010
    return _numbers(" ".join(pairs))


def _numbers(text: str) -> Points | None:
    """(n, 2) from `x,y x,y` or `x y x y`; None where there are not at least two points."""
    try:
        values = np.array([float(part) for part in text.replace(",", " ").split()])
    except ValueError:
        return None
    return values.reshape(-1, 2) if len(values) >= 4 and len(values) % 2 == 0 and np.isfinite(values).all() else None


def _image(path: Path, root: ET.Element) -> Path:
    """The page image: the one named in the file where it is there, or the one of the file's own name."""
    page = root.find("./Page")
    named = page.get("imageFilename", "") if page is not None else root.findtext(".//fileName") or ""
    named = named.replace("\\", "/")
    above = path.parent.parent
    last = named.rpartition("/")[2]
    for place in (path.parent / last, path.parent / named, above / last, above / named):
        inside = above.resolve() in place.resolve().parents
        if named and inside and is_image(place.name) and is_file(place):
            return place
    stems = {path.stem, Path(path.stem).stem if is_image(path.stem) else path.stem}
    for folder in (path.parent, above, above / "images", path.parent / "images"):
        for stem in sorted(stems):
            for suffix in sorted(SUFFIXES):
                for candidate in (folder / f"{stem}{suffix}", folder / f"{stem}{suffix.upper()}"):
                    if is_file(candidate):
                        return candidate
    raise SightlineError(f"the page image {named or path.stem!r} is not there", str(path))
