"""Scores of read lines, in numpy and rapidfuzz: errors by character, word and line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from sightline.core.statistics import by_resampling
from sightline.core.task import Scores
from sightline.tasks.read.text import fold

NOTHING = "∅"
"""Stands for no character in the confusion table."""
PAIRS = 60
"""Confusions that are kept."""
LENGTHS = (0, 10, 20, 40, 60, 80)
FREQUENCIES = (0, 5, 20, 100, 1000)


def compared(read: str, truth: str) -> dict[str, Any]:
    """Counts of one line that add up: edits that turn `truth` into `read`, over characters and words, folded too."""
    kinds: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for operation in Levenshtein.editops(truth, read):
        kinds[operation.tag] += 1
        before = truth[operation.src_pos] if operation.tag != "insert" else NOTHING
        after = read[operation.dest_pos] if operation.tag != "delete" else NOTHING
        pairs[before, after] += 1
    words = truth.split()
    folded = fold(truth)
    return {
        "characters": len(truth),
        "insert": kinds["insert"],
        "delete": kinds["delete"],
        "replace": kinds["replace"],
        "words": len(words),
        "word_errors": Levenshtein.distance(words, read.split()),
        "folded": len(folded),
        "folded_errors": Levenshtein.distance(folded, fold(read)),
        "exact": int(read == truth),
        "pairs": dict(pairs),
        "truth": truth,
    }


_NUMBERS = (
    "characters", "insert", "delete", "replace", "words", "word_errors", "folded", "folded_errors", "exact"
)  # fmt: skip


def table(counts: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """(lines, 9) the counts that are numbers."""
    return np.array([[one[name] for name in _NUMBERS] for one in counts], np.float64)


def metrics(total: NDArray[np.float64], lines: int) -> dict[str, float]:
    """From the summed columns of `table`. cer, wer: edits by true characters, words; cer_folded: after `text.fold`;
    exact: share of lines without an error; char_accuracy: 1 - cer, which ranks; and the kinds of edits by characters.
    """
    characters, insert, delete, replace, words, word_errors, folded, folded_errors, exact = total.tolist()
    length = max(characters, 1.0)
    cer = (insert + delete + replace) / length
    return {
        "cer": cer,
        "wer": word_errors / max(words, 1.0),
        "exact": exact / max(lines, 1),
        "cer_folded": folded_errors / max(folded, 1.0),
        "insertions": insert / length,
        "deletions": delete / length,
        "substitutions": replace / length,
        "char_accuracy": 1 - cer,
    }


def summarize(counts: Sequence[Mapping[str, Any]], seen: Mapping[str, int]) -> Scores:
    """Metrics; a row a character with its support and how often it was missed; curves `confused`, `by_length` and
    `by_frequency`. seen: how often each character occurs in the train part."""
    support: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for one in counts:
        support.update(one["truth"])
        pairs.update(one["pairs"])
    missed: Counter[str] = Counter()
    guessed: Counter[str] = Counter()
    for (before, after), number in pairs.items():
        missed[before] += number
        guessed[after] += number
    rows = [
        {
            "class": character,
            "recall": round(1 - missed[character] / number, 6),
            "precision": round(_precision(number - missed[character], guessed[character]), 6),
            "support": number,
        }
        for character, number in sorted(support.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    common = pairs.most_common(PAIRS)
    curves = {
        "confused": {
            "truth": [before for (before, _), _ in common],
            "read": [after for (_, after), _ in common],
            "count": [number for _, number in common],
        },
        "by_length": _columns(_by_length(counts)),
        "by_frequency": _columns(_by_frequency(support, missed, seen)),
    }
    return Scores(metrics(table(counts).sum(axis=0), len(counts)), rows, curves=curves)


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}


def _precision(hits: int, wrong: int) -> float:
    return hits / (hits + wrong) if hits + wrong else 0.0


def _by_length(counts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Error by the length of the line."""
    lengths = np.array([one["characters"] for one in counts])
    errors = np.array([one["insert"] + one["delete"] + one["replace"] for one in counts], np.float64)
    rows: list[dict[str, Any]] = []
    for low, high in zip(LENGTHS, (*LENGTHS[1:], 10**9), strict=True):
        inside = (lengths >= low) & (lengths < high)
        if inside.any():
            cer = float(errors[inside].sum() / max(1, lengths[inside].sum()))
            rows.append({"from": low, "lines": int(inside.sum()), "cer": round(cer, 6)})
    return rows


def _by_frequency(
    support: Mapping[str, int], missed: Mapping[str, int], seen: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Share of characters missed, by how often the character occurs in the train part."""
    rows: list[dict[str, Any]] = []
    for low, high in zip(FREQUENCIES, (*FREQUENCIES[1:], 10**9), strict=True):
        inside = [c for c in support if low <= seen.get(c, 0) < high]
        number = sum(support[c] for c in inside)
        if number:
            wrong = sum(missed[c] for c in inside)
            rows.append({"from": low, "kinds": len(inside), "support": number, "missed": round(wrong / number, 6)})
    return rows


def intervals(counts: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """95 % intervals of all metrics by resampling lines."""
    rows = list(table(counts))
    return by_resampling(lambda some: metrics(np.sum(some, axis=0), len(some)), rows)
