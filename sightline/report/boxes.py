"""The section for boxes: how many of each size are found."""

from __future__ import annotations

from sightline.report import numbers
from sightline.report.facts import Facts
from sightline.report.html import Html, tag
from sightline.report.page import Section
from sightline.report.words import Words


def by_size(facts: Facts, t: Words) -> Section | None:
    """A row a size of boxes."""
    curve = facts.curve("by_size")
    if not curve.get("size"):
        return None
    rows: list[Html] = []
    for size, count, found in zip(curve["size"], curve["boxes"], curve["found"], strict=True):
        cells = [tag("td", text, cls="num") for text in (numbers.count(count), numbers.percent(found))]
        rows.append(tag("tr", tag("th", t(f"size_{size}"), scope="row"), *cells))
    words = [t("size"), t("boxes"), t("found")]
    heads = [tag("th", word, scope="col", cls="num" if n else None) for n, word in enumerate(words)]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), cls="plain narrow")
    return Section("by-size", t.plain("by_size"), table, t.plain("by_size_lead"))
