"""Text as Read sees it: one normal form, one charset."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sightline.core.errors import SightlineError

FORMS = ("NFC", "NFD", "NFKC", "none")
_FOLDED = str.maketrans(
    {"ſ": "s", "ꝛ": "r", "⸳": "."}
    | dict.fromkeys("⸗—–‐‑−¬", "-")
    | dict.fromkeys("‘’‚‛", "'")
    | dict.fromkeys("„“”‟", '"')
)
_UMLAUTS = {"aͤ": "ä", "oͤ": "ö", "uͤ": "ü", "Aͤ": "Ä", "Oͤ": "Ö", "Uͤ": "Ü"}


def normalise(text: str, form: str) -> str:
    """The text in a Unicode normal form (`none` leaves it), white space folded to single spaces, none at the ends."""
    if form != "none":
        text = unicodedata.normalize(form, text)  # pyright: ignore[reportArgumentType]
    return " ".join(text.split())


def fold(text: str) -> str:
    """Spellings of the same letter made one: long s, round r, umlauts with a small e, double hyphens, quotes."""
    for old, new in _UMLAUTS.items():
        text = text.replace(old, new)
    return unicodedata.normalize("NFC", text).translate(_FOLDED)


def charset(texts: Iterable[str]) -> tuple[str, ...]:
    """All characters (code points) of the texts, sorted. Raises SightlineError where there are none."""
    found = tuple(sorted(set("".join(texts))))
    if not found:
        raise SightlineError("the transcripts are all empty", fix="check the .gt.txt files or the column `text`")
    return found
