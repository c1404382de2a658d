"""Sections about the data: what the check found, with pictures; how many images of what; their sizes."""

from __future__ import annotations

import shlex

from sightline.report import numbers
from sightline.report.facts import Facts, Found, Shown
from sightline.report.gallery import image
from sightline.report.html import Html, given, join, tag
from sightline.report.page import Section, pairs, scroller
from sightline.report.words import Words

LISTED = 10
MOST_ROWS = 500
PARTS = ("train", "val", "test")


def check(facts: Facts, t: Words) -> Section | None:
    """The findings, the worst first, each with what it means and what to do; then counts and sizes."""
    if not facts.findings and not facts.classes:
        return None
    found = [_finding(one, t) for one in facts.findings] or [tag("p", t("nothing_found"), cls="good")]
    lead = t.plain("data_check_trained" if facts.verb == "evaluate" else "data_check_lead")
    return Section("data-check", t.plain("data_check"), join([*found, _counts(facts, t)]), lead)


def _finding(one: Found, t: Words) -> Html:
    title, why = f"found_{one.code}", f"found_{one.code}_why"
    known = t.has(title)
    # Our own sentence is the more exact one, but it is English.
    heading = t(title, n=numbers.count(one.count)) if known and t.lang != "en" else given(_sentence(one.message))
    parts = [
        tag("h3", tag("span", t(f"level_{one.level}"), cls=f"level {one.level}"), " ", heading),
        tag("p", t(why)) if t.has(why) else "",
        *(_group(group, t) for group in one.groups),
    ]
    told = one.items[len(one.groups) :]
    if told:
        items = [tag("li", given(item)) for item in told[:LISTED]]
        rest = max(one.count, len(one.items)) - len(one.groups) - len(items)
        if rest > 0:
            items.append(tag("li", t("and_more", n=numbers.count(rest))))
        parts.append(tag("ul", *items, cls="files"))
    return tag("div", *parts, cls="finding")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _group(group: tuple[Shown, ...], t: Words) -> Html:
    shots: list[Html] = []
    for one in group:
        labels = tag("span", given(one.truth), cls="verdict") if one.truth else ""
        if one.label and not one.right:
            arrow = tag("span", t("looks_like", label=given(one.label)), cls="wrong")
            labels = tag("span", given(one.truth), " ", arrow, cls="verdict")
        alt = t.plain("alt_example", name=one.name, truth=one.truth)
        caption = tag("figcaption", labels, tag("span", given(one.name), cls="file"))
        shots.append(tag("figure", tag("div", image(one.picture, alt), cls="one"), caption, cls="shot"))
    return tag("div", *shots, cls="shots group" if len(group) > 1 else "shots")


def _counts(facts: Facts, t: Words) -> Html:
    parts: list[Html] = []
    if facts.classes:
        parts += [tag("h3", t("counts")), _class_table(facts, t)]
    if facts.sizes:
        parts.append(tag("p", _sizes(facts, t), cls="aside"))
    return join(parts)


def _class_table(facts: Facts, t: Words) -> Html:
    columns = [part for part in PARTS if facts.parts.get(part)]
    totals = {name: sum(row.values()) for name, row in facts.classes.items()}
    heads = [tag("th", t("holds"), scope="col")]
    heads += [tag("th", t(f"part_{part}"), scope="col", cls="num") for part in columns]
    heads.append(tag("th", t("total"), scope="col", cls="num"))
    rows: list[Html] = []
    for name, row in list(facts.classes.items())[:MOST_ROWS]:
        values = [*(row.get(part, 0) for part in columns), totals[name]]
        cells = [tag("td", numbers.count(value), cls="num", data_value=value) for value in values]
        rows.append(tag("tr", tag("th", given(name), scope="row"), *cells))
    # Images, not what the rows add up to: one may hold several labels.
    images = [facts.parts[part] for part in columns]
    last = [tag("td", numbers.count(value), cls="num") for value in [*images, sum(images)]]
    foot = tag("tfoot", tag("tr", tag("th", t("all"), scope="row"), *last))
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), foot, cls="plain sortable narrow")
    note = ""
    if len(facts.classes) > MOST_ROWS:
        note = tag("p", t("first_rows", shown=MOST_ROWS, all=numbers.count(len(facts.classes))), cls="aside")
    return join([note, scroller(table, t.plain("counts"), len(facts.classes) > 40)])


def _sizes(facts: Facts, t: Words) -> Html:
    width, height = facts.sizes["width"], facts.sizes["height"]
    shown = {
        f"{name}_{end}": numbers.count(side[end])
        for name, side in (("w", width), ("h", height))
        for end in ("min", "median", "max")
    }
    same = width["min"] == width["max"] and height["min"] == height["max"]
    return t("sizes_same" if same else "sizes", **shown, colour=numbers.count(facts.sizes.get("colour", 0)))


def steps(facts: Facts, t: Words) -> Section | None:
    """What to do after a check."""
    if facts.verb != "check":
        return None
    levels = {one.level for one in facts.findings}
    key = "check_error" if "error" in levels else "check_warning" if "warning" in levels else "check_clean"
    said = [tag("p", tag("strong", t(key)))]
    worst = [one for one in facts.findings if one.level in ("error", "warning")]
    rows = [
        (tag("a", t(f"found_{one.code}", n=numbers.count(one.count)), href="#data-check"), t(f"level_{one.level}"))
        for one in worst
        if t.has(f"found_{one.code}")
    ]
    if rows:
        said.append(pairs([(level, link) for link, level in rows]))
    if "error" not in levels:
        said.append(tag("p", t("check_next", command=tag("code", f"sightline train {shlex.quote(facts.data)}"))))
    return Section("in-short", t.plain("in_short"), join(said))
