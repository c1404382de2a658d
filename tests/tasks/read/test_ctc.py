"""Decoding of CTC: against enumeration of all paths."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from sightline.tasks.read.ctc import Search, align, beam_search, greedy

CHARACTERS = "ab"


def rows(seed: int, steps: int = 6, classes: int = 3) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 1.5, (steps, classes))
    return (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(k for k, _ in itertools.groupby(path) if k)


def by_enumeration(p: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of each text: the sum over all paths that collapse to it."""
    total: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        total[collapse(path)] += math.prod(float(p[t, k]) for t, k in enumerate(path))
    return total


@pytest.mark.parametrize("seed", range(12))
def test_a_wide_beam_without_a_language_finds_the_most_probable_text(seed: int) -> None:
    p = rows(seed)
    total = by_enumeration(p)
    best = max(total, key=total.__getitem__)
    found = beam_search(p, CHARACTERS, lambda text, c: 0.0, Search(width=500, weight=0.0, bonus=0.0, least=0.0))
    assert found == "".join(CHARACTERS[k - 1] for k in best)


def test_a_language_model_tips_the_scale() -> None:
    p = np.array([[0.1, 0.5, 0.4], [0.9, 0.05, 0.05]], np.float32)
    assert beam_search(p, CHARACTERS, lambda text, c: 0.0, Search(weight=0.0, bonus=0.0)) == "a"
    prefers_b = Search(weight=1.0, bonus=0.0)
    assert beam_search(p, CHARACTERS, lambda text, c: math.log(0.9 if c == "b" else 0.1), prefers_b) == "b"


@pytest.mark.parametrize("seed", range(6))
def test_greedy_is_the_best_path_collapsed(seed: int) -> None:
    p = rows(seed, 12)
    found = greedy(p)
    assert tuple(c.index for c in found) == collapse(tuple(p.argmax(1).tolist()))
    for c in found:
        assert (p[c.begin : c.end].argmax(1) == c.index).all() and c.confidence == p[c.begin : c.end, c.index].max()


@pytest.mark.parametrize("seed", range(6))
def test_an_alignment_is_the_best_of_all_paths_of_that_text(seed: int) -> None:
    p, wanted = rows(seed), (1, 1, 2)
    paths = [path for path in itertools.product(range(3), repeat=len(p)) if collapse(path) == wanted]
    best = max(paths, key=lambda path: math.prod(float(p[t, k]) for t, k in enumerate(path)))
    edges = [(k, [t for t, _ in g]) for k, g in itertools.groupby(enumerate(best), key=lambda item: item[1])]
    expected = [(k, ts[0], ts[-1] + 1) for k, ts in edges if k]
    assert [(c.index, c.begin, c.end) for c in align(p, list(wanted))] == expected


def test_a_text_too_long_for_its_steps_is_still_placed() -> None:
    found = align(rows(0, 3), [1, 1, 2, 1])
    assert len(found) == 4 and found[-1].end == 3 and align(rows(0), []) == []


def test_nothing_but_blanks_is_an_empty_text() -> None:
    p = np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (5, 1))
    assert greedy(p) == [] and beam_search(p, CHARACTERS, lambda text, c: 0.0, Search()) == ""
