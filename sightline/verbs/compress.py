"""compress: a bundle made smaller and faster, as long as it stays as good."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.compress.half import halved
from sightline.compress.quantize import ACTIVATIONS, Quantizer, need_onnx
from sightline.compress.search import choose
from sightline.core.errors import SightlineError
from sightline.core.options import duration, option, resolve
from sightline.core.spec import Spec
from sightline.data.image import MAX_PIXELS
from sightline.run.bundle import SUFFIX, Bundle, open_bundle, save
from sightline.run.files import make_folder
from sightline.run.runner import OnnxRunner
from sightline.tables import FORMATS
from sightline.verbs.about import versions
from sightline.verbs.compress_distill import distilled
from sightline.verbs.compress_parts import Pieces, judged, milliseconds, open_pieces, recalibrated
from sightline.verbs.part import overlap
from sightline.verbs.remember import remember

METHODS = {"quantize": "int8", "fp16": "fp16", "distill": "small"}
"""Names of the methods, and what they add to a bundle's name."""
TRIED = 64
"""Images of the train part on which the sensitivity of layers is measured."""


@dataclass(frozen=True)
class CompressOptions:
    """Options of `compress`."""

    method: str = option(
        "quantize", "quantize: int8, for processors; fp16: half precision, for GPUs; distill: a small network learns "
        "from this one", choices=METHODS,
    )  # fmt: skip
    max_drop: float = option(0.5, "how many points (hundredths) the task's metric may fall", low=0, high=100)
    out: Path | None = option(None, "the new bundle (default: runs/NAME-int8/NAME-int8.sightline)")
    images: int = option(256, "images of the train part on which the ranges are measured", low=1)
    network: str = option("small", "distill: the network that learns")
    epochs: int | None = option(None, "distill: passes over the training part (default: as many as MODEL had)", low=1)
    time: float | None = option(None, "distill: the best small network within this time", above=0, parse=duration)
    format: str | None = option(None, "the format of the data (default: sniffed)", choices=FORMATS)
    workers: int | None = option(None, "processes that read images (default: all processors)", low=0)
    max_bad: float = option(0.2, "share of unreadable images that is tolerated", low=0, high=1)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)


@dataclass(frozen=True)
class Made:
    """A new graph with its spec, and the data as it takes them.

    card: of the training that it comes from. weights: those of a new network. kept: the layers left in float, of all
    `layers` that could be made smaller.
    """

    graph: bytes
    spec: Spec
    pieces: Pieces
    card: Mapping[str, Any]
    weights: bytes | None = None
    kept: tuple[str, ...] = ()
    layers: int = 0


def compress(model: str | Path | Bundle, data: Any, labels: Any = None, **given: Any) -> dict[str, Any]:
    """Writes the smaller bundle; what it is like, before and after, as plain JSON.

    bundle, method, met, metric, drop (points on `part`), max_drop, part, layers, kept, notes, and before and after:
    metrics (by part), bytes, ms (the graph, one image at a time, on this machine). Where the drop exceeds `max_drop`,
    `met` is false and the bundle's name ends in -missed. Raises SightlineError where no layer can be made smaller.
    """
    options = resolve(CompressOptions, given)
    need_onnx()
    bundle = model if isinstance(model, Bundle) else open_bundle(model)
    _can_be_smaller(bundle, options)
    path = _place(bundle, options)
    make_folder(path.parent)  # what cannot be written is noticed before the work
    pieces = open_pieces(bundle, data, labels, options)
    made, notes = _made(bundle, pieces, data if labels is None else (data, labels), options, path)
    judge, task = pieces.judge, pieces.task
    before = {piece.name: judged(task, bundle.graph, piece, bundle.spec) for piece in pieces.judged}
    after = {piece.name: judged(task, made.graph, piece, made.spec) for piece in made.pieces.judged}
    drop = 100 * (before[judge.name]["metrics"][task.metric] - after[judge.name]["metrics"][task.metric])
    met = drop <= options.max_drop
    path = path if met else path.with_name(f"{path.stem}-missed{SUFFIX}")
    graphs = [(bundle.graph, bundle.spec, judge), (made.graph, made.spec, made.pieces.judge)]
    times = milliseconds(graphs, task)
    seen = overlap(bundle, judge.scanned)
    if seen:
        notes.append(f"{seen} of {len(judge.dataset)} images of the {judge.name} part were trained on")
    if options.method == "quantize" and times[1] > times[0] / 1.1:
        notes.append("it is not faster here: recurrent layers stay in float, and small layers cost little either way")
    facts: dict[str, Any] = {
        "method": options.method, "met": met, "metric": task.metric, "drop": round(drop, 4),
        "max_drop": options.max_drop, "part": judge.name, "layers": made.layers, "kept": list(made.kept),
        "notes": notes,
        "before": _side(bundle.path.stat().st_size, times[0], before),
    }  # fmt: skip
    card = {
        **made.card, "scores": after, "versions": versions(),
        "compressed": {**facts, "from": bundle.path.name, "data": pieces.facts, "ms": round(times[1], 4)},
    }  # fmt: skip
    save(path, made.spec, card, _members(bundle, made))
    return {"bundle": str(path), **facts, "after": _side(path.stat().st_size, times[1], after)}


