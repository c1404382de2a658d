"""The pages of the manual as tests see them: their code blocks, headings and links."""

from __future__ import annotations

import re
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced code block: its language, its title ("" if it has none), its text."""

    language: str
    title: str
    text: str


def name_of(path: Path) -> str:
    """A page as people know it."""
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced code blocks of a page, in order."""
    found: list[Block] = []
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        title = re.search(r'title="([^"]*)"', match["info"])
        cut = len(match["indent"])
        text = "".join(line[cut:] for line in match["text"].splitlines(keepends=True))
        found.append(Block(match["info"].split(" ")[0].strip(), title[1] if title else "", text))
    return found


def is_quote(block: Block) -> bool:
    """Whether the block quotes lines of Sightline or its tests: its title is the file."""
    return block.language == "python" and block.title.startswith(("sightline/", "tests/"))


def prose(page: Path) -> str:
    """The page without its fenced code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path) -> list[int]:
    """The levels of the page's headings, in order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]


def run_blocks(page: Path, folder: Path, *titles: str) -> dict[str, Any]:
    """Runs the page's Python blocks of these titles as one module; returns its names."""
    path = folder / f"{page.stem.replace('.', '_').replace('-', '_')}.py"
    path.write_text("\n".join(b.text for b in blocks(page) if b.title in titles), encoding="utf-8")
    return runpy.run_path(str(path))


def quoted_line(text: str, block: str) -> int | None:
    """The number of the line of `text` at which the quoted lines begin, whatever their indentation; None if nowhere."""
    wanted = [line.strip() for line in block.strip().splitlines()]
    lines = [line.strip() for line in text.splitlines()]
    for place in range(len(lines) - len(wanted) + 1):
        if lines[place : place + len(wanted)] == wanted:
            return place + 1
    return None


def patched(text: str, change: str) -> str:
    """`text` with one hunk of a diff applied: lines marked ` ` and `-` must stand in it once, in a row."""
    rows = change.rstrip("\n").split("\n")
    old = "\n".join(row[1:] for row in rows if row[:1] != "+")
    new = "\n".join(row[1:] for row in rows if row[:1] != "-")
    assert text.count(old) == 1, f"stands {text.count(old)} times in the file:\n{old}"
    return text.replace(old, new)
