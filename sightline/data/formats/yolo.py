"""YOLO: a text file an image, a row an object: class, then centre x, centre y, width, height as parts of the image.

    ROOT/data.yaml                                      path, train, val, test, names: as Ultralytics writes it
    ROOT/images[/train|val|test] + ROOT/labels[/…]      with or without one
    ROOT/{train,valid,test}/images + labels             as Roboflow writes it
    ROOT/*.jpg + *.txt + classes.txt                    as LabelImg writes it

Names come from data.yaml, classes.txt or obj.names; without them the numbers are the names. A row of a polygon gives
the box around it, a row of key points (data.yaml has kpt_shape) its box. Images without a text file are kept: nothing
is in there. Sizes are read from the images' heads; corners are rounded to a millionth of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.data.dataset import Dataset, printable
from sightline.data.formats._boxes import Example, Row, Troubles, add_row, as_dataset, clean
from sightline.data.formats._common import SPLIT_NAMES, is_file, is_folder, split_name
from sightline.data.formats._places import files_in, folders_in, split_of_folders
from sightline.data.formats._yolo_places import Config, label_folder, read_config, source_images, sources
from sightline.data.image import size_of

KINDS = ("boxes", "mask")
DECIMALS = 6
LOOKED_AT = 20
"""So many text files are looked at to see whether a folder holds rows."""
_YAML = (".yaml", ".yml")
_NO_LABELS = frozenset(("classes", "obj", "labels", "notes", "readme", "readme.dataset", "readme.roboflow"))
_NAMES = ("classes.txt", "obj.names", "data/obj.names", "labels/classes.txt")


def sniff(path: Path) -> bool:
    """Whether this is a data.yaml with names, or a folder with one, or with label files beside images."""
    if is_file(path):
        return path.suffix.lower() in _YAML and _is_config(path)
    if not is_folder(path):
        return False
    return any(map(_is_config, files_in(path, _YAML))) or any(map(_holds_rows, _label_folders(path)))


def load(path: Path, kind: str | None = None) -> Dataset:
    """All images of the sets that data.yaml or the folders name. Raises SightlineError where there are none.

    kind: `mask` for a label for each pixel, from polygons; else boxes.
    """
    if kind == "mask":
        from sightline.data.formats._yolo_masks import load_masks

        return load_masks(path)
    root = path.parent if is_file(path) else path
    config = config_of(path)
    troubles = Troubles()
    names = config.names if config and config.names else listed_names(root)
    reader = _Reader(root, names, bool(config and config.keypoints), troubles)
    examples: dict[tuple[Path, str], Example] = {}
    for source, split in sources(root, config, troubles):
        for image in source_images(source, troubles):
            known = split if split is not None else split_of_folders(image, root)
            if (image, known) not in examples:
                examples[image, known] = reader.example(image, known)
    note_orphans([image for image, _ in examples], root, troubles)
    found = [names[number] for number in sorted(names)]
    if not names:  # the numbers themselves, in their order
        found = sorted({row.label for example in examples.values() for row in example.rows}, key=int)
    return as_dataset([*examples.values()], troubles, path, root, "yolo", found)


@dataclass(frozen=True)
class _Reader:
    """Reads the label files of images. names: number to class, empty where the numbers are the names."""

    root: Path
    names: dict[int, str]
    keypoints: bool
    troubles: Troubles

    def example(self, image: Path, split: str) -> Example:
        """The image with its objects; none, and noted, where it has no label file."""
        example = Example(image, split)
        file = label_folder(image.parent) / f"{image.stem}.txt"
        if not is_file(file):
            self.troubles.add("no_annotation", self._shown(image))
            return example
        rows = list(self._rows(file))
        if not rows:
            return example
        try:
            width, height = size_of(image)
        except SightlineError:  # reading its pixels will fail too, and is counted there
            return example
        for where, number, (left, top, right, bottom) in rows:
            box = (left * width, top * height, right * width, bottom * height)
            corners = (
                round(box[0], DECIMALS),
                round(box[1], DECIMALS),
                round(box[2], DECIMALS),
                round(box[3], DECIMALS),
            )
            if self.names and number not in self.names:
                self.troubles.add("unknown_class", f"{where}: class {number}")
            else:
                add_row(example.rows, Row(self.names.get(number, str(number)), corners), where, self.troubles)
        return example

    def _rows(self, file: Path) -> Iterator[tuple[str, int, tuple[float, float, float, float]]]:
        """Where each row stands, its class and its corners as parts of the image."""
        try:
            lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        except OSError as error:
            self.troubles.add("broken_file", f"{self._shown(file)}: {error.strerror}")
            return
        for line, text in enumerate(lines, 1):
            if text.strip():
                where = f"{self._shown(file)}, line {line}"
                found = _row(text.split(), self.keypoints)
                if found is None:
                    self.troubles.add("strange_box", where)
                else:
                    yield where, *found

    def _shown(self, file: Path) -> str:
        return shown(file, self.root)


def _row(fields: list[str], keypoints: bool) -> tuple[int, tuple[float, float, float, float]] | None:
    """Class and corners; None for what is no row. Six numbers: the last is how sure a detector was."""
    try:
        number, *values = map(float, fields)
    except ValueError:
        return None
    if not 0 <= number < 1e9 or number != int(number):
        return None
    if len(values) in (4, 5) or (keypoints and len(values) > 4):
        x, y, width, height = values[:4]
        return int(number), (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if len(values) < 6 or len(values) % 2:
        return None
    if any(value != value for value in values):  # NaN hides from min and max
        nan = float("nan")
        return int(number), (nan, nan, nan, nan)
    return int(number), (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))


def config_of(path: Path) -> Config | None:
    """The data.yaml of a path. Raises SightlineError where it cannot be read."""
    if is_file(path):
        return read_config(path)
    files = files_in(path, _YAML)
    named = [file for file in files if file.stem.casefold() in ("data", "dataset")]
    found = [read_config(file) for file in named or files]
    return next((config for config in found if config.names or config.parts), None)


def _is_config(file: Path) -> bool:
    try:
        config = read_config(file)
    except SightlineError:
        return False
    return bool(config.named and config.parts)


def listed_names(root: Path) -> dict[int, str]:
    """Number to class from a list of names; empty where there is none. Raises SightlineError for one not in UTF-8."""
    for place in _NAMES:
        if is_file(root / place):
            try:
                text = (root / place).read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise SightlineError(
                    f"the list of classes cannot be read ({error})", str(root / place), "save it as UTF-8"
                ) from None
            names = [line.strip() for line in text.splitlines() if line.strip()]
            return {number: clean(name) for number, name in enumerate(names)}
    return {}


def _label_folders(root: Path) -> list[Path]:
    inside = [root / "labels", *folders_in(root / "labels")]
    inside += [folder / "labels" for folder in folders_in(root) if split_name(folder.name)]
    return [*inside, root] if any(is_file(root / name) for name in _NAMES) else inside


def note_orphans(images: list[Path], root: Path, troubles: Troubles) -> None:
    """Notes the label files beside these images whose own image is not there."""
    stems: dict[Path, set[str]] = {}
    for image in images:
        stems.setdefault(label_folder(image.parent), set()).add(image.stem)
    for folder, known in stems.items():
        for file in _label_files(folder):
            if file.stem not in known:
                troubles.add("absent_image", shown(file, root))


def shown(file: Path, root: Path) -> str:
    """A file as people read it: from the root where it lies below it."""
    return printable(str(file.relative_to(root) if file.is_relative_to(root) else file))


def _label_files(folder: Path) -> list[Path]:
    files = files_in(folder, [".txt"])
    return [file for file in files if file.stem.casefold() not in _NO_LABELS | {*SPLIT_NAMES}]


def _holds_rows(folder: Path) -> bool:
    """Whether the first text file that is not empty begins with a row."""
    for file in _label_files(folder)[:LOOKED_AT]:
        try:
            with file.open("rb") as stream:
                lines = stream.read(1 << 16).decode("utf-8", "replace").split("\n", 1)
        except OSError:
            continue
        if lines[0].strip():
            return _row(lines[0].split(), False) is not None
    return False
