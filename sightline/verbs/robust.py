"""evaluate --robust: the scores when images are noisy, blurred, snowed under, badly stored, darker, smaller or turned.

The corruptions act on the image before the task's own preprocessing. An image larger than the network's input is
first brought to the input's size (its shape is kept), as Hendrycks and Dietterich did: what noise of a camera does to
a photo of 12 megapixels, nobody sees at 224.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sightline.core.predictions import Prediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Runner
from sightline.data import distort
from sightline.data.corrupt import GROUPS, KINDS, SHIFTS, STRENGTHS, changed
from sightline.data.image import Pixels, read_sized, resize
from sightline.data.parallel import default_workers, ordered_map, part_size
from sightline.data.scan import chunks
from sightline.run.runner import OnnxRunner
from sightline.verbs.part import Part

MOST, FEWEST = 1000, 100
"""Images used by default: the first for inputs up to 64 x 64, the second from 202 x 202 on."""
BATCH = 32
SPOTS, EXAMPLES = 6, 4
"""How many weak spots are listed, and how many pictures of each."""
Cell = tuple[str, float]
"""A kind of corruption or shift, and its strength or amount."""


def robustness(
    part: Part, limit: int | None = None, workers: int | None = None, max_pixels: int = 200_000_000
) -> dict[str, Any]:
    """The main metric by kind and strength, its mean, mean corruption error, and the weakest spots; plain JSON.

    limit: most images; an even sample of them is used. Example pictures are named by `index` (place in the part),
    kind and amount: `picture` gives their pixels.
    """
    task, spec, metric = part.task, part.bundle.spec, part.task.metric
    chosen = _sample(len(part.dataset), limit or _affordable(spec))
    cells: list[Cell] = [(kind, strength) for kind in KINDS for strength in STRENGTHS]
    shifts = {kind: values for kind, values in SHIFTS.items() if kind in task.survives}
    cells += [(kind, value) for kind, values in shifts.items() for value in values]
    rows = _compare(part, chosen, cells, workers, max_pixels)
    clean = task.summarize([row[0] for row in rows], spec).metrics[metric]
    values = {
        cell: task.summarize([row[place] for row in rows], spec).metrics[metric] for place, cell in enumerate(cells, 1)
    }
    kinds = {kind: [values[kind, strength] for strength in STRENGTHS] for kind in KINDS}
    mean = float(np.mean(list(kinds.values())))
    result: dict[str, Any] = {
        "metric": metric,
        "n": len(chosen),
        "of": len(part.dataset),
        "clean": clean,
        "mean": mean,
        "groups": {name: list(members) for name, members in GROUPS.items()},
        "kinds": kinds,
        "shifts": {
            kind: {"amounts": list(amounts), "values": [values[kind, amount] for amount in amounts]}
            for kind, amounts in shifts.items()
        },
    }
    if all(0 <= value <= 1 for value in (clean, *values.values())):
        result |= {"mean_corruption_error": 1 - mean, "clean_error": 1 - clean}
    result["weakest"] = _weakest(part, chosen, cells, rows, clean, values, max_pixels)
    return result


def picture(part: Part, index: int, kind: str, amount: float, max_pixels: int = 200_000_000) -> Pixels:
    """The pixels of an example of the part as the corrupted evaluation saw them."""
    return changed(_load(part, index, max_pixels)[0], kind, amount, index)


def _affordable(spec: Spec) -> int:
    height, width = (side or 64 for side in spec.inputs["image"].shape[:2])
    return int(np.clip(MOST * 64 * 64 // (height * width), FEWEST, MOST))


def _sample(count: int, limit: int) -> list[int]:
    """At most `limit` of `count` places, by chance but always the same, in order."""
    if count <= limit:
        return list(range(count))
    order = np.random.Generator(np.random.Philox(0)).permutation(count)
    return np.sort(order[:limit]).tolist()


def _load(part: Part, index: int, max_pixels: int) -> tuple[Pixels, tuple[int, int]]:
    """The image, no larger than the network's input needs, and its own (width, height)."""
    height, width = part.bundle.spec.inputs["image"].shape[:2]
    source = part.dataset.images.load(index)
    pixels, size = read_sized(source, (width or 0, height or 0), max_pixels)
    factor = max((wanted / now for wanted, now in ((height, pixels.shape[0]), (width, pixels.shape[1])) if wanted))
    if factor < 1:
        pixels = resize(pixels, (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))))
    return pixels, size


