"""HTML from values: everything is escaped unless it is `Html` already."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable


class Html(str):
    """Text that is HTML already; nothing else goes into a page unescaped."""


_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EMPTY = {"img", "meta"}
_SHAPES = {"path", "line", "circle"}


def clean(text: object) -> str:
    """Plain text without what HTML and UTF-8 cannot hold: control characters and lone surrogates become U+FFFD."""
    return _UNSHOWN.sub("\ufffd", str(text))


def escape(value: object) -> Html:
    """HTML stays, everything else is escaped, quotes too."""
    return value if isinstance(value, Html) else Html(html.escape(clean(value)))


def given(text: object) -> Html:
    """A text that the user gave (a class, a file), kept apart from ours: a right-to-left name cannot turn a sentence.

    No line may grow beyond the page, so a long name may break anywhere.
    """
    return Html(f'<bdi class="given">{escape(clean(text))}</bdi>')


def join(parts: Iterable[object], between: str = "") -> Html:
    """The parts, escaped where needed; `between` is ours."""
    return Html(between.join(escape(part) for part in parts))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """One element. `cls` is class, `_` becomes `-`; None and False leave an attribute out, True writes it bare."""
    text: list[str] = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        shown = "class" if key == "cls" else key.rstrip("_").replace("_", "-")
        text.append(f" {shown}" if value is True else f' {shown}="{html.escape(clean(value))}"')
    opening = f"<{name}{''.join(text)}"
    if name in _EMPTY | _SHAPES:
        return Html(f"{opening}>" if name in _EMPTY else f"{opening}/>")
    return Html(f"{opening}>{join(children)}</{name}>")
