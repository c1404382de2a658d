"""A tiny data set for each task, drawn here; and what the contract says of the task's targets and outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from support import CLASSES, SIDE, pictures, save_image, write_folder, write_table

from sightline.core.boxes import Boxes
from sightline.data.masks import MaskArray, MaskKey
from sightline.tables import NETWORKS, TASKS

COLOURS = {"circle": (230, 40, 40), "cross": (40, 220, 60), "square": (60, 80, 240)}


def several(seed: int) -> tuple[np.ndarray, str]:
    """(16, 16, 3) uint8 with none to three coloured patches at places of chance, and their names as `a;b`."""
    random = np.random.default_rng([seed, 7])
    pixels = random.integers(0, 40, (SIDE, SIDE, 3))
    names = [name for place, name in enumerate(CLASSES) if seed % 8 >> place & 1]
    for name in names:
        top, left = random.integers(0, SIDE - 5, 2)
        pixels[top : top + 5, left : left + 5] = np.array(COLOURS[name]) + random.integers(-20, 20, 3)
    return np.clip(pixels, 0, 255).astype(np.uint8), ";".join(names)


def severals(count: int = 96, first: int = 0) -> tuple[np.ndarray, list[list[str]]]:
    """Images and the lists of their names, as Python users hold them."""
    pairs = [several(first + i) for i in range(count)]
    return np.stack([pixels for pixels, _ in pairs]), [[n for n in text.split(";") if n] for _, text in pairs]


def write_several(root: Path, count: int = 96, first: int = 0) -> Path:
    """A table `image,label` whose labels are `a;b`, or empty."""
    rows = [(f"{i:03d}.png", *several(first + i)) for i in range(count)]
    return write_table(root, [{"image": name, "pixels": pixels, "label": text} for name, pixels, text in rows])


def dots(seed: int) -> tuple[np.ndarray, float]:
    """(16, 16, 3) uint8 with none to nine white dots at places of chance, and half a gram for each."""
    random = np.random.default_rng([seed, 11])
    pixels = random.integers(0, 40, (SIDE, SIDE, 3)).astype(np.uint8)
    count = seed * 7 % 10
    for place in random.permutation(25)[:count]:
        top, left = 3 * (place // 5), 3 * (place % 5)
        pixels[top : top + 2, left : left + 2] = 230
    return pixels, 0.5 * count


def dotted(count: int = 96, first: int = 0) -> tuple[np.ndarray, list[float]]:
    """Images and their numbers."""
    pairs = [dots(first + i) for i in range(count)]
    return np.stack([pixels for pixels, _ in pairs]), [value for _, value in pairs]


def write_dotted(root: Path, count: int = 96, first: int = 0) -> Path:
    """A table `image,value`."""
    rows = [(f"{i:03d}.png", *dots(first + i)) for i in range(count)]
    table = [{"image": name, "pixels": pixels, "value": value} for name, pixels, value in rows]
    return write_table(root, table, ("image", "value"))


LETTERS = "abc"


def written(seed: int) -> tuple[np.ndarray, str]:
    """(16, 64, 3) uint8 with two to four letters of three kinds (a full, a left and a lower half block) on paper."""
    random = np.random.default_rng([seed, 13])
    text = "".join(random.choice(list(LETTERS), 2 + seed % 3))
    pixels = random.integers(215, 250, (SIDE, 64, 3))
    for place, letter in enumerate(text):
        left = 2 + 16 * place + int(random.integers(0, 3))
        top, right = {"a": (3, 9), "b": (3, 4), "c": (9, 9)}[letter]
        pixels[top:13, left : left + right] = random.integers(10, 60)
    return pixels.astype(np.uint8), text


def lines_of_text(count: int = 96, first: int = 0) -> tuple[np.ndarray, list[str]]:
    """Images and their texts."""
    pairs = [written(first + i) for i in range(count)]
    return np.stack([pixels for pixels, _ in pairs]), [text for _, text in pairs]


def write_lines(root: Path, count: int = 96, first: int = 0) -> Path:
    """A folder of NAME.png and NAME.gt.txt."""
    for place, (pixels, text) in enumerate(zip(*lines_of_text(count, first), strict=True)):
        save_image(root / f"{place:03d}.png", pixels)
        (root / f"{place:03d}.gt.txt").write_text(text + "\n", encoding="utf-8")
    return root


def scattered(seed: int) -> tuple[np.ndarray, Boxes]:
    """(32, 32, 3) uint8 with none to three coloured squares at places of chance, and their boxes."""
    random = np.random.default_rng([seed, 17])
    pixels = random.integers(0, 40, (32, 32, 3))
    corners: list[list[int]] = []
    labels: list[str] = []
    for name in random.permutation(CLASSES)[: (seed + 3) % 4].tolist():
        side = int(random.integers(8, 13))
        left, top = (int(v) for v in random.integers(0, 33 - side, 2))
        box = [left, top, left + side, top + side]
        if any(min(box[2], c[2]) > max(box[0], c[0]) and min(box[3], c[3]) > max(box[1], c[1]) for c in corners):
            continue
        pixels[top : top + side, left : left + side] = np.array(COLOURS[name]) + random.integers(-20, 20, 3)
        corners.append(box)
        labels.append(name)
    return np.clip(pixels, 0, 255).astype(np.uint8), Boxes(np.array(corners, np.float64).reshape(-1, 4), tuple(labels))


def boxed(count: int = 96, first: int = 0) -> tuple[np.ndarray, list[Boxes]]:
    """Images and their boxes."""
    pairs = [scattered(first + i) for i in range(count)]
    return np.stack([pixels for pixels, _ in pairs]), [boxes for _, boxes in pairs]


def write_boxed(root: Path, count: int = 96, first: int = 0) -> Path:
    """Pascal VOC: JPEGImages/NAME.png and Annotations/NAME.xml."""
    (root / "Annotations").mkdir(parents=True)
    for place, (pixels, boxes) in enumerate(zip(*boxed(count, first), strict=True)):
        save_image(root / "JPEGImages" / f"{place:03d}.png", pixels)
        objects = "".join(
            f"<object><name>{label}</name><bndbox>"
            + "".join(f"<{key}>{value:.0f}</{key}>" for key, value in zip(SIDES, corners, strict=True))
            + "</bndbox></object>"
            for label, corners in zip(boxes.labels, boxes.corners.tolist(), strict=True)
        )
        xml = f"<annotation><filename>{place:03d}.png</filename>{objects}</annotation>"
        (root / "Annotations" / f"{place:03d}.xml").write_text(xml, encoding="utf-8")
    return root


SIDES = ("xmin", "ymin", "xmax", "ymax")


def some_boxes(count: int) -> dict[str, np.ndarray]:
    """What a detector's graph gives: 20 candidates an image."""
    random = np.random.default_rng(0)
    low = random.uniform(0, 0.6, (count, 20, 2))
    boxes = np.concatenate([low, low + random.uniform(0.1, 0.4, (count, 20, 2))], 2)
    labels, scores = random.integers(0, 3, (count, 20)), np.sort(random.uniform(0.05, 0.95, (count, 20)))[:, ::-1]
    return {
        name: np.ascontiguousarray(v, np.float32)
        for name, v in (("boxes", boxes), ("scores", scores), ("labels", labels))
    }


