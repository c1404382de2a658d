"""A list of words that a text is made of: outside knowledge for the beam search."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.data.bidi import visual
from sightline.tasks.read.text import normalise

PENALTY = 6.0
"""What a word outside costs, in nats: it is read only where the image leaves little doubt."""


class Lexicon:
    """Words; each may also begin with a capital, or be all capitals. Numbers and punctuation are free."""

    def __init__(self, words: Iterable[str]) -> None:
        """An empty lexicon knows no word and costs nothing."""
        self.words = {form for word in words if word for form in (word, word[:1].upper() + word[1:], word.upper())}

    def after(self, text: str, character: str) -> float:
        """0, or less where `character` ends a word of `text` that the lexicon does not have."""
        return 0.0 if is_letter(character) else self.end(text)

    def end(self, text: str) -> float:
        """0, or less where the last word of `text` is not in the lexicon."""
        if not self.words:
            return 0.0
        begin = len(text)
        while begin and is_letter(text[begin - 1]):
            begin -= 1
        return 0.0 if begin == len(text) or text[begin:] in self.words else -PENALTY


def is_letter(character: str) -> bool:
    """Whether the character is part of a word: letters and their marks, vowel signs too."""
    return character.isalpha() or not character.isprintable() or unicodedata.category(character)[0] == "M"


def stretches(text: str) -> list[str]:
    """The longest stretches of letters: of `AB-1234` or `don't`, what the search takes for words."""
    return ["".join(part) for letters, part in itertools.groupby(text, is_letter) if letters]


def read_words(path: str, form: str, characters: Iterable[str]) -> list[str]:
    """The words of a text file, as they stand on a page, without those that cannot be written; punctuation and digits
    part them, as both are free.

    Raises SightlineError where the file cannot be read, and where no word is left: it would forbid everything.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(f"the lexicon cannot be read ({error})", path, "give a text file, UTF-8") from None
    known = set(characters)
    words = sorted({part for word in text.split() for part in stretches(visual(normalise(word, form)))})
    if not words:
        raise SightlineError("there is no word in the lexicon: numbers and punctuation are free", path,
                             "give words, or leave --lexicon out")  # fmt: skip
    kept = [word for word in words if all(character in known for character in word)]
    if not kept:
        raise SightlineError(
            f"none of the {len(words)} words of the lexicon can be written in the characters of the train part",
            path,
            "check its language and its spelling, or leave --lexicon out",
        )
    return kept
