"""The manual builds without a warning, and no page of it asks anything of another machine."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from manual import DOCS, PAGES
from support import ROOT

NAMED = re.findall(r"^ *- .*?([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
FETCHED = re.compile(
    r"<(?:script|img|iframe)[^>]*\ssrc=\"?(https?:)?//|<link[^>]*\shref=\"?(https?:)?//|url\((https?:)?//"
)


def test_every_page_stands_in_the_navigation() -> None:
    assert sorted(NAMED) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built manual."""
    if importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed: pip install 'sightline[docs]'")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_builds(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) == len(PAGES) + 1, "a page each, and the one for what is not found"


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        found = FETCHED.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(site)}: {found[0] if found else ''}"


def test_quoted_code_says_its_line(site: Path) -> None:
    page = (site / "formula-to-code.html").read_text(encoding="utf-8")
    assert re.search(r"sightline/tasks/whole/networks/cnn\.py, line \d+", page)


def test_the_search_finds_words_without_a_server(site: Path) -> None:
    index = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    assert "cross-correlation" in index
