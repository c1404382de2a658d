"""Pascal VOC: one XML file an image, with its objects and their boxes.

    ROOT/Annotations/*.xml + ROOT/JPEGImages/*.jpg      with the splits of ROOT/ImageSets/Main/{train,val,test}.txt
    ROOT/{train,val,test}/Annotations + JPEGImages      or in any folders, also XML files beside their images

The image is the one of the XML's own name, or the one that it names. Corners are taken as they stand, xmin as left and
xmax as right edge, as LabelImg, CVAT and most readers mean them. Objects that are `difficult` are hard: neither found
nor missed. An image without XML beside others that have one is kept: nothing is in there. Where ImageSets/Main lists
images, others are left out (`default.txt` lists those of no split). XML with entity declarations is refused.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, printable
from sightline.data.formats._boxes import Example, Row, Troubles, add_row, as_dataset, clean
from sightline.data.formats._common import SPLIT_NAMES, is_file, is_folder, natural_key
from sightline.data.formats._places import Pictures, files_below, files_in, folders_in, split_of_folders
from sightline.data.image import SUFFIXES

KINDS = ("boxes",)
TRAINVAL = "trainval"
_HEAD = 4000
"""Bytes of a file that are looked at to see whether it is VOC."""
_SIDES = ("xmin", "ymin", "xmax", "ymax")
IMAGE_FOLDERS = ("JPEGImages", "images", "Images")


def sniff(path: Path) -> bool:
    """Whether this is such a file, or a folder with one in it, at most three folders deep."""
    if is_file(path):
        return path.suffix.lower() == ".xml" and _looks(path)
    if not is_folder(path):
        return False
    inside = [path, *folders_in(path)]
    inside += [deeper for folder in inside[1:] for deeper in folders_in(folder)]
    inside += [folder / "Annotations" for folder in inside]  # as in ROOT/VOCdevkit/VOC2012/Annotations
    return any(_looks(file) for folder in inside for file in files_in(folder, [".xml"])[:1])


def load(path: Path, kind: str | None = None) -> Dataset:
    """All images with an XML, and those beside them without. Raises SightlineError where there are none."""
    alone = is_file(path)
    root = path.parent if alone else path
    troubles = Troubles()
    examples: list[Example] = []
    broken: set[str] = set()
    for file in [path] if alone else files_below(root, [".xml"]):
        if not alone and not _looks(file):
            continue
        try:
            example = _example(file, root, troubles)
        except SightlineError as error:
            if alone:
                raise
            troubles.add("broken_file", f"{_shown(file, root)}: {error.what}")
            broken.add(file.stem)
            continue
        if example:
            examples.append(example)
    if not alone:
        examples = _with_negatives(examples, broken, root, troubles)
        examples = _listed(examples, root, troubles)
    return as_dataset(examples, troubles, path, root, "voc")


def _looks(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    return b"<annotation" in head and b"<PcGts" not in head


def _example(file: Path, root: Path, troubles: Troubles) -> Example | None:
    """The image of one XML with its objects; None, and noted, where it is not there. Raises SightlineError."""
    tree = _tree(file)
    image = _image(file, tree.findtext("filename") or "", root)
    if image is None:
        troubles.add("absent_image", _shown(file, root))
        return None
    example = Example(image, split_of_folders(file, root))
    for number, thing in enumerate(tree.iter("object"), 1):
        where = f"{_shown(file, root)}, object {number}"
        corners = _corners(thing.find("bndbox"))
        if corners is None:
            troubles.add("strange_box", where)
            continue
        label = clean((thing.findtext("name") or "").strip())
        hard = (thing.findtext("difficult") or "").strip().casefold() in ("1", "true")
        add_row(example.rows, Row(label, corners, hard), where, troubles)
    return example


def _tree(file: Path) -> ET.Element:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SightlineError(f"the XML cannot be read ({error.strerror})", str(file)) from None
    # In any encoding: UTF-16 puts zeros between the letters.
    if b"<!ENTITY" in data.replace(b"\0", b""):
        raise SightlineError("the XML declares entities, which no annotation needs", str(file))
    try:
        tree = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise SightlineError(f"the XML is broken ({error})", str(file), "export it again") from None
    if tree.tag != "annotation":
        raise SightlineError(f"the XML is no annotation but <{tree.tag}>"[:100], str(file))
    return tree


def _corners(box: ET.Element | None) -> tuple[float, float, float, float] | None:
    if box is None:
        return None
    try:
        left, top, right, bottom = (float(box.findtext(side) or "") for side in _SIDES)
    except ValueError:
        return None
    return left, top, right, bottom


def _image(file: Path, named: str, root: Path) -> Path | None:
    """The image of the XML's own name, since copied files keep the old one inside; else the one that it names."""
    folders = [file.parent, *(file.parent.parent / name for name in IMAGE_FOLDERS)]
    folders += [file.parent / name for name in IMAGE_FOLDERS]
    suffixes = [Path(named.replace("\\", "/")).suffix, *sorted(SUFFIXES), *(s.upper() for s in sorted(SUFFIXES))]
    for folder in filter(is_folder, folders):
        for suffix in filter(None, suffixes):
            if suffix.lower() in SUFFIXES and is_file(folder / (file.stem + suffix)):
                return folder / (file.stem + suffix)
    return Pictures([folder for folder in folders if is_folder(folder)], root).find(named) if named else None


def _with_negatives(examples: list[Example], broken: set[str], root: Path, troubles: Troubles) -> list[Example]:
    """And the images that lie in the same folders without an XML (a broken one says nothing), in natural order."""
    seen = {example.path for example in examples}
    folders = {path.parent for path in seen}
    for image in (image for folder in folders for image in files_in(folder)):
        if image not in seen and image.stem not in broken:
            troubles.add("no_annotation", _shown(image, root))
            examples.append(Example(image, split_of_folders(image, root)))
    return sorted(examples, key=lambda example: natural_key(example.path.relative_to(root).as_posix()))


def _listed(examples: list[Example], root: Path, troubles: Troubles) -> list[Example]:
    """With the splits of ImageSets/Main, where there are any; TRAINVAL is train where neither has a list of its own."""
    splits: dict[tuple[Path, str], str] = {}
    for base in sorted({example.path.parent.parent for example in examples}):
        lists = files_in(base / "ImageSets" / "Main", [".txt"])
        apart = any(SPLIT_NAMES.get(file.stem.casefold()) in ("train", "val") for file in lists)
        for file in lists:
            name = file.stem.casefold()
            split = "" if name == "default" else "train" if name == TRAINVAL and not apart else SPLIT_NAMES.get(name)
            for stem in _lines(file) if split is not None else ():
                if splits.setdefault((base, stem), split or "") != split:
                    raise SightlineError(f"{stem!r} stands in two splits"[:200], str(file), "keep it in one of them")
    if not splits:
        return examples
    found: list[Example] = []
    for example in examples:
        key = (example.path.parent.parent, example.path.stem)
        if key in splits:
            found.append(Example(example.path, splits[key], example.rows))
        else:
            troubles.add("outside_splits", _shown(example.path, root))
    return found


def _lines(file: Path) -> Iterator[str]:
    """The names in a list; a number after the name is VOC's own, of lists for one class."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(f"the list cannot be read ({error})", str(file), "save it as UTF-8") from None
    return (line.strip() for line in text.splitlines() if line.strip())


def _shown(file: Path, root: Path) -> str:
    return printable(file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file))
