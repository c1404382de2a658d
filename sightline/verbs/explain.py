"""explain: what in an image an answer rests on, and how far that can be trusted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.core.task import Size
from sightline.data.dataset import Dataset
from sightline.data.formats import open_data
from sightline.data.image import MAX_PIXELS, Pixels, read, read_sized
from sightline.explain.explainer import Explainer, Explanation
from sightline.explain.nearest import Neighbour
from sightline.explain.picture import gallery
from sightline.run.bundle import Bundle, open_bundle
from sightline.run.files import make_folder, write_text, write_whole
from sightline.tables import EXPLAINERS
from sightline.verbs.common import print_json, say, task_named
from sightline.verbs.sources import gather

METHODS = ("auto", *EXPLAINERS)
OUT = Path("runs/explain")


@dataclass(frozen=True)
class ExplainOptions:
    """Options of `explain`."""

    method: str | None = option(None, "how (default: auto, the best that the bundle permits)", choices=METHODS)
    label: str | None = option(None, "explain this label (default: the model's answer)")
    item: int | None = option(None, "explain the N-th answer as `predict` lists them, counted from 1")
    layer: str | None = option(None, "the layer that gradcam and activations look at (default: the last feature maps)")
    nearest: int | None = option(
        None,
        "instead of a map, the N training images most like it to the network (5 where no number is given); the bundle "
        "must have been trained with --memory",
        low=1,
        bare="5",
    )
    data: Path | None = option(None, "the training data, to show the nearest images and not only name them")
    out: Path | None = option(None, f"folder for the pictures and maps (default: {OUT})")
    max_bad: float = option(0.2, "share of images that may be unreadable", low=0, high=1)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)


def explainer_for(bundle: Bundle) -> Explainer:
    """What explains the answers of a bundle."""
    return Explainer(bundle, task_named(bundle.spec.task))


def look(explainer: Explainer, source: Any, max_pixels: int = MAX_PIXELS) -> tuple[Pixels, Size]:
    """The pixels of one image as `predict` reads them, and the size of the whole."""
    shape = explainer.spec.inputs["image"].shape
    return read_sized(source, (shape[1] or 0, shape[0] or 0), max_pixels)


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline explain MODEL IMAGE…`: a line, a picture and a map an image; an error where too many have none."""
    options = resolve(ExplainOptions, given)
    if len(target) < 2:
        raise SightlineError(
            "explain takes a bundle and images",
            fix="type: sightline explain MODEL.sightline IMAGE… (files, folders, globs, or -)",
        )
    if options.label is not None and options.item is not None:
        raise SightlineError("--label and --item exclude each other", fix="give one of them")
    explainer = explainer_for(open_bundle(target[0]))
    paths = gather(target[1:])
    shown = _prepared(explainer, options)
    bad: list[tuple[Path, SightlineError]] = []
    for path in paths:
        try:
            pixels, size = look(explainer, path, options.max_pixels)
            if options.nearest is not None:
                row, text = _near(explainer, path, pixels, size, options, shown)
            else:
                row, text = _explain(explainer, path, pixels, size, options)
        except SightlineError as error:
            if len(paths) == 1:
                raise SightlineError(error.what, error.where or str(path), error.fix) from None
            row, text = {"image": str(path), "error": error.what}, ""
            bad.append((path, error))
        if as_json:
            print_json(row)
        elif text:
            print(text, flush=True)
    return _close(bad, len(paths), options, as_json)


def _prepared(explainer: Explainer, options: ExplainOptions) -> _Shown | None:
    """Everything that can be wrong before the first image is looked at."""
    shown = None
    if options.nearest is not None:
        if options.method is not None:
            raise SightlineError("--nearest and --method exclude each other", fix="ask twice")
        memory = explainer.memory
        if options.data is not None:
            shown = _Shown.of(open_data(str(options.data)), memory.names)
    else:
        explainer.method_named(options.method or "auto")
    if options.nearest is None or shown:
        make_folder(options.out or OUT)
    return shown


