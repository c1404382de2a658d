"""Near duplicates: copies of every tenth image, changed a little, hidden among the others.

Of each kind: the share found as a copy of its original by `sightline check --json`; and the share of unchanged
images that are called nearly the same as another one. Beside it the usual way, pHash of imagehash within 6 bits, in an
environment of its own.

Two images that a data set itself holds twice count as false here: what is printed is the most that can be wrong.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import SIGHTLINE, data, last_json, row, timed, title
from peers import environment
from PIL import Image, ImageEnhance

from sightline.data.formats import open_data
from sightline.data.image import read

EVERY = 10


def jpeg(image: Image.Image, chance: random.Random) -> Image.Image:
    """Saved anew at quality 75."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=75)
    return Image.open(io.BytesIO(stream.getvalue()))


def size(image: Image.Image, chance: random.Random) -> Image.Image:
    """A tenth larger or smaller."""
    factor = chance.choice((0.9, 1.1))
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC)


def crop(image: Image.Image, chance: random.Random) -> Image.Image:
    """2 % of each side gone: at one edge, half at either, or 2 % at both, and brought to the old size."""
    before, after = chance.choice(((0.02, 0.0), (0.0, 0.02), (0.01, 0.01), (0.02, 0.02)))
    above, below = chance.choice(((0.02, 0.0), (0.0, 0.02))) if before != after else (before, after)
    wide, high = image.size
    box = (before * wide, above * high, (1 - after) * wide, (1 - below) * high)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=box)


def pixels(image: Image.Image, chance: random.Random) -> Image.Image:
    """2 % of each side, in whole pixels and at least one, cut off around, and not brought to the old size."""
    wide, high = max(1, round(0.02 * image.width)), max(1, round(0.02 * image.height))
    return image.crop((wide, high, image.width - wide, image.height - high))


def brightness(image: Image.Image, chance: random.Random) -> Image.Image:
    """A tenth brighter or darker."""
    return ImageEnhance.Brightness(image).enhance(chance.choice((0.9, 1.1)))


KINDS: tuple[Callable[[Image.Image, random.Random], Image.Image], ...] = (jpeg, size, crop, pixels, brightness)


def write(name: str, kind: Callable[[Image.Image, random.Random], Image.Image], count: int, folder: Path) -> None:
    """`count` images of a data set, and beside every tenth its changed copy, named after it."""
    dataset = open_data(data(name))
    chance = random.Random(0)
    places = sorted(chance.sample(range(len(dataset)), min(count, len(dataset))))
    for number, place in enumerate(places):
        pixels = read(dataset.images.load(place))
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        image.save(folder / f"{number:06d}.png")
        if number % EVERY == 0:
            kind(image, chance).save(folder / f"{number:06d}-copy.png")


def ours(folder: Path) -> list[list[str]]:
    """Groups of names that `check` calls equal or nearly so."""
    table = folder.with_suffix(".csv")
    names = sorted(p.name for p in folder.iterdir())
    table.write_text("image,label\n" + "".join(f"{folder.name}/{n},{'ab'[i % 2]}\n" for i, n in enumerate(names)))
    _, out = timed([*SIGHTLINE, "check", table, "--json"])
    codes = ("duplicate", "leak", "conflicting_labels", "near_duplicate", "near_leak", "near_conflict")
    found = [finding for finding in last_json(out)["findings"] if finding["code"] in codes]
    return [[names[place] for place in line["images"]] for finding in found for line in finding["rows"]]


def theirs(python: Path, folder: Path) -> list[list[str]]:
    """Pairs of names."""
    _, out = timed([python, Path(__file__).with_name("peer_phash.py"), folder])
    return last_json(out)["pairs"]


def score(groups: list[list[str]], count: int) -> tuple[float, float]:
    """(share of the copies that are found with their original, share of the originals found with another original)."""
    found, false = set[str](), set[str]()
    for group in groups:
        own = {name.split(".")[0].split("-")[0] for name in group}
        found |= {name[:6] for name in group if "-copy" in name and f"{name[:6]}.png" in group}
        false |= own if len(own) > 1 else set()
    return len(found) / len(range(0, count, EVERY)), len(false) / count


def main() -> None:
    """Prints a row a kind for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", default=["mnist", "cifar10/train.zip"])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--kinds", nargs="*", default=[kind.__name__ for kind in KINDS])
    parser.add_argument("--ours-only", action="store_true")
    options = parser.parse_args()
    python = None if options.ours_only else environment("imagehash", ["imagehash"])
    for name in options.data:
        title(f"near duplicates planted in {options.count:,} images of {name}", ("numpy", "pillow"))
        for kind in KINDS:
            if kind.__name__ not in options.kinds:
                continue
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary) / "images"
                folder.mkdir()
                write(name, kind, options.count, folder)
                results = {"ours": ours(folder)} | ({"pHash": theirs(python, folder)} if python else {})
            told = [
                f"{who} found {100 * found:.1f} %, false {100 * false:.2f} %"
                for who, (found, false) in ((who, score(groups, options.count)) for who, groups in results.items())
            ]
            row(kind.__name__, *told)


if __name__ == "__main__":
    main()
