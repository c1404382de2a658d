"""HTML from values, and numbers as people read them."""

from __future__ import annotations

import html

import pytest
from hypothesis import given as examples
from hypothesis import strategies
from report_facts import NASTY

from sightline.report import numbers
from sightline.report.html import Html, clean, escape, given, join, tag


@examples(strategies.text())
def test_whatever_text_comes_it_reads_the_same_and_opens_no_tag(text: str) -> None:
    shown = escape(text)
    assert "<" not in shown and '"' not in shown
    assert html.unescape(shown).replace("\r", "") == clean(text).replace("\r", "")


@pytest.mark.parametrize("name", NASTY)
def test_a_users_text_is_escaped_and_kept_apart(name: str) -> None:
    shown = given(name)
    assert shown.startswith("<bdi") and shown.endswith("</bdi>") and "<script" not in shown


def test_what_no_page_can_hold_is_replaced() -> None:
    text = clean("a\x00b\udc80c\x1bd\ne")
    assert text == "a\ufffdb\ufffdc\ufffdd\ne"
    text.encode()


def test_tags_escape_children_and_attributes_but_not_html() -> None:
    assert tag("p", "1 < 2", tag("b", "x"), cls="a", title='"', hidden=True, lang=None) == (
        '<p class="a" title="&quot;" hidden>1 &lt; 2<b>x</b></p>'
    )
    assert tag("img", src="x") == '<img src="x">'
    assert tag("path", d="M0 0") == '<path d="M0 0"/>'
    assert join(["<", Html("<br>")], ", ") == "&lt;, <br>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.8609, "86.1%"),
        (0.9999, ">99.9%"),
        (0.0001, "<0.1%"),
        (0.87, "87.0%"),
        (1.5, "150.0%"),
    ],
)
def test_a_percentage_never_claims_all_or_nothing_wrongly(value: float, text: str) -> None:
    assert numbers.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.8615, "0.862"), (12.345, "12.35"), (1234.5, "1,234"), (1234, "1,234"), (float("inf"), "∞")]
)
def test_a_number_has_as_many_digits_as_help(value: float, text: str) -> None:
    assert numbers.number(value) == text


def test_an_interval_says_its_unit_once() -> None:
    assert numbers.span("accuracy", [0.851, 0.87]) == "85.1–87.0%"
    assert numbers.span("nll", [0.851, 0.87]) == "0.851–0.870"
