"""The worked example of a task is quoted from the code itself, and nothing of what it names is missing."""

from __future__ import annotations

import re

from manual import DOCS, blocks
from support import ROOT

PAGE = DOCS / "add-a-task.md"


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def test_the_code_stands_in_the_files_that_the_page_names() -> None:
    quoted = [block for block in blocks(PAGE) if block.language == "python"]
    assert len(quoted) >= 10
    for block in quoted:
        found, wanted = lines((ROOT / block.title).read_text(encoding="utf-8")), lines(block.text)
        starts = [i for i in range(len(found)) if found[i : i + len(wanted)] == wanted]
        assert len(starts) >= 1, f"{block.title} does not hold\n{block.text}"


def test_files_that_the_page_names_exist() -> None:
    named = set(re.findall(r"`((?:sightline|tests)/[\w./]+)`", PAGE.read_text(encoding="utf-8")))
    assert len(named) >= 6
    assert [name for name in named if not (ROOT / name).exists()] == []
