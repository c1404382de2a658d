"""The page in a real browser: no request, no error, no sideways scrolling on a phone, dark where that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_facts import NASTY, facts

from sightline.report.build import render
from sightline.report.words import LANGUAGES


@pytest.fixture(scope="module", params=[(lang, names) for lang in LANGUAGES for names in ("plain", "nasty")])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lang, names = request.param
    made = facts(NASTY, data="a" * 150) if names == "nasty" else facts()
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(made, lang), encoding="utf-8")
    return path


def opened(browser: Any, path: Path, width: int = 1100, **options: Any) -> tuple[Any, list[str]]:
    """The page, and all that it said or asked for."""
    page = browser.new_context(viewport={"width": width, "height": 800}, **options).new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url) if request.url.split(":")[0] != "data" else None)
    page.goto(path.as_uri())
    return page, heard


def test_it_loads_nothing_and_complains_about_nothing(browser: Any, place: Path) -> None:
    page, heard = opened(browser, place)
    assert heard == [place.as_uri()]
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_sticks_out_sideways(browser: Any, place: Path, width: int) -> None:
    page, _ = opened(browser, place, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.body.getBoundingClientRect().width") <= width


def test_it_reads_without_script(browser: Any, place: Path) -> None:
    page, _ = opened(browser, place, java_script_enabled=False)
    assert page.locator("section").count() == page.locator("section >> visible=true").count() == 13


def test_dark_is_dark_and_legible(browser: Any, place: Path) -> None:
    shades: dict[str, list[float]] = {}
    for scheme in ("light", "dark"):
        page, _ = opened(browser, place, color_scheme=scheme)
        shades[scheme] = page.evaluate(CONTRASTS)
    assert min(shades["light"] + shades["dark"]) >= 4.5
    assert shades["light"] != shades["dark"]


CONTRASTS = """() => {
  const light = text => {
    const parts = text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255);
    const [r, g, b] = parts.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const texts = "h1,h2,p,.lead,.wrong,.right,.file,a,small,figcaption,.card li,dt";
  return [...document.querySelectorAll(texts)].map(node => {
    const ink = light(getComputedStyle(node).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  });
}"""


def test_a_table_is_sorted_by_a_click_or_a_key(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(facts()), encoding="utf-8")
    page, heard = opened(browser, path)
    names = "[...document.querySelectorAll('#per-class tbody th')].map(cell => cell.textContent)"
    assert page.evaluate(names) == ["cat", "dog", "bird"]
    button = page.locator("#per-class thead button").first
    button.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(names) == ["bird", "cat", "dog"]
    button.click()
    assert page.evaluate(names) == ["dog", "cat", "bird"]
    assert page.locator("#per-class thead th[aria-sort=descending]").count() == 1 and heard == [path.as_uri()]


def test_it_prints_on_a4_without_cut_charts(browser: Any, place: Path) -> None:
    page, _ = opened(browser, place, 680)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 681
    assert page.evaluate("getComputedStyle(document.querySelector('.contents')).display") == "none"
    breaks = "[...document.querySelectorAll('.charts figure,.shot')].map(e => getComputedStyle(e).breakInside)"
    assert set(page.evaluate(breaks)) == {"avoid"}
    assert page.pdf(format="A4")[:5] == b"%PDF-"
