"""Names that would not be seen, for tables that people read."""

from __future__ import annotations

import unicodedata


def visible(name: str) -> str:
    """The name; a single character that is not seen, or joins the one before it, by its Unicode name: `<space>`."""
    if len(name) != 1 or not (name.isspace() or unicodedata.combining(name) or not name.isprintable()):
        return name
    return f"<{unicodedata.name(name, f'U+{ord(name):04X}').lower()}>"
