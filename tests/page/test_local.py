"""A model in the browser: the same answers as `predict`, in headless Chromium and in node."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import TINY

import sightline
from sightline.export.images import made_files
from sightline.export.parity import compared
from sightline.tables import TASKS

from .browser import Visit, served


@pytest.fixture(scope="module")
def exported(
    trained: Callable[..., Path], runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Any]:
    """A task's tiny bundle and its export."""
    done: dict[str, tuple[Path, Path]] = {}

    def one(name: str) -> tuple[Path, Path]:
        if name not in done:
            bundle = trained(TINY[name].network[0], name)
            out = tmp_path_factory.mktemp("web") / name
            sightline.load(bundle).export("web", out=str(out), runtime=str(runtime), images=2)
            done[name] = bundle, out
        return done[name]

    return one


@pytest.mark.parametrize("name", TASKS)
def test_whole_answers_are_the_same_in_node(name: str, exported: Callable[[str], Any], tmp_path: Path) -> None:
    _, out = exported(name)
    assert json.loads((out / "parity.json").read_text())["passed"]


def saved(visit: Visit, kind: str) -> str:
    with visit.page.expect_download() as download:
        visit.page.click(f"[data-do={kind}]")
    return Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TASKS)
def test_answers_in_the_browser_are_those_of_predict(
    name: str, browser: Any, exported: Callable[[str], Any], tmp_path: Path
) -> None:
    bundle, out = exported(name)
    images = [path for path in made_files(tmp_path / "images") if not path.name.startswith("1600")]
    with served(out) as address:
        visit = Visit(browser, address)
        visit.take(*images)
        visit.until(
            f"[...document.querySelectorAll('.told')].filter(one => one.textContent !== '…').length === {len(images)}",
        )
        rows = json.loads(saved(visit, "json"))
        table = saved(visit, "csv").splitlines()
    assert visit.heard == []
    assert [row.pop("image") for row in rows] == [path.name for path in images]
    assert table[0].split(",") == ["image", *TASKS[name].load().columns, "error"] and len(table) == len(images) + 1
    ours = [one.to_dict() for one in sightline.load(bundle).predict(images)]
    lossless = [place for place, path in enumerate(images) if path.suffix == ".png"]
    found = compared([ours[i] for i in lossless], [rows[i] for i in lossless])
    assert found["passed"], found
