"""Beam search with a language model and a lexicon, for readers that use it: see `standalone.py`."""

# pyright: basic

from __future__ import annotations

import json
import math
import unicodedata
import zlib
from functools import cache

import numpy as np

Letters = list[tuple[int, float, int, int]]


def searched(probabilities: np.ndarray, first: Letters, spec: dict, assets: dict[str, bytes]) -> Letters:
    """The characters that fit the image and the language best; first: those of greedy decoding."""
    search = spec["extra"]["search"]
    if first and min(one[1] for one in first) >= search["sure"] and "lexicon.txt" not in assets:
        return first
    language, ending = _knowledge(assets.get("language.json.z", b""), assets.get("lexicon.txt", b""))
    text = _beam_search(probabilities, "".join(spec["classes"]), language, ending, search)
    return _aligned(probabilities, [1 + spec["classes"].index(character) for character in text])


@cache
def _knowledge(model: bytes, lexicon: bytes):
    grams = json.loads(zlib.decompress(model)) if model else {}
    words = {form for w in lexicon.decode().split("\n") if w for form in (w, w[:1].upper() + w[1:], w.upper())}

    def is_letter(c: str) -> bool:
        return c.isalpha() or not c.isprintable() or unicodedata.category(c)[0] == "M"

    def ending(text: str) -> float:
        word = text[next((i + 1 for i in range(len(text) - 1, -1, -1) if not is_letter(text[i])), 0) :]
        return 0.0 if not words or not word or word in words else -6.0

    def cost(context: str, character: str) -> int:
        """Of `character` after `context`, in hundredths of a nat: by shorter contexts where it was never seen there."""
        if context + character in grams["costs"]:
            return grams["costs"][context + character]
        skipped = grams["skips"].get(context, 0)
        return skipped + (cost(context[1:], character) if context else grams["unseen"])

    def language(text: str, character: str) -> float:
        known = -cost(("\n" + text)[-5:], character) / 100 if grams else 0.0
        return known + (0.0 if is_letter(character) else ending(text))

    return language, ending


def _beam_search(probabilities: np.ndarray, characters: str, language, ending, search: dict) -> str:
    never, weight = -math.inf, search["weight"]
    beams = {"": (0.0, never, 0.0)}  # logarithms: ending in a blank, ending in a letter, of the language
    for row in probabilities:
        logs = {int(k): math.log(float(row[k])) for k in np.flatnonzero(row >= search["least"])}
        log_blank = math.log(max(float(row[0]), 1e-30))
        found: dict[str, tuple[float, float, float]] = {}

        def put(text: str, blank: float, letter: float, lm: float, found=found) -> None:
            old = found.get(text, (never, never, lm))
            found[text] = (_add(old[0], blank), _add(old[1], letter), lm)

        for text, (blank, letter, lm) in beams.items():
            total = _add(blank, letter)
            put(text, total + log_blank, never, lm)
            for index, log in [] if list(logs) == [0] else logs.items():
                if index == 0:
                    continue
                character = characters[index - 1]
                longer = text + character
                there = found.get(longer) or beams.get(longer)
                gained = there[2] if there else lm + weight * language(text, character) + search["bonus"]
                if text[-1:] == character:
                    put(text, never, letter + log, lm)  # the same letter goes on
                if text[-1:] != character or blank > never:  # the letter twice needs a blank between
                    put(longer, never, (blank if text[-1:] == character else total) + log, gained)
        kept = sorted(found.items(), key=lambda item: _add(*item[1][:2]) + item[1][2], reverse=True)
        beams = dict(kept[: search["width"]]) if len(found) > search["width"] else found
    return max(beams, key=lambda text: _add(*beams[text][:2]) + beams[text][2] + weight * ending(text))


def _add(a: float, b: float) -> float:
    a, b = max(a, b), min(a, b)
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))


def _aligned(probabilities: np.ndarray, classes: list[int]) -> Letters:
    """The most probable steps of the characters (Viterbi, blanks between them)."""
    steps, states = len(probabilities), np.zeros(2 * len(classes) + 1, np.int64)
    states[1::2] = classes
    skip = np.zeros(len(states), bool)
    skip[3::2] = states[3::2] != states[1:-2:2]
    logs, never = np.log(np.maximum(probabilities[:, states], 1e-30)), [-np.inf]
    score = np.where(np.arange(len(states)) < 2, logs[0], -np.inf)
    came = np.zeros((steps, len(states)), np.int64)
    for step in range(1, steps):
        two = np.where(skip, np.concatenate([never, never, score])[: len(states)], -np.inf)
        ways = np.stack([score, np.concatenate([never, score[:-1]]), two])
        came[step], score = ways.argmax(0), ways.max(0) + logs[step]
    path = np.full(steps, len(states) - 1 if len(states) < 2 or score[-1] >= score[-2] else len(states) - 2)
    for step in range(steps - 1, 0, -1):
        path[step - 1] = path[step] - came[step, path[step]]
    inside = [np.flatnonzero(path == 2 * number + 1) for number in range(len(classes))]
    return [
        (c, float(probabilities[at, c].max()), int(at[0]), int(at[-1]) + 1)
        for c, at in zip(classes, inside, strict=True)
    ]
