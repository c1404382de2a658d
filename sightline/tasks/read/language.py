"""A character n-gram language model: what usually follows what, counted in the train transcripts."""

from __future__ import annotations

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sightline.core.errors import SightlineError
from sightline.tasks.read.text import normalise, visual

ORDER = 6
BEGIN = "\n"
"""Stands before a line: no transcript holds it."""
LEAST = (0, 0, 0, 1, 2, 2)
"""n-grams of n characters are kept where they occur more often than this."""
UNSEEN = 1e-4
LARGEST = 2**30
"""Bytes that a language model may unpack to."""


class Language:
    """Interpolated Witten-Bell smoothing (Witten and Bell 1991; Chen and Goodman 1998, eq. 17)."""

    def __init__(self, counts: dict[str, int]) -> None:
        """counts: n-grams of 1 to 6 characters to how often they occurred."""
        self.counts = counts
        self._totals: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        for gram, count in counts.items():
            self._totals[gram[:-1]] += count
            self._kinds[gram[:-1]] += 1
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, text: str, character: str) -> float:
        """Natural logarithm of the probability that `character` follows `text` in a line."""
        context = (BEGIN + text)[1 - ORDER :]
        key = context, character
        if key not in self._known:
            self._known[key] = math.log(self._probability(context, character))
        return self._known[key]

    def _probability(self, context: str, character: str) -> float:
        probability = UNSEEN
        for begin in range(len(context), -1, -1):  # from no context to the longest
            before = context[begin:]
            total = self._totals[before]
            if total:
                kinds = self._kinds[before]
                probability = (self.counts.get(before + character, 0) + kinds * probability) / (total + kinds)
        return probability

    def bits(self, lines: Iterable[str]) -> float:
        """Mean bits a character over lines: lower is better."""
        logs = [self(line[:i], c) for line in lines for i, c in enumerate(line)]
        return -sum(logs) / max(1, len(logs)) / math.log(2)

    def to_bytes(self) -> bytes:
        """The counts as compressed JSON; nothing in it can run code."""
        return zlib.compress(json.dumps(self.counts, ensure_ascii=False, sort_keys=True).encode("utf-8"), 9)

    @staticmethod
    def from_bytes(data: bytes) -> Language:
        """The inverse. Raises SightlineError where the data is damaged, or unpacks to more than 1 GiB."""
        try:
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(data, LARGEST)
            if not unpacker.eof:
                raise ValueError("it is cut short, or larger than 1 GiB")
            counts: Any = json.loads(text)
            return Language({str(gram): int(count) for gram, count in counts.items()})
        except (zlib.error, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise SightlineError(f"the language model is damaged ({type(error).__name__})", "assets/language") from None


def learn(lines: Iterable[str]) -> Language:
    """The model of these lines; rare long n-grams are left out."""
    counts: Counter[str] = Counter()
    for line in lines:
        padded = BEGIN + line
        for end in range(1, len(padded)):
            for length in range(1, min(ORDER, end + 1) + 1):
                counts[padded[end + 1 - length : end + 1]] += 1
    return Language({gram: count for gram, count in counts.items() if count > LEAST[len(gram) - 1]})


def read_lines(path: str, form: str) -> list[str]:
    """The lines of a text file in that normal form, in the order in which they stand on a page.

    Raises SightlineError where the file cannot be read or is empty.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(
            f"the text of the language model cannot be read ({error})", path, "give auto, none, or a text file, UTF-8"
        ) from None
    lines = [visual(normalise(line, form)) for line in text.splitlines() if line.strip()]
    if not lines:
        raise SightlineError("the text of the language model is empty", path)
    return lines
