"""The page that the server shows at `/`, in headless Chromium, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from server import Server
from tiny import TINY

import sightline
from sightline.explain.faithfulness import Faithfulness
from sightline.export.parity import compared
from sightline.tables import TASKS

from .browser import Visit

KEY = "one-key-of-at-least-16"


@pytest.fixture(scope="module")
def bundles(trained: Callable[..., Path]) -> dict[str, Path]:
    """A tiny bundle of each task."""
    runs = {name: trained(TINY[name].network[0], name) for name in TASKS}
    return {name: run / f"{run.name}.sightline" for name, run in runs.items()}


@pytest.fixture(scope="module")
def all_tasks(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """All tasks behind one address."""
    folder = tmp_path_factory.mktemp("models")
    for name, bundle in bundles.items():
        (folder / f"{name}.sightline").write_bytes(bundle.read_bytes())
    with Server(*sorted(folder.iterdir())) as server:
        yield server


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[Server]:
    """One model that tells classes apart."""
    with Server(bundle, "--max-body", "0.2") as server:
        yield server


def fulfilled(answer: dict[str, Any], route: Any) -> None:
    """In the server's place."""
    route.fulfill(**answer)


def saved(visit: Visit) -> list[dict[str, Any]]:
    with visit.page.expect_download() as download:
        visit.page.click("[data-do=json]")
    return json.loads(Path(download.value.path()).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TASKS)
def test_answers_and_explanations_are_the_servers(
    name: str, browser: Any, all_tasks: Server, bundles: dict[str, Path], images: list[Path]
) -> None:
    visit = Visit(browser, f"{all_tasks.address}/")
    visit.page.locator("#model select").select_option(name)
    visit.take(*images)
    visit.until("[...document.querySelectorAll('.told')].every(one => one.textContent !== '…')")
    rows = saved(visit)
    assert [row.pop("image") for row in rows] == [path.name for path in images]
    ours = [one.to_dict() for one in sightline.load(bundles[name]).predict(images)]
    found = compared(ours, rows)
    assert found["passed"], found
    if visit.page.locator("#explain").is_visible():
        visit.page.click("#explain")
        visit.page.wait_for_selector(".heat, #reason-text:text('cannot be explained')")
    assert "neither stores nor logs" in visit.texts("#privacy")[0] and visit.heard == []


def test_the_threshold_asks_the_server_for_the_last_place_only(
    browser: Any, server: Server, images: list[Path]
) -> None:
    visit = Visit(browser, f"{server.address}/")
    visit.take(*images)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    move = """() => {
      const slider = document.querySelector("#threshold");
      for (let value = 1; value <= 90; value++) {
        slider.value = value / 100;
        slider.dispatchEvent(new Event("input"));
      }
      slider.dispatchEvent(new Event("change"));
    }"""
    visit.page.evaluate(move)
    visit.until("[...document.querySelectorAll('.row .value')].every(one => parseFloat(one.textContent) >= 90)")
    visit.page.wait_for_load_state("networkidle")
    assert sum("min_confidence=0.9" in url for url in asked) == 3 and len(asked) < 10


def test_a_key_is_asked_for_and_kept_in_memory(browser: Any, bundle: Path, images: list[Path], tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY}\n")
    with Server(bundle, "--key-file", tmp_path / "keys") as server:
        visit = Visit(browser, f"{server.address}/", ready="#lock:not([hidden])")
        visit.page.keyboard.type("a key that is none of them")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("#wrong:not([hidden])")
        assert visit.page.locator("#ready").is_hidden()
        visit.page.locator("#key").fill(KEY)
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("body[data-ready]")
        visit.take(images[0])
        assert visit.page.locator(".row").count() == 3 and visit.page.locator("#lock").count() == 0
        kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
        assert KEY not in visit.page.evaluate(kept)
        visit.page.reload()
        visit.page.wait_for_selector("#lock:not([hidden])")
    assert KEY not in server.log


def test_what_goes_wrong_at_the_server_is_said(
    browser: Any, server: Server, images: list[Path], broken: Path, tmp_path: Path
) -> None:
    large, empty, strange = tmp_path / "large.png", tmp_path / "empty.png", tmp_path / "it.tiff"
    noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
    Image.fromarray(noise).save(large)
    empty.write_bytes(b"")
    Image.fromarray(noise[:50, :50]).save(strange)
    visit = Visit(browser, f"{server.address}/")
    visit.take(broken, large, empty, strange)
    visit.until("[...document.querySelectorAll('.told')].every(one => one.textContent !== '…')")
    rows = saved(visit)
    assert "cannot read this image: this is no image" in rows[0]["error"]
    assert "too large for the server" in rows[1]["error"] and "empty" in rows[2]["error"]
    assert "error" not in rows[3]
    visit.page.locator(".thumb").nth(3).click()
    assert "cannot show" in visit.texts("#unseen")[0] and visit.page.locator("#answer .rows").is_visible()
    busy = {"status": 503, "headers": {"retry-after": "0"}, "json": {"code": "busy", "detail": "so", "fix": "wait"}}
    left = [busy, busy]
    visit.page.route("**/predict?*", lambda route: route.fulfill(**left.pop()) if left else route.continue_())
    visit.take(images[0])
    visit.until("document.querySelector('#answer .rows') !== null")
    assert not left
    visit.page.unroute("**/predict?*")
    answers = (
        ({"status": 401, "json": {"code": "no-key", "detail": "no"}}, "Reload the page to enter", False),
        ({"status": 404, "json": {"code": "unknown-model", "detail": "no"}}, "has this model no more", False),
        ({"status": 500, "json": {"code": "failed", "detail": "no"}}, "its log says why", True),
        ({"status": 502, "body": "<h1>Bad gateway</h1>"}, "gives no answer", True),
        ({"status": 418, "json": {"code": "teapot", "detail": "short", "fix": "be stout"}}, "short; be stout", False),
    )
    for answer, said, passing in answers:
        visit.page.route("**/predict?*", partial(fulfilled, answer))
        visit.page.locator("#threshold").evaluate("one => one.dispatchEvent(new Event('input'))")
        visit.page.wait_for_selector(f"#problem-text:text('{said}')")
        assert visit.page.locator("#again").is_visible() == passing
        visit.page.unroute("**/predict?*")


def test_a_server_that_is_gone_can_be_asked_again(browser: Any, bundle: Path, images: list[Path]) -> None:
    with Server(bundle) as server:
        visit = Visit(browser, f"{server.address}/")
        server.stop()
        visit.take(images[0])
        assert "gives no answer" in visit.texts("#problem")[0]
    with Server(bundle, port=server.port):
        visit.page.click("#again")
        visit.page.wait_for_selector("#answer .rows")
        assert visit.page.locator("#problem").is_hidden()


def test_whether_a_map_can_be_believed_is_decided_as_in_python(node: Callable[..., Any]) -> None:
    words = {
        "better than chance": "trust-full", "no better than chance": "trust-none",
        "in doubt: better than chance one way only": "trust-half",
        "nothing to measure: the model gives this answer almost no weight": "trust-nothing",
    }  # fmt: skip
    random = np.random.default_rng(0)
    for scale in (1, 0.006):
        for values in random.random((40, 4)) * scale:
            scores = Faithfulness(*map(float, values))
            assert node("remote.js", "trust", vars(scores)) == words[scores.verdict]