def _compare(
    part: Part, chosen: Sequence[int], cells: Sequence[Cell], workers: int | None, max_pixels: int
) -> list[list[Comparison]]:
    """For each image the comparison of it as it is, then of each cell."""
    task, spec = part.task, part.bundle.spec
    workers = default_workers(len(chosen)) if workers is None else workers
    runner = _runner_of(part.bundle.graph, workers)

    def look(places: Sequence[int]) -> list[list[Comparison]]:
        return [_one(place) for place in places]

    def _one(index: int) -> list[Comparison]:
        pixels, size = _load(part, index, max_pixels)
        variants = [pixels, *(changed(pixels, *cell, index) for cell in cells)]
        inputs = [task.preprocess(image, spec) for image in variants]
        found: list[Comparison] = []
        for some in chunks(len(inputs), BATCH):
            for prediction in _predictions(part, runner(), inputs[some], size):
                found.append(task.compare(prediction, part.dataset.targets[index], spec))
        return found

    if workers:
        for which in range(5):  # drawn once, before the processes fork
            distort.frost(which)
    step = part_size(len(chosen), workers)
    parts = [chosen[start : start + step] for start in range(0, len(chosen), step)]
    rows: list[list[Comparison]] = []
    for found in ordered_map(look, parts, workers):
        rows += found
        _progress(len(rows), len(chosen))
    return rows


def _predictions(part: Part, runner: Runner, inputs: Sequence[Arrays], size: tuple[int, int]) -> list[Prediction]:
    """The predictions, in order, for inputs that stem from one image; those of one shape share a call."""
    alike: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for place, one in enumerate(inputs):
        alike.setdefault(tuple(values.shape for values in one.values()), []).append(place)
    found: dict[int, Prediction] = {}
    for places in alike.values():
        batch = {key: np.stack([inputs[place][key] for place in places]) for key in inputs[0]}
        outputs = part.task.infer(runner, batch, part.bundle.spec)
        for row, place in enumerate(places):
            one = {key: values[row] for key, values in outputs.items()}
            found[place] = part.task.postprocess(one, size, part.bundle.spec)
    return [found[place] for place in range(len(inputs))]


def _runner_of(graph: bytes, workers: int) -> Callable[[], Runner]:
    """One runner a process, made at first use: the threads of a parent's runner do not survive a fork."""
    made: dict[int, Runner] = {}

    def get() -> Runner:
        if os.getpid() not in made:
            made[os.getpid()] = OnnxRunner(graph, 1 if workers > 1 else 0)
        return made[os.getpid()]

    return get


def _weakest(
    part: Part, chosen: Sequence[int], cells: Sequence[Cell], rows: Sequence[Sequence[Comparison]], clean: float,
    values: dict[Cell, float], max_pixels: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """The kinds that cost most, the worst first, each at the mildest amount that costs half of the most it can.

    With examples: the images whose error rises most there.
    """
    drops: dict[str, dict[float, float]] = {}
    for (kind, amount), value in values.items():
        drops.setdefault(kind, {})[amount] = clean - value
    runner = OnnxRunner(part.bundle.graph)
    found: list[dict[str, Any]] = []
    for kind in sorted(drops, key=lambda kind: -float(np.mean(list(drops[kind].values()))))[:SPOTS]:
        most = max(drops[kind].values())
        if most <= 0:
            continue
        amount = next(a for a in sorted(drops[kind], key=_mildness(kind)) if drops[kind][a] >= most / 2)
        place = cells.index((kind, amount)) + 1
        worse = sorted(range(len(rows)), key=lambda i: rows[i][0].error - rows[i][place].error)
        examples = [
            _example(part, runner, chosen[i], kind, amount, max_pixels)
            for i in worse[:EXAMPLES]
            if rows[i][place].error > rows[i][0].error
        ]
        value = values[kind, amount]
        found.append({"kind": kind, "amount": amount, "value": value, "drop": clean - value, "examples": examples})
    return found


def _mildness(kind: str) -> Callable[[float], float]:
    """The distance of an amount from no change: factors are as mild as their inverse."""
    if kind in ("exposure", "scale"):
        return lambda amount: abs(float(np.log(amount)))
    return abs


def _example(part: Part, runner: Runner, index: int, kind: str, amount: float, max_pixels: int) -> dict[str, Any]:
    from sightline.verbs.evaluate import answer_row

    pixels, size = _load(part, index, max_pixels)
    seen = part.task.preprocess(changed(pixels, kind, amount, index), part.bundle.spec)
    prediction = _predictions(part, runner, [seen], size)[0]
    return {"index": index, **answer_row(part.task, part.dataset, index, prediction)}


def _progress(done: int, count: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[Kunder corruption: {done:,} of {count:,} images" if done < count else "\r\033[K")
        sys.stderr.flush()
