"""What val teaches a reader: how sure its characters and lines are, and whether knowledge of the language helps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from sightline.core.calibration import best_temperature
from sightline.core.spec import Spec
from sightline.data.bidi import visual
from sightline.tasks.read.ctc import Search, greedy
from sightline.tasks.read.decode import LEXICON, MODEL, folded, searched

Lines = Sequence[NDArray[np.float32]]
PAYS = 0.03
"""Share of the errors that the language model must save before `auto` uses it."""
TRIED = ((0.2, 0.3), (0.35, 0.6), (0.5, 0.9), (0.5, 1.3), (0.7, 1.7), (0.9, 2.6))
"""Weights of the language model with their bonus a character: larger ones where the network misses many.
Where two in a row gain nothing, no larger ones are tried."""
HOPELESS = 0.5
"""Above this error a language model has nothing to hold on to."""
SAMPLE, LIKELY = 120, 4000
"""Lines on which the weights are compared, and characters by which the temperature is fitted."""
SURE = 0.999
"""Lines of which each character is at least so sure are not searched: they would be left as they are."""


def calibrated(lines: Lines, texts: Sequence[str], spec: Spec) -> Spec:
    """The spec with `temperature`, and in `extra` the `certainty` of lines and the `search`; the assets it needs.

    lines: (steps, classes) probabilities of each val line at temperature 1; texts: their transcripts, as typed.
    """
    truths = [visual(text) for text in texts]
    characters = "".join(spec.classes)
    temperature = _temperature(lines, truths, characters)
    lines = [sharpened(line, temperature) for line in lines]
    spec = dataclasses.replace(spec, temperature=temperature)
    search, note = _search(lines, truths, spec)
    assets = dict(spec.assets)
    if search is None:
        assets.pop(MODEL, None)
    extra = {**spec.extra, "search": dataclasses.asdict(search) if search else None, "notes": [note] if note else []}
    spec = dataclasses.replace(spec, assets=assets, extra=extra)
    return dataclasses.replace(spec, extra={**extra, "certainty": _certainty(lines, truths, spec)})


def sharpened(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """The same at a temperature: p ** (1 / T), to a sum of 1 again."""
    powers = np.maximum(probabilities, 1e-30) ** (1 / temperature)
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def _temperature(lines: Lines, truths: Sequence[str], characters: str) -> float:
    """The temperature at which the confidence of a character is its chance to be right."""
    rows: list[NDArray[np.float32]] = []
    classes: list[int] = []
    right: list[bool] = []
    for line, truth in zip(lines, truths, strict=True):
        found = greedy(line)
        hits = _hits("".join(characters[one.index - 1] for one in found), truth)
        for one, hit in zip(found, hits, strict=True):
            rows.append(line[one.begin + int(np.argmax(line[one.begin : one.end, one.index]))])
            classes.append(one.index)
            right.append(hit)
        if len(rows) >= LIKELY:
            break
    if not rows:
        return 1.0
    logs = np.log(np.maximum(np.stack(rows), 1e-30))
    places, good = np.array(classes, np.int64), np.array(right, bool)

    def nll(temperature: float) -> float:
        powers = np.exp(logs / temperature)
        chosen: NDArray[np.float64] = np.float64(1) * powers[np.arange(len(places)), places] / powers.sum(axis=1)
        p = np.clip(chosen, 1e-9, 1 - 1e-9)
        return float(-np.log(np.where(good, p, 1 - p)).sum())

    return best_temperature(nll)


def _hits(read: str, truth: str) -> list[bool]:
    """For each character of `read` whether an alignment of least edits takes it for a right one."""
    hits = [False] * len(read)
    for block in Levenshtein.opcodes(truth, read):
        if block.tag == "equal":
            hits[block.dest_start : block.dest_end] = [True] * (block.dest_end - block.dest_start)
    return hits


def _read(line: NDArray[np.float32], spec: Spec, search: Search | None) -> tuple[str, float]:
    """The text from left to right, and the sum of the logarithms of its characters' probabilities."""
    found = folded(searched(line, spec, search) if search else greedy(line), spec)
    text = "".join(spec.classes[one.index - 1] for one in found)
    return text, sum(math.log(max(one.confidence, 1e-9)) for one in found)


def _errors(lines: Lines, truths: Sequence[str], spec: Spec, search: Search | None) -> int:
    read = (_read(line, spec, search)[0] for line in lines)
    return sum(Levenshtein.distance(text, truth) for text, truth in zip(read, truths, strict=True))


def _search(lines: Lines, truths: Sequence[str], spec: Spec) -> tuple[Search | None, str]:
    """The beam search that reads val best, and what to tell about it; None where greedy decoding is as good."""
    if not {MODEL, LEXICON} & set(spec.assets):
        return None, ""
    name = "lexicon" if LEXICON in spec.assets else "language model"
    total = max(1, sum(map(len, truths)))
    plain = _errors(lines, truths, spec, None)
    if plain > HOPELESS * total:
        return None, f"{name}: not used, as the network alone reads {plain / total:.0%} of the characters wrongly"
    step = max(1, len(lines) // SAMPLE)
    best = _best_search(lines[::step], truths[::step], spec)
    found = _errors(lines, truths, spec, best)
    said = f"{name}: CER on val {plain / total:.2%} without it, {found / total:.2%} with it"
    asked = LEXICON in spec.assets or spec.options.get("lm", "auto") != "auto"
    if asked or found < (1 - PAYS) * plain:
        return best, f"{said}; used"
    return None, f"{said}; not used, as it saves less than {PAYS:.0%} of the errors"


def _best_search(lines: Lines, truths: Sequence[str], spec: Spec) -> Search:
    """Of those tried, the one with the fewest errors; it ends where two in a row gained nothing."""
    found: list[tuple[int, Search]] = []
    best, since = 0, 0
    for weight, bonus in TRIED:
        search = Search(weight=weight, bonus=bonus, sure=SURE)
        found.append((_errors(lines, truths, spec, search), search))
        best, since = (len(found) - 1, 0) if found[-1][0] < found[best][0] else (best, since + 1)
        if len(found) > 2 and since > 1:
            break
    return found[best][1]


def _certainty(lines: Lines, truths: Sequence[str], spec: Spec) -> float:
    """The exponent at which the product of the characters' probabilities is the chance that a line has no error."""
    search = Search(**spec.extra["search"]) if spec.extra["search"] else None
    read = [_read(line, spec, search) for line in lines]
    logs = np.array([log for _, log in read])
    right = np.array([text == truth for (text, _), truth in zip(read, truths, strict=True)])

    def nll(exponent: float) -> float:
        p = np.clip(np.exp(exponent * logs), 1e-9, 1 - 1e-9)
        return float(-np.log(np.where(right, p, 1 - p)).sum())

    return best_temperature(nll)
