"""Near duplicates: planted ones are found, others are not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from sightline.data import alike
from sightline.data.alike import near_duplicates, thumbnail
from sightline.data.formats import open_data
from sightline.data.image import read
from sightline.data.spectra import Spectra

COUNT = 120


def photo(seed: int, size: tuple[int, int] = (96, 72), grey: bool = False) -> Image.Image:
    """Overlapping blobs and edges of all scales: as unlike each other as photographs are."""
    random = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    plane = np.full((height, width, 3), random.uniform(60, 200, 3))
    for _ in range(14):
        cx, cy, radius = random.uniform(0, 1, 3) * (1, 1, 0.3)
        inside = ((x - cx) ** 2 + ((y - cy) * random.uniform(0.5, 2)) ** 2) < radius**2
        plane[inside] = random.uniform(20, 225, 3)
    plane += random.normal(0, 4, plane.shape)
    image = Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8))
    return image.convert("L") if grey else image


def saved_as_jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=75)
    return Image.open(io.BytesIO(file.getvalue()))


def scaled(factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(share: float, corner: bool = False) -> Callable[[Image.Image], Image.Image]:
    def crop(image: Image.Image) -> Image.Image:
        x, y = max(1, round(image.width * share)), max(1, round(image.height * share))
        return image.crop((x, y, image.width - (0 if corner else x), image.height - (0 if corner else y)))

    return crop


def lit(factor: float, offset: float = 0) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.point(lambda value: min(255, max(0, value * factor + offset)))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg": saved_as_jpeg,
    "smaller": scaled(0.9),
    "larger": scaled(1.1),
    "cropped": cropped(0.02),
    "cropped by half of it": cropped(0.01),
    "corner": cropped(0.02, corner=True),
    "brighter": lit(1.1),
    "darker": lit(1, -12),
    "several": lambda image: saved_as_jpeg(lit(1.05)(cropped(0.02)(scaled(0.9)(image)))),
}


def seen(images: list[Image.Image]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    looks = [thumbnail(read(image)) for image in images]
    sizes = np.array([image.size for image in images], np.int32)
    return np.stack([one["grey"] for one in looks]), np.stack([one["colour"] for one in looks]), sizes


def found(images: list[Image.Image], crops: bool = True) -> set[tuple[int, int]]:
    return set(map(tuple, near_duplicates(*seen(images), crops).places.tolist()))


# Of small images, half of a hundredth is less than a pixel, and several changes at once are more than one.
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (kind, change)
        for kind in ("photo", "grey 28 px", "colour 32 px")
        for change in CHANGES
        if kind == "photo" or change not in ("cropped by half of it", "several")
    ],
)
def test_planted_ones_are_found_and_nothing_else(kind: str, change: str) -> None:
    size, grey = {"photo": ((96, 72), False), "grey 28 px": ((28, 28), True), "colour 32 px": ((32, 32), False)}[kind]
    images = [photo(seed, size, grey) for seed in range(COUNT)]
    pairs = found(images + [CHANGES[change](image) for image in images])
    planted = {(place, place + COUNT) for place in range(COUNT)}
    assert len(planted & pairs) >= 0.95 * COUNT
    assert not pairs - planted


@pytest.mark.parametrize("change", ["jpeg", "smaller", "brighter"])
def test_without_crops_the_rest_is_found_as_well(change: str) -> None:
    images = [photo(seed) for seed in range(COUNT)]
    pairs = found(images + [CHANGES[change](image) for image in images], crops=False)
    assert len(pairs & {(place, place + COUNT) for place in range(COUNT)}) >= 0.95 * COUNT


def test_handwritten_digits_are_no_copies_of_each_other() -> None:
    dataset = open_data("digits")
    pairs = found([Image.fromarray(dataset.images.load(i).squeeze()) for i in range(len(dataset))])
    assert len(pairs) <= 2


def test_other_colours_and_other_proportions_are_other_images() -> None:
    image = photo(0)
    blue = Image.merge("RGB", image.split()[::-1])
    wide = image.resize((192, 72))
    others = [photo(seed) for seed in range(1, 20)]
    assert found([image, blue, wide, *others]) == set()
    assert found([image, image.copy(), *others]) == {(0, 1)}


def test_blank_images_are_like_nothing() -> None:
    blank = [Image.new("RGB", (40, 40), (shade, shade, shade)) for shade in (0, 100, 101, 255)]
    assert found([*blank, photo(1), photo(2)]) == set()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_images_are_enough(count: int) -> None:
    images = [photo(0), saved_as_jpeg(photo(0)), photo(1)][:count]
    empty = (np.zeros((0, 32, 32), np.uint8), np.zeros((0, 8, 8, 2), np.uint8), np.zeros((0, 2), np.int32))
    pairs = near_duplicates(*(seen(images) if images else empty))
    assert pairs.places.tolist() == ([[0, 1]] if count >= 2 else [])
    assert pairs.places.shape == (len(pairs.distance), 2)


def test_the_same_images_give_the_same_pairs_in_any_order() -> None:
    images = [photo(seed) for seed in range(40)] + [CHANGES["jpeg"](photo(seed)) for seed in range(40)]
    order = np.random.default_rng(0).permutation(len(images))
    first = found(images)
    again = {tuple(sorted(order[list(pair)].tolist())) for pair in found([images[i] for i in order])}
    assert first == again and len(first) == 40


def test_a_great_heap_of_alike_images_stays_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of frames of one scene: the candidates are bounded by the window, not by the square."""
    random = np.random.default_rng(0)
    scene = np.asarray(photo(3, (32, 32), True), np.float64)
    grey = np.clip(scene + random.normal(0, 2, (3000, 32, 32)), 0, 255).astype(np.uint8)
    looked: list[int] = []
    whole = Spectra.distance
    monkeypatch.setattr(
        Spectra, "distance", lambda self, first, *rest: looked.append(len(first)) or whole(self, first, *rest)
    )
    pairs = near_duplicates(grey, np.full((3000, 8, 8, 2), 128, np.uint8), np.full((3000, 2), 32, np.int32), False)
    assert looked[0] <= 3000 * 2 * alike.WINDOW * alike.TABLES
    assert len(np.unique(pairs.places)) == 3000
