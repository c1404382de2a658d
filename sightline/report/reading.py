"""Sections for text that was read: the characters most often mistaken, the error by length and by frequency."""

from __future__ import annotations

from typing import Any

from sightline.report import numbers
from sightline.report.facts import Facts
from sightline.report.html import Html, given, join, tag
from sightline.report.page import Section
from sightline.report.words import Words

LISTED = 20


def reading(facts: Facts, t: Words) -> Section | None:
    """Tables of mistaken characters, and of the error by the length of lines and the frequency of characters."""
    confused = facts.curve("confused")
    if not confused:
        return None
    rows = list(zip(confused["truth"], confused["read"], confused["count"], strict=True))[:LISTED]
    pairs = [[_letter(truth), _letter(read), numbers.count(count)] for truth, read, count in rows]
    body: list[Html] = []
    if pairs:
        body.append(_table(("truth", "answer", "times"), pairs, t))
    lengths, often = facts.curve("by_length"), facts.curve("by_frequency")
    if lengths.get("from"):
        cells = [
            [Html(f"≥ {low}"), numbers.count(lines), numbers.percent(cer)]
            for low, lines, cer in zip(lengths["from"], lengths["lines"], lengths["cer"], strict=True)
        ]
        body += [tag("h3", t("by_length")), _table(("line_length", "lines", "error_rate"), cells, t)]
    if often.get("from"):
        cells = [
            [Html(f"≥ {low}"), numbers.count(support), numbers.percent(missed)]
            for low, support, missed in zip(often["from"], often["support"], often["missed"], strict=True)
        ]
        body += [tag("h3", t("by_frequency")), _table(("times_in_train", "characters", "missed"), cells, t)]
    return Section("reading", t.plain("reading"), join(body), t.plain("reading_lead"))


def _letter(text: str) -> Html:
    return tag("code", given(text if text.strip() else "␣"))


def _table(heads: tuple[str, ...], rows: list[list[Any]], t: Words) -> Html:
    head = tag("tr", *(tag("th", t(key), scope="col", cls="num" if n else None) for n, key in enumerate(heads)))
    lines = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell, cls="num") for cell in row[1:])) for row in rows
    ]
    return tag("table", tag("thead", head), tag("tbody", *lines), cls="plain narrow")
