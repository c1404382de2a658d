"""The page: skeleton, contents, style. One file that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.report.html import Html, clean, escape, join, tag
from sightline.report.style import SCRIPT, STYLE
from sightline.report.words import CODES, Words

GENERATOR = "Sightline report"


@dataclass(frozen=True)
class Section:
    """A part of the page. `id`: its place for links; `title`: its heading; `lead`: one sentence below it."""

    id: str
    title: str
    body: Html
    lead: str = ""


def page(title: str, sections: Sequence[Section], lang: str, head: Html | None = None) -> str:
    """One self-contained HTML document; `head` stands above the contents."""
    t = Words(lang)
    sha = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    # Even a mistake of ours in escaping could then neither run anything nor fetch anything.
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{sha}'"
    metas = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=GENERATOR),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", clean(title)),
        tag("style", Html(STYLE)),
    ]
    links = [tag("li", tag("a", section.title, href=f"#{section.id}")) for section in sections]
    contents = tag("nav", tag("ol", *links), cls="contents", aria_label=t.plain("contents")) if links else ""
    body = [
        head or "",
        contents,
        tag("main", *map(_section, sections)),
        tag("footer", tag("p", t("footer"))),
        tag("script", Html(SCRIPT)),
    ]
    document = tag("html", tag("head", *metas), tag("body", *body), lang=CODES[lang])
    return f"<!doctype html>\n{document}\n"


def _section(section: Section) -> Html:
    lead = tag("p", section.lead, cls="lead") if section.lead else ""
    heading = tag("h2", section.title, id=f"{section.id}-title")
    return tag("section", heading, lead, section.body, id=section.id, aria_labelledby=f"{section.id}-title")


def figure(picture: object, caption: object = "", note: object = "", cls: str = "") -> Html:
    """A picture with a heading above and a sentence below it."""
    parts = [tag("h3", caption) if caption else "", picture, tag("figcaption", note) if note else ""]
    return tag("figure", *parts, cls=cls or None)


def scroller(content: object, label: str, tall: bool = False) -> Html:
    """What may be wider than a phone scrolls in its own frame, by keyboard too; on paper it is whole."""
    cls = "scroller tall" if tall else "scroller"
    return tag("div", content, cls=cls, role="region", tabindex="0", aria_label=label)


def listed(items: Sequence[object]) -> Html:
    """Items as a list; empty for none."""
    return tag("ul", *(tag("li", item) for item in items)) if items else Html("")


def pairs(rows: Sequence[tuple[object, object]], cls: str = "pairs") -> Html:
    """Names and values."""
    return tag("dl", join(tag("div", tag("dt", name), tag("dd", escape(value))) for name, value in rows), cls=cls)