def _made(bundle: Bundle, pieces: Pieces, data: Any, options: CompressOptions, path: Path) -> tuple[Made, list[str]]:
    """The new graph, and what to say about it."""
    if options.method == "fp16":
        made = Made(halved(bundle.graph), bundle.spec, pieces, bundle.card)
        return made, ["fp16 is for GPUs; on processors it saves room only"]
    if options.method == "distill":
        run = path.with_name(f"{path.stem}-training")
        small = distilled(bundle, data, options, run)
        taken = open_pieces(small, data, None, options)
        made = Made(small.graph, small.spec, taken, small.card, small.members["model.safetensors"])
        return made, [f"how the small network learned: {run / 'report.html'}"]
    return _quantized(bundle, pieces, options)


def _quantized(bundle: Bundle, pieces: Pieces, options: CompressOptions) -> tuple[Made, list[str]]:
    task, val = pieces.task, pieces.val
    seen = pieces.train.some(options.images)
    quantizer = Quantizer(bundle.graph, iter(seen))
    if not quantizer.layers:
        raise SightlineError("no layer of this network can be put in int8", str(bundle.path), "try: --method fp16")
    found: dict[bytes, Made] = {}

    def score(graph: bytes) -> float:
        changed, spec = recalibrated(task, graph, val, bundle.spec)
        found[graph] = Made(changed, spec, pieces, bundle.card)
        return judged(task, changed, val, spec, quick=True)["metrics"][task.metric]

    need = judged(task, bundle.graph, val, bundle.spec, quick=True)["metrics"][task.metric] - options.max_drop / 100
    chosen = choose(quantizer, score, pieces.train.some(TRIED), bundle.graph, need)
    made = dataclasses.replace(found[chosen.graph], kept=chosen.kept, layers=len(quantizer.layers))
    count = len(set(chosen.kept) - {ACTIVATIONS})
    notes = [f"the activations and {count} of {made.layers} layers stay in float"] if chosen.kept else []
    return made, notes


def _can_be_smaller(bundle: Bundle, options: CompressOptions) -> None:
    """Raises SightlineError for a bundle that `compress` has made smaller in numbers already."""
    made = bundle.card.get("compressed", {})
    if made.get("method") in ("quantize", "fp16") and options.method != "distill":
        raise SightlineError(
            f"this bundle is in {METHODS[made['method']]} already", str(bundle.path),
            f"compress the one that it was made of: {made.get('from', 'the bundle in float')}",
        )  # fmt: skip


def _place(bundle: Bundle, options: CompressOptions) -> Path:
    """Where the new bundle goes. Raises SightlineError where something is there."""
    name = f"{bundle.path.stem}-{METHODS[options.method]}"
    path = options.out or Path("runs") / name / f"{name}{SUFFIX}"
    if path.suffix != SUFFIX:
        raise SightlineError("a bundle's name ends in .sightline", str(path), f"type: --out {path}{SUFFIX}")
    for there in (path, path.with_name(f"{path.stem}-missed{SUFFIX}")):
        if there.exists():
            raise SightlineError("the file exists already", str(there), "name another one: --out FILE.sightline")
    return path


def _members(bundle: Bundle, made: Made) -> dict[str, bytes]:
    weights = {"model.safetensors": made.weights} if made.weights else {}
    return {"model.onnx": made.graph, **weights, **_memory(bundle, made)}


def _memory(bundle: Bundle, made: Made) -> dict[str, bytes]:
    """What `explain --nearest` looks at, made anew from the same data; otherwise the old one stays in the assets."""
    pieces = made.pieces
    runner, same = OnnxRunner(made.graph), pieces.facts["fingerprint"] == bundle.card["data"].get("fingerprint")
    if not same or "features" not in runner(next(pieces.train.scanned.batches(1))[1]):
        return {}
    return remember(pieces.task, runner, pieces.train.dataset, pieces.train.scanned, made.spec).to_members()


def _side(size: int, ms: float, scores: Mapping[str, Any]) -> dict[str, Any]:
    return {"metrics": {name: one["metrics"] for name, one in scores.items()}, "bytes": size, "ms": round(ms, 4)}


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline compress MODEL DATA`: a table before and after; 1 where the result misses --max-drop."""
    from sightline.verbs.common import print_json
    from sightline.verbs.tell_compress import tell

    if len(target) != 2:
        raise SightlineError("compress takes a bundle and data", fix="type: sightline compress MODEL.sightline DATA")
    found = compress(target[0], target[1], **given)
    print_json(found) if as_json else tell(found)
    return 0 if found["met"] else 1
