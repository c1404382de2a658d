"""Several labels of one image as one text: their names with `;` between them; an empty text is none of them."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = ";"


def names_in(text: str) -> tuple[str, ...]:
    """The names in `b; a;b`, each once and in the order of `joined`: (`a`, `b`)."""
    return tuple(sorted({name.strip() for name in text.split(SEPARATOR)} - {""}))


def joined(names: Iterable[str]) -> str:
    """The one text that stands for these names, whatever their order: equal sets are equal texts."""
    return SEPARATOR.join(sorted(set(names)))