def masked(count: int = 96, first: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """The same images, and of each pixel the number of its square, 0 for none; the last row is ignored."""
    images, boxes = boxed(count, first)
    masks = []
    for one in boxes:
        mask = np.zeros((32, 32), np.uint8)
        for (left, top, right, low), name in zip(one.corners.astype(int).tolist(), one.labels, strict=True):
            mask[top:low, left:right] = 1 + CLASSES.index(name)
        mask[-1] = 255
        masks.append(mask)
    return images, masks


def write_masked(root: Path, count: int = 96, first: int = 0) -> Path:
    """images/NAME.png and masks/NAME.png."""
    for place, (pixels, mask) in enumerate(zip(*masked(count, first), strict=True)):
        save_image(root / "images" / f"{place:03d}.png", pixels)
        save_image(root / "masks" / f"{place:03d}.png", mask[..., None])
    return root


@dataclass(frozen=True)
class Tiny:
    """write: data on disk, in a folder; arrays: (images, targets) in Python; both may begin at another image.

    encoded: key to (dtype, shape) of an encoded target; outputs: of the graph for n images; unknown: a target that no
    model knows, and what the error says; good: the metric that a training of `epochs` reaches; network: a quick one and
    its side.
    """

    write: Callable[..., Path]
    arrays: Callable[..., tuple[np.ndarray, list[Any]]]
    encoded: dict[str, tuple[str, tuple[int, ...]]]
    outputs: Callable[[int], dict[str, np.ndarray]]
    unknown: tuple[Any, str]
    good: float
    network: tuple[str, int] = ("cnn", SIDE)
    epochs: int = 8


def _folder(root: Path, first: int = 0) -> Path:
    return write_folder(root, first=first)


TINY: dict[str, Tiny] = {
    "classify": Tiny(
        _folder,
        lambda first=0: pictures(first=first),
        {"label": ("int64", ())},
        lambda n: {"probabilities": np.full((n, 3), 1 / 3, np.float32)},
        ("a class that nobody named", "a class that nobody named"),
        2 / 3,
    ),
    "multilabel": Tiny(
        lambda root, first=0: write_several(root, first=first),
        lambda first=0: severals(first=first),
        {"labels": ("float32", (3,))},
        lambda n: {"probabilities": np.random.default_rng(0).uniform(0.2, 0.8, (n, 3)).astype(np.float32)},
        ("a class that nobody named", "a class that nobody named"),
        0.7,
    ),
    "regress": Tiny(
        lambda root, first=0: write_dotted(root, first=first),
        lambda first=0: dotted(first=first),
        {"value": ("float32", ())},
        lambda n: {"value": np.random.default_rng(0).uniform(0, 5, n).astype(np.float32)},
        (float("nan"), "the value nan is not a finite number"),
        0.5,
    ),
    "detect": Tiny(
        lambda root, first=0: write_boxed(root, first=first),
        lambda first=0: boxed(first=first),
        {"boxes": ("float32", ()), "classes": ("int64", ())},
        some_boxes,
        (Boxes(np.array([[1.0, 1, 9, 9]]), ("a class that nobody named",)), "a class that nobody named"),
        0.3,
        ("auto", 32),
        60,
    ),
    "segment": Tiny(
        lambda root, first=0: write_masked(root, first=first),
        lambda first=0: masked(first=first),
        {"mask": ("uint8", (32, 32))},
        lambda n: {"probabilities": np.random.default_rng(0).dirichlet(np.ones(4), (n, 16, 16)).transpose(0, 3, 1, 2)},
        (MaskArray(np.zeros((32, 32), np.uint8), MaskKey.of(("nobody named it",), {0: 0}), "x"), "nobody named it"),
        0.5,
        ("auto", 32),
        20,
    ),
    "read": Tiny(
        lambda root, first=0: write_lines(root, first=first),
        lambda first=0: lines_of_text(first=first),
        {"text": ("int64", ())},
        lambda n: {"probabilities": np.random.default_rng(0).dirichlet(np.ones(4), (n, 20)).astype(np.float32)},
        ("%" * 30, "the character '%' is not among the model's characters"),
        0.5,
        ("crnn", SIDE),
        40,
    ),
}

EXAMPLE = {"timm": "timm/test_resnet", "smp": "smp/unet/resnet18"}
FIRST = {network.place: task for task in reversed(TASKS) for network in NETWORKS[task].values()}
"""Of several tasks that share a network, the first tries it; each of the others tries `auto` too."""
CELLS = [
    (task, EXAMPLE.get(name, name))
    for task in TASKS
    for name, network in NETWORKS[task].items()
    if (FIRST[network.place] == task or name == "auto") and name != "small"
]
"""(task, network) of the contract suite; `small` is `auto` with fewer channels, and learns from a teacher there."""
