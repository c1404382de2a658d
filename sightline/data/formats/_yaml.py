"""The little of YAML that a YOLO data.yaml uses: names with texts, lists and tables, one level deep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

Value = str | list[str] | dict[str, str]
_OPEN, _CLOSED = "[{", "]}"


def parse(text: str) -> dict[str, Value]:
    """The names at the left margin with what they hold: a text ("" for none), a list, or a table of texts.

    Lists and tables may be written in brackets, over several lines too, or as a block. What else YAML knows (anchors,
    tags, deeper levels, texts of several lines) is passed over. Never raises.
    """
    found: dict[str, Value] = {}
    key = ""
    for line in _logical_lines(text):
        inside = line.strip()
        item = re.match(r"-(?:\s+|$)(.*)", inside)
        held = found.get(key)
        if item:
            if held == "":
                held = found[key] = []
            if isinstance(held, list):
                held.append(_text(item[1]))
        elif line[0] in " \t":
            pair = _pair(inside)
            if held == "" and pair:
                held = found[key] = {}
            if isinstance(held, dict) and pair:
                held[_text(pair[0])] = _text(pair[1])
        else:
            pair = _pair(inside)
            key = _text(pair[0]) if pair else ""
            if pair:
                found[key] = _value(pair[1])
    return found


def _logical_lines(text: str) -> Iterator[str]:
    """The lines that say something, without comments; those of an open bracket are one."""
    pending: list[str] = []
    depth = 0
    for line in text.splitlines():
        bare = _uncommented(line).rstrip()
        if not bare.strip() or (not pending and bare in ("---", "...")):
            continue
        depth += _depth(bare if pending else _opening(bare))
        pending.append(bare.strip() if pending else bare)
        if depth <= 0:
            yield " ".join(pending)
            pending, depth = [], 0
    if pending:
        yield " ".join(pending)


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """The characters outside of quotes, with their places. A quote opens only where a text begins."""
    quote, before, escaped = "", "", False
    for place, character in enumerate(text):
        if quote:
            closed = character == quote and not escaped
            escaped = quote == '"' and character == "\\" and not escaped
            quote = "" if closed else quote
        elif character in "'\"" and before in ("", *"[{,:-'"):  # after ': a quote that is written twice
            quote, escaped = character, False
        else:
            yield place, character
        before = before if character in " \t" else character


def _uncommented(line: str) -> str:
    for place, character in _marks(line):
        if character == "#" and (not place or line[place - 1] in " \t"):
            return line[:place]
    return line


def _opening(line: str) -> str:
    """What a line holds where it opens a bracket; "" where brackets in it are but letters."""
    pair = _pair(line.strip())
    value = pair[1] if pair else line.strip().removeprefix("- ")
    return value if value[:1] in tuple(_OPEN) else ""


def _depth(text: str) -> int:
    return sum((mark in _OPEN) - (mark in _CLOSED) for _, mark in _marks(text))


def _pair(text: str) -> tuple[str, str] | None:
    """What stands before and after the first `: `."""
    for place, character in _marks(text):
        if character == ":" and text[place + 1 : place + 2] in ("", " ", "\t"):
            return text[:place].strip(), text[place + 1 :].strip()
    return None


def _value(text: str) -> Value:
    if text[:1] not in tuple(_OPEN):
        return _text(text)
    closing = _CLOSED[_OPEN.index(text[0])]
    parts = [part for part in _parts(text[1:].rstrip().removesuffix(closing)) if part]
    if text[0] == "[":
        return [_text(part) for part in parts]
    pairs = [pair for pair in map(_pair, parts) if pair]
    return {_text(name): _text(value) for name, value in pairs}


def _parts(text: str) -> Iterator[str]:
    start = 0
    for place, character in _marks(text):
        if character == ",":
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def _text(text: str) -> str:
    """A text without its quotes; `null` and `~` are none."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return "" if text in ("~", "null", "|", ">") else text
