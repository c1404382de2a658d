"""From the probabilities of a network's columns to a text: greedy, or by beam search with what else is known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sightline.core.spec import Spec
from sightline.tasks.read.ctc import Character, Search, align, beam_search, greedy
from sightline.tasks.read.language import Language
from sightline.tasks.read.lexicon import Lexicon

MODEL, LEXICON = "language.json.z", "lexicon.txt"
"""Assets of the bundle."""


def decode(probabilities: NDArray[np.float32], spec: Spec) -> list[Character]:
    """The characters of a line from left to right, with the steps that they stand on.

    probabilities: (steps, 1 + characters). By the language model and the lexicon where the spec says so.
    """
    search = spec.extra.get("search")
    return folded(searched(probabilities, spec, Search(**search)) if search else greedy(probabilities), spec)


def folded(found: list[Character], spec: Spec) -> list[Character]:
    """The characters without spaces at the ends and without a second one in a row: transcripts have none either."""
    space = spec.classes.index(" ") + 1 if " " in spec.classes else 0
    kept: list[Character] = []
    for one in found:
        if one.index != space or (kept and kept[-1].index != space):
            kept.append(one)
    return kept[:-1] if kept and kept[-1].index == space else kept


def searched(probabilities: NDArray[np.float32], spec: Spec, search: Search) -> list[Character]:
    """The characters that the beam search finds, placed by alignment."""
    first = greedy(probabilities)
    if first and min(c.confidence for c in first) >= search.sure and LEXICON not in spec.assets:
        return first  # nothing that knowledge of the language could change
    language = language_of(spec.assets[MODEL]) if MODEL in spec.assets else no_language
    characters = "".join(spec.classes)
    if LEXICON in spec.assets:
        words = lexicon_of(spec.assets[LEXICON])

        def known(text: str, character: str) -> float:
            return language(text, character) + words.after(text, character)

        text = beam_search(probabilities, characters, known, search, words.end)
    else:
        text = beam_search(probabilities, characters, language, search)
    places = {character: index for index, character in enumerate(characters, 1)}
    return align(probabilities, [places[character] for character in text])


def no_language(text: str, character: str) -> float:
    """Any character may follow."""
    return 0.0


@lru_cache(maxsize=4)
def language_of(data: bytes) -> Language:
    """The language model in an asset."""
    return Language.from_bytes(data)


@lru_cache(maxsize=4)
def lexicon_of(data: bytes) -> Lexicon:
    """The lexicon in an asset."""
    return Lexicon(data.decode("utf-8").split("\n"))
