"""How the page looks: on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.tables import TASKS

from .browser import Visit


@pytest.mark.parametrize("name", TASKS)
def test_nothing_sticks_out_on_a_phone(
    name: str, browser: Any, address: Callable[..., str], images: list[Path]
) -> None:
    visit = Visit(browser, address(name), viewport={"width": 360, "height": 700}, has_touch=True)
    wide = "document.documentElement.scrollWidth"
    assert visit.page.evaluate(wide) == 360
    visit.take(*images)
    visit.page.click("#explain")
    visit.page.wait_for_selector(".heat")
    assert visit.page.evaluate(wide) == 360
    visit.page.click("#language")
    assert visit.texts("#language") == ["English"] and visit.page.evaluate(wide) == 360
    heights = [box.bounding_box()["height"] for box in visit.page.locator(".buttons button >> visible=true").all()]
    assert min(heights) >= 40


def test_texts_are_legible_in_light_and_dark(browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        visit = Visit(browser, address("multilabel"), color_scheme=scheme)
        visit.take(*images)
        shades[scheme] = visit.page.evaluate(CONTRASTS)
        assert min(shades[scheme].values()) >= 4.5, shades[scheme]
    assert shades["light"] != shades["dark"]


CONTRASTS = """() => {
  const light = text => {
    const parts = text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255);
    const [r, g, b] = parts.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const under = node => {
    const colour = getComputedStyle(node).backgroundColor;
    return /, 0\\)$/.test(colour) ? under(node.parentElement) : colour;
  };
  const found = {};
  for (const node of document.querySelectorAll("h1 *,p,button,label,output,span,figcaption")) {
    if (!node.checkVisibility() || !node.innerText?.trim() || node.closest(".cross,.welcome")) continue;
    const [ink, paper] = [light(getComputedStyle(node).color), light(under(node))];
    found[node.className + node.id + node.innerText] = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  }
  return found;
}"""
