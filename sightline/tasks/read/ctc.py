"""From the columns of a network to characters: decoding of connectionist temporal classification (Graves et al. 2006).

Class 0 is the blank; class k is character k - 1 of the charset. Steps are columns of the network's output.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLANK = 0
NEVER = -math.inf


@dataclass(frozen=True)
class Character:
    """One character that was read: its class, the probability of its best step, its first step and the one after."""

    index: int
    confidence: float
    begin: int
    end: int


def greedy(probabilities: NDArray[np.float32]) -> list[Character]:
    """The best class of each step, repeats merged, blanks dropped (Graves et al. 2006, section 3.2).

    probabilities: (steps, classes).
    """
    best = probabilities.argmax(axis=1)
    peaks = probabilities[np.arange(len(best)), best]
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    return [
        Character(int(best[begin]), float(peaks[begin:end].max()), int(begin), int(end))
        for begin, end in itertools.pairwise(edges)
        if best[begin] != BLANK
    ]


def align(probabilities: NDArray[np.float32], classes: list[int]) -> list[Character]:
    """The most probable steps of a given reading (Viterbi over the labels with blanks between), one entry a character.

    probabilities: (steps, classes). Where no alignment fits (too few steps), the steps are shared out evenly.
    """
    steps, count = len(probabilities), len(classes)
    if not count:
        return []
    needed = count + sum(a == b for a, b in itertools.pairwise(classes))
    if needed > steps:
        edges = np.linspace(0, steps, count + 1).astype(int)
        return [
            Character(c, float(probabilities[min(b, steps - 1), c]), int(b), int(e))
            for c, b, e in zip(classes, edges[:-1], edges[1:], strict=True)
        ]
    states = np.zeros(2 * count + 1, np.int64)
    states[1::2] = classes
    skip = np.full(len(states), NEVER)  # what it costs to pass over a blank: nothing between different characters
    skip[3::2] = np.where(states[3::2] != states[1:-2:2], 0.0, NEVER)
    logs = np.log(np.maximum(probabilities[:, states], 1e-30))
    padded = np.full(len(states) + 2, NEVER)
    score = padded[2:]
    score[:2] = logs[0, :2]
    came = np.zeros((steps, len(states)), np.int8)
    ways = np.empty((3, len(states)))
    for step in range(1, steps):
        ways[0], ways[1], ways[2] = score, padded[1:-1], padded[:-2] + skip
        came[step] = ways.argmax(axis=0)
        score[:] = ways.max(axis=0) + logs[step]
    state = len(states) - 1 if score[-1] >= score[-2] else len(states) - 2
    path = np.zeros(steps, np.int64)
    for step in range(steps - 1, -1, -1):
        path[step] = state
        state -= int(came[step, state])
    found: list[Character] = []
    for number, index in enumerate(classes):
        inside = np.flatnonzero(path == 2 * number + 1)
        peak = float(probabilities[inside, index].max())
        found.append(Character(index, peak, int(inside[0]), int(inside[-1]) + 1))
    return found


Language = Callable[[str, str], float]
"""(text so far, next character) to the natural logarithm of its probability."""


@dataclass(frozen=True)
class Search:
    """How the beam search weighs the network against the language model.

    width: readings kept a step. weight: of the language model's logarithms. bonus: added a character, since a language
    model alone prefers short texts. least: classes less probable at a step are not tried there. sure: where the network
    is at least so sure of each character, nothing is searched.
    """

    width: int = 12
    weight: float = 0.4
    bonus: float = 0.6
    least: float = 1e-3
    sure: float = 1.0


def beam_search(
    probabilities: NDArray[np.float32],
    characters: str,
    language: Language,
    search: Search,
    ending: Callable[[str], float] = lambda text: 0.0,
) -> str:
    """The best text by network and language model (prefix beam search, Hannun et al. 2014, algorithm 1).

    probabilities: (steps, classes); characters: class k is characters[k - 1]. ending: what is added where a text ends,
    a logarithm of the language model's kind.
    """
    beams: dict[str, tuple[float, float, float]] = {"": (0.0, NEVER, 0.0)}  # log p ending in blank, in a letter, LM
    likely: list[dict[int, float]] = [{} for _ in probabilities]
    places = np.nonzero(probabilities >= search.least)
    for step, index, value in zip(*(part.tolist() for part in (*places, probabilities[places])), strict=True):
        likely[step][index] = math.log(value)
    was_blank = False
    for logs, blank in zip(likely, probabilities[:, BLANK].tolist(), strict=True):
        only_blank = list(logs) == [BLANK]
        if not only_blank:
            beams = _step(beams, logs, math.log(max(blank, 1e-30)), characters, language, search)
        elif not was_blank:  # nothing but a blank: all beams stay as they are
            beams = {text: (_add(blank, letter), NEVER, lm) for text, (blank, letter, lm) in beams.items()}
        was_blank = only_blank
    return max(beams, key=lambda text: _add(*beams[text][:2]) + beams[text][2] + search.weight * ending(text))


def _step(
    beams: dict[str, tuple[float, float, float]],
    logs: dict[int, float],
    log_blank: float,
    characters: str,
    language: Language,
    search: Search,
) -> dict[str, tuple[float, float, float]]:
    found: dict[str, tuple[float, float, float]] = {}

    def put(text: str, blank: float, letter: float, lm: float) -> None:
        old = found.get(text)
        found[text] = (blank, letter, lm) if old is None else (_add(old[0], blank), _add(old[1], letter), lm)

    for text, (blank, letter, lm) in beams.items():
        total = _add(blank, letter)
        put(text, total + log_blank, NEVER, lm)
        for index, log in logs.items():
            if index == BLANK:
                continue
            character = characters[index - 1]
            longer = text + character
            if longer in found:
                gained = found[longer][2]
            elif longer in beams:
                gained = beams[longer][2]
            else:
                gained = lm + search.weight * language(text, character) + search.bonus
            if text and text[-1] == character:
                put(text, NEVER, letter + log, lm)  # the same letter goes on
                if blank > NEVER:
                    put(longer, NEVER, blank + log, gained)  # the letter twice, a blank between
            else:
                put(longer, NEVER, total + log, gained)
    if len(found) <= search.width:
        return found
    kept = sorted(found.items(), key=lambda item: _add(*item[1][:2]) + item[1][2], reverse=True)
    return dict(kept[: search.width])


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + math.log1p(math.exp(b - a))
