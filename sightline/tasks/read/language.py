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
from sightline.data.bidi import visual
from sightline.tasks.read.text import normalise

ORDER = 6
BEGIN = "\n"
"""Stands before a line: no transcript holds it."""
MOST, LONG = 120_000, 4
"""n-grams that are kept; where there are more, the rarest of at least so many characters are left out."""
UNIT = 100
"""Costs are whole numbers, in hundredths of a nat: as exact as is needed, and the same in every program."""
LARGEST = 2**30
"""Bytes that a language model may unpack to."""
REMEMBERED = 500_000
"""Answers that are kept, about 60 MB: a server must not grow with what it reads."""


class Language:
    """What a character costs after others: the negative logarithm of its probability."""

    def __init__(self, costs: dict[str, int], skips: dict[str, int], unseen: int) -> None:
        """costs: of the last character of each n-gram after those before it. skips: of passing from a context to the
        one without its first character, where what follows was not seen after it; 0 where none is given. unseen: of
        a character that is in no n-gram, once no context is left. All in hundredths of a nat."""
        self.costs, self.skips, self.unseen = costs, skips, unseen
        self._known: dict[str, float] = {}

    def __call__(self, text: str, character: str) -> float:
        """Natural logarithm of the probability that `character` follows `text` in a line."""
        context = text[1 - ORDER :] if len(text) >= ORDER - 1 else BEGIN + text
        gram = context + character
        found = self._known.get(gram)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[gram] = self._log(context, character)
        return found

    def _log(self, context: str, character: str) -> float:
        cost = 0
        while (last := self.costs.get(context + character)) is None:
            cost += self.skips.get(context, 0)
            if not context:
                return -(cost + self.unseen) / UNIT
            context = context[1:]
        return -(cost + last) / UNIT

    def bits(self, lines: Iterable[str]) -> float:
        """Mean bits a character over lines: lower is better."""
        logs = [self(line[:i], c) for line in lines for i, c in enumerate(line)]
        return -sum(logs) / max(1, len(logs)) / math.log(2)

    def to_bytes(self) -> bytes:
        """Compressed JSON; nothing in it can run code."""
        whole = {"costs": self.costs, "skips": self.skips, "unseen": self.unseen}
        return zlib.compress(json.dumps(whole, ensure_ascii=False, sort_keys=True).encode("utf-8"), 9)

    @staticmethod
    def from_bytes(data: bytes) -> Language:
        """The inverse. Raises SightlineError where the data is damaged, or unpacks to more than 1 GiB."""
        try:
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(data, LARGEST)
            if not unpacker.eof:
                raise ValueError("it is cut short, or larger than 1 GiB")
            whole: Any = json.loads(text)
            if "costs" not in whole:
                raise SightlineError(
                    "the language model is of an older kind, which is not read any more", "assets/language",
                    "train the reader again",
                )  # fmt: skip
            costs, skips, unseen = (whole[name] for name in ("costs", "skips", "unseen"))
            if {type(cost) for cost in (*costs.values(), *skips.values(), unseen)} != {int}:
                raise TypeError("a cost is no whole number")
            return Language(costs, skips, unseen)
        except (zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise SightlineError(f"the language model is damaged ({type(error).__name__})", "assets/language") from None


def learn(lines: Iterable[str]) -> Language:
    """The model of these lines: modified Kneser-Ney smoothing, interpolated (Chen and Goodman 1998, eq. 26 and 27)."""
    counts = _counts(lines)
    least = _least(counts)
    found: dict[str, float] = {}
    skips: dict[str, float] = {}
    unseen = 1 / (len(counts[0]) + 1)

    def shorter(gram: str) -> float:
        """The probability of its last character after the others, of which the first is already left out."""
        factor = 1.0
        while gram not in found:
            factor *= skips.get(gram[:-1], 1.0)
            if len(gram) < 2:
                return factor * unseen
            gram = gram[1:]
        return factor * found[gram]

    for length, used in enumerate(counts, 1):
        shares = _shares(used, least if length >= LONG else 0)
        rests: dict[str, float] = {}
        for gram, share in shares.items():
            rests[gram[:-1]] = rests.get(gram[:-1], 1.0) - share
        longer = {g: s + rests[g[:-1]] * (shorter(g[1:]) if length > 1 else unseen) for g, s in shares.items()}
        found |= longer
        skips |= rests
    return Language({g: _cost(p) for g, p in found.items()}, {g: _cost(p) for g, p in skips.items()}, _cost(unseen))


def _shares(used: Counter[str], least: int) -> dict[str, float]:
    """Of each n-gram that counts for more than `least`: its discounted share of what follows its context."""
    discounts, totals = _discounts(used), Counter[str]()
    for gram, count in used.items():
        totals[gram[:-1]] += count
    return {g: (c - discounts[min(c, 3)]) / totals[g[:-1]] for g, c in used.items() if c > least}


def _cost(probability: float) -> int:
    return round(-UNIT * math.log(max(probability, 1e-12)))


def _counts(lines: Iterable[str]) -> list[Counter[str]]:
    """For n-grams of 1 to 6 characters: how often the longest occur, and how many characters the others follow.

    Those at the begin of a line follow nothing, and are counted as they occur.
    """
    counts = [Counter[str]() for _ in range(ORDER)]
    for line in lines:
        padded = BEGIN + line
        for end in range(2, len(padded) + 1):
            for length in range(1, min(ORDER, end) + 1):
                counts[length - 1][padded[end - length : end]] += 1
    for length in range(1, ORDER):
        follows = Counter(gram[1:] for gram in counts[length])
        first = {gram: count for gram, count in counts[length - 1].items() if gram[0] == BEGIN}
        counts[length - 1] = follows + Counter(first)
    return counts


def _least(counts: list[Counter[str]]) -> int:
    """How often n-grams must occur at most to be left out, where there are too many."""
    least = 0
    while sum(len(used) for used in counts[: LONG - 1]) + sum(
        count > least for used in counts[LONG - 1 :] for count in used.values()
    ) > MOST and least < max(counts[-1].values(), default=0):
        least += 1
    return least


def _discounts(used: Counter[str]) -> tuple[float, float, float, float]:
    """What is taken from a count of 1, of 2, and of 3 and more, by place (Chen and Goodman 1998, eq. 26)."""
    n = Counter(count for count in used.values() if count <= 4)
    if not all(n[count] for count in (1, 2, 3, 4)):
        return 0.0, 0.5, 0.5, 0.5
    share = n[1] / (n[1] + 2 * n[2])
    one, two, three = (count - (count + 1) * share * n[count + 1] / n[count] for count in (1, 2, 3))
    return 0.0, min(max(one, 0.1), 0.9), min(max(two, 0.1), 1.9), min(max(three, 0.1), 2.9)


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