def _explain(
    explainer: Explainer, path: Path, pixels: Pixels, size: Size, options: ExplainOptions
) -> tuple[dict[str, Any], str]:
    found = explainer.explain(pixels, size, options.method or "auto", options.label, options.item, options.layer)
    places = _places(options.out or OUT, f"{path.stem}-{found.method}", (".png", ".npy", ".json"))
    picture, row = found.overlay(), {"image": str(path), **found.to_dict()}
    row |= {"overlay": str(places[0]), "map": str(places[1])}
    write_whole(places[0], lambda file: picture.save(file, "PNG"))
    write_whole(places[1], lambda file: np.save(file, found.map, allow_pickle=False))
    write_text(places[2], json.dumps(row, ensure_ascii=False, indent=1) + "\n")
    return row, f"{path}  {tell(found)}  {places[0]}"


def tell(found: Explanation) -> str:
    """One explanation in one line."""
    s = found.scores
    return (
        f"{found.answer}  {found.method}: {s.verdict} "
        f"(deletion {s.deletion:.2f}, random {s.random_deletion:.2f}; "
        f"insertion {s.insertion:.2f}, random {s.random_insertion:.2f})"
    )


def _near(
    explainer: Explainer, path: Path, pixels: Pixels, size: Size, options: ExplainOptions, shown: _Shown | None
) -> tuple[dict[str, Any], str]:
    found, prediction = explainer.nearest(pixels, size, options.nearest or 5)
    row = {"image": str(path), **prediction.to_dict(), "nearest": [one.to_dict() for one in found]}
    lines = [f"{path}  {prediction.to_text(1)}"]
    lines += [f"  {one.similarity:.3f}  {one.target}  {one.name}" for one in found]
    if shown:
        [place] = _places(options.out or OUT, f"{path.stem}-nearest", (".png",))
        others = [(shown.load(one, options.max_pixels), f"{one.target}  {one.similarity:.3f}") for one in found]
        picture = gallery(pixels, others, (prediction.to_text(1), "the training images most like it to the network"))
        write_whole(place, lambda file: picture.save(file, "PNG"))
        row["picture"] = str(place)
        lines.append(f"  {place}")
    return row, "\n".join(lines)


@dataclass(frozen=True)
class _Shown:
    """The training data, to look up remembered images by name."""

    dataset: Dataset
    places: dict[str, int]

    @staticmethod
    def of(dataset: Dataset, names: Sequence[str]) -> _Shown:
        """Raises SightlineError where none of the names is known: these are other data."""
        places = {dataset.images.name(index): index for index in range(len(dataset))}
        if not any(name in places for name in names):
            raise SightlineError(
                "this is not the data that the bundle was trained on: none of its images has a known name",
                dataset.name, f"the bundle remembers, for one: {names[0]}",
            )  # fmt: skip
        return _Shown(dataset, places)

    def load(self, one: Neighbour, max_pixels: int) -> Pixels:
        if one.name not in self.places:
            raise SightlineError("the training data no longer has the image", one.name)
        return read(self.dataset.images.load(self.places[one.name]), (720, 720), max_pixels)


def _places(folder: Path, stem: str, suffixes: Sequence[str]) -> list[Path]:
    """`STEM.png` and the like, or `STEM-2.png` … where any of them is there: no earlier answer is lost."""
    for number in itertools.count(1):
        places = [folder / f"{stem if number == 1 else f'{stem}-{number}'}{suffix}" for suffix in suffixes]
        if not any(place.exists() for place in places):
            return places
    raise AssertionError


def _close(bad: Sequence[tuple[Path, SightlineError]], count: int, options: ExplainOptions, as_json: bool) -> int:
    """What goes under the answers. Raises SightlineError where too many images have none."""
    for path, error in bad[:20]:
        say(f"! {path}: {error.what}")
    if len(bad) > 20:
        say(f"! … and {len(bad) - 20} more")
    if not as_json and options.nearest is None and len(bad) < count:
        say(
            "deletion: how sure the model stays while the marked parts are blurred away (low is good); insertion: how "
            "sure it gets as they come back (high is good); random: the same parts in random order"
        )
    if len(bad) <= options.max_bad * count:
        return 0
    path, error = bad[0]
    if len(bad) == count:
        what = f"none of the {count} images can be explained; the first, {path}"
        raise SightlineError(what, error.what, error.fix or "type: sightline explain MODEL IMAGE… with other images")
    what = f"{len(bad)} of {count} images cannot be explained, and --max-bad allows {options.max_bad:.0%}"
    raise SightlineError(f"{what}; the first, {path}", error.what, "leave them out, or type: --max-bad 1")
