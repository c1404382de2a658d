"""The page in headless Chromium, with answers made up: what it shows, and how it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.tables import TASKS

from .browser import Visit
from .pages import CLASSES


@pytest.mark.parametrize("name", TASKS)
def test_an_image_is_answered(name: str, browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    visit = Visit(browser, address(name))
    assert visit.page.locator("#panel").is_hidden() and visit.page.locator("#ready").is_visible()
    visit.take(images[0])
    assert visit.page.locator("#answer").inner_text() and visit.page.locator("#welcome").is_hidden()
    assert visit.texts("#caption .name") == ["first.png"]
    layers = {"detect": ".box", "segment": ".layer canvas", "read": ".place"}
    if name in layers:
        frame = visit.page.locator("#frame").bounding_box()
        for box in visit.page.locator(layers[name]).all():
            inside = box.bounding_box()
            assert inside["x"] >= frame["x"] - 1 and inside["y"] >= frame["y"] - 1
            assert inside["x"] + inside["width"] <= frame["x"] + frame["width"] + 1
    assert visit.page.locator("#tuning").is_visible() == (name != "regress")
    assert visit.heard == []


def test_names_are_text_and_never_html(browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    visit = Visit(browser, address("classify"))
    visit.take(*images[1:])
    assert visit.texts("#caption .name") == ["<i>second.png"]
    assert visit.texts(".row .name")[1] == CLASSES[1] and visit.page.locator(".row b, figcaption i").count() == 0


def test_images_are_dropped_and_pasted(browser: Any, address: Callable[..., str]) -> None:
    visit = Visit(browser, address("classify"))
    make = """async kind => {
      const canvas = new OffscreenCanvas(20, 20);
      canvas.getContext("2d").fillRect(0, 0, 9, 9);
      const data = new DataTransfer();
      data.items.add(new File([await canvas.convertToBlob()], kind + ".png", { type: "image/png" }));
      const event = kind === "drop"
        ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
      document.body.dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        visit.page.evaluate(make, kind)
        visit.page.wait_for_selector(f"#caption .name:text('{kind}.png')")
    assert visit.page.locator(".thumb").count() == 2


def test_a_picture_is_taken_by_the_camera(browser: Any, address: Callable[..., str]) -> None:
    visit = Visit(browser, address("classify"), permissions=["camera"])
    visit.page.click("#ready [data-do=camera]")
    visit.page.wait_for_selector("#shutter[open]")
    visit.until("document.querySelector('video').videoWidth > 0")
    visit.page.click("[data-do=close]")
    assert visit.page.locator("#panel").is_hidden() and not visit.page.evaluate(
        "document.querySelector('video').srcObject"
    )
    visit.page.click("#ready [data-do=camera]")
    visit.until("document.querySelector('video').videoWidth > 0")
    visit.page.click("[data-do=shoot]")
    visit.page.wait_for_selector("#answer .rows")
    assert visit.texts("#caption .name")[0].startswith("photo-") and not visit.page.locator("#shutter").is_visible()
    assert visit.heard == []


def test_where_there_is_no_camera_it_says_so(browser: Any, address: Callable[..., str]) -> None:
    visit = Visit(browser, address("classify"))
    none = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError') }"
    visit.page.evaluate(f"void ({none})")
    visit.page.click("#ready [data-do=camera]")
    assert "no camera" in visit.page.locator(".toast").inner_text()


def test_the_threshold_moves_the_answer(browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    visit = Visit(browser, address("detect"))
    visit.take(*images)
    assert visit.texts("#threshold-value") == ["as trained"]
    counts = {}
    for value in ("0", "0.05", "0.6", "0.9"):
        visit.page.locator("#threshold").fill(value)
        visit.page.wait_for_timeout(50)
        counts[value] = visit.page.locator(".box").count()
        assert visit.page.locator(".chip").count() == counts[value]
    assert counts["0.05"] > counts["0"] > counts["0.6"] > counts["0.9"]
    assert visit.texts("#threshold-value") == ["90%"]
    visit.page.locator("#threshold").dispatch_event("change")
    visit.page.locator(".thumb").nth(2).click()
    assert visit.page.locator(".box").count() == counts["0.9"]


@pytest.mark.parametrize("name", TASKS)
def test_what_an_answer_rests_on_is_shown(
    name: str, browser: Any, address: Callable[..., str], images: list[Path]
) -> None:
    visit = Visit(browser, address(name))
    visit.take(*images)
    visit.page.click("#explain")
    visit.page.wait_for_selector(".heat")
    assert visit.page.locator("#explain").get_attribute("aria-pressed") == "true"
    assert visit.texts("#explain") == ["Hide why"] and "Brightest" in visit.texts("#reason-text")[0]
    if name != "regress":
        visit.page.locator("#answer [data-item='2']").click()
        visit.until("window.asked.length === 2")
        visit.page.wait_for_selector(".heat")
        first, second = visit.page.evaluate("window.asked")
        assert first != second and set(second) <= {"label", "item"}
    visit.page.locator(".thumb").nth(1).click()
    assert visit.page.locator(".heat").count() == 0
    assert visit.page.locator("#explain").get_attribute("aria-pressed") == "false" and visit.heard == []


def test_an_explanation_can_be_left_and_can_fail(browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    visit = Visit(browser, address("classify"))
    visit.take(*images)
    visit.page.evaluate("window.slow = 300")
    visit.page.click("#explain")
    assert visit.page.locator("#explaining").is_visible()
    visit.page.click("#explain")
    visit.page.wait_for_timeout(500)
    assert visit.page.locator(".heat").count() == 0 and visit.page.locator("#explaining").is_hidden()
    visit.page.evaluate("window.fails = true; window.slow = 0")
    visit.page.click("#explain")
    visit.page.wait_for_selector("#reason-text:text('no such answer')")
    assert visit.texts("#explain") == ["Show why"] and visit.heard == []


def test_both_languages(browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    visit = Visit(browser, address("classify"), locale="zh-CN")
    assert visit.page.evaluate("document.documentElement.lang") == "zh-Hans"
    visit.take(images[0])
    chinese = visit.page.locator("body").inner_text()
    assert "最低置信度" in chinese and "Minimum" not in chinese
    visit.page.click("#language")
    assert "Minimum confidence" in visit.page.locator("body").inner_text()
    visit.page.reload()
    visit.page.wait_for_selector("body[data-ready]")
    assert visit.texts("#language") == ["中文"] and visit.page.evaluate("document.documentElement.lang") == "en"


def test_both_languages_say_the_same_things(node: Callable[..., Any]) -> None:
    words = node("words.js", "WORDS")
    assert words["en"].keys() == words["zh"].keys()
    for key, text in words["en"].items():
        wanted = {part.split("}")[0] for part in text.split("{")[1:]}
        assert wanted == {part.split("}")[0] for part in words["zh"][key].split("{")[1:]}, key


def test_a_broken_image_says_what_is_wrong(
    browser: Any, address: Callable[..., str], images: list[Path], broken: Path
) -> None:
    visit = Visit(browser, address("classify"))
    visit.take(broken, images[0])
    assert "This is no image" in visit.texts("#problem")[0]
    assert visit.page.locator("#reason").is_hidden() and visit.page.locator("li.bad").count() == 1
    visit.page.locator(".thumb").nth(1).click()
    assert visit.page.locator("#problem").is_hidden() and visit.page.locator(".row").count() == 3


def test_all_of_it_works_by_keyboard(browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    visit = Visit(browser, address("classify"))
    visit.take(*images)
    press, name = visit.page.keyboard.press, "#caption .name"
    visit.page.locator(".thumb").first.focus()
    press("ArrowRight")
    assert visit.texts(name) == ["<i>second.png"]
    press("Delete")
    assert visit.texts(name) == ["third.png"] and visit.page.locator(".thumb").count() == 2
    reached = set()
    for _ in range(30):
        press("Tab")
        reached |= set(
            visit.page.evaluate("(one => [one.id, one.dataset.do, ...one.classList])(document.activeElement)")
        )
    assert {"language", "threshold", "explain", "choose", "camera", "json", "csv", "row", "thumb"} <= reached
    visit.page.locator(".row").nth(1).focus()
    press("Enter")
    assert visit.page.locator(".row").nth(1).get_attribute("aria-pressed") == "true"
    press("ArrowDown")
    press("Enter")
    assert visit.page.locator(".row").nth(2).get_attribute("aria-pressed") == "true"
    assert visit.page.locator(".row[tabindex='0']").count() == 1, "one stop of the Tab key"
    for _ in range(2):
        visit.page.locator(".cross").first.focus()
        press("Enter")
    assert visit.page.locator("#ready").is_visible() and visit.page.locator("#panel").is_hidden()


def test_other_addresses_are_out_of_reach(browser: Any, address: Callable[..., str]) -> None:
    visit = Visit(browser, address("classify"))
    reach = "fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'refused')"
    assert visit.page.evaluate(reach) == "refused"
    assert any("Content Security Policy" in text for text in visit.heard)


def test_one_of_several_models_is_picked(browser: Any, address: Callable[..., str], images: list[Path]) -> None:
    visit = Visit(browser, address("classify", "detect"))
    visit.take(*images)
    assert visit.page.locator(".row").count() == 3
    visit.page.locator("#model select").select_option("my detect")
    visit.page.wait_for_selector(".chip")
    assert visit.page.locator(".row").count() == 0 and visit.page.title() == "my detect · Sightline"
    assert "Detection" in visit.texts("#model")[0] and visit.heard == []
