"""Whatever the manual tells a reader to type exists: commands, options, links, pictures."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from manual import DOCS, PAGES, READMES, blocks, headings, is_quote, name_of, prose
from support import ROOT

from sightline.cli import _option_classes, _parser, normalise
from sightline.core.errors import SightlineError
from sightline.core.options import resolve
from sightline.tables import VERBS

SOURCES = [*READMES, *PAGES]
LAST = re.compile(r"\s(?:#|\||>|<|&&|;)(?:\s|$)|\s\d?>|\s{3,}")
"""Where a command ends and a comment, a pipe, a redirection, another command or what it is good for begins."""
SHELL = {"", "console", "bash", "sh", "text"}


def commands(text: str) -> list[str]:
    """What follows the word `sightline` in each command of a line: typed after `$`, in a pipe, or by its path."""
    found: list[str] = []
    for part in re.split(r"&&|\|", text):
        match = re.match(r"\s*(?:\$ )?(?:\S*bin/|python -m )?sightline\s+(.*)", part)
        if match and not match[1].startswith(("-c ", "[")):
            found.append(LAST.split(" " + match[1] + " ")[0].strip())
    return found


def typed(page: Path) -> list[str]:
    """Every `sightline …` command line of a page, in its shell blocks and in its inline code."""
    found: list[str] = []
    for block in blocks(page):
        if block.language in SHELL:
            text = block.text.replace("\\\n", " ")
            found += [one for line in text.splitlines() for one in commands(line)]
    inline = re.findall(r"`(sightline [^`]+)`", prose(page))
    return found + [one for code in inline for one in commands(code)]


def understood(line: str) -> None:
    """Raises where the command line is none: an unknown verb or option, a value of the wrong kind."""
    words = [word for word in shlex.split(line) if word not in ("…", "[options]")]
    verb, rest = words[0], [word.strip("[]") for word in words[1:]]
    if verb == "--version" or verb == "VERB":
        return
    if verb not in VERBS:
        raise SightlineError(f"unknown verb {verb}")
    if "--help" in rest:
        rest.remove("--help")
    classes = _option_classes(verb, [])
    flags = {field.name for _, cls, _ in classes for field in cls.__dataclass_fields__.values() if field.type == "bool"}
    tokens = normalise(rest, flags)
    values, unknown = _parser(verb, tokens).parse_known_args(tokens)
    if unknown:
        raise SightlineError(f"unknown options {unknown}")
    # Words in capitals stand for a value of the reader's own, a|b for one of several.
    given = {k: v for k, v in vars(values).items() if not (isinstance(v, str) and (v.isupper() or "|" in v))}
    for _, cls, _ in classes:
        resolve(cls, {name: value for name, value in given.items() if name in cls.__dataclass_fields__})


CASES = [(page, line) for page in SOURCES if page.exists() for line in typed(page)]


@pytest.mark.parametrize(("page", "line"), CASES, ids=lambda v: name_of(v) if isinstance(v, Path) else str(v)[:60])
def test_every_command_is_understood(page: Path, line: str) -> None:
    understood(line)


@pytest.mark.parametrize("page", SOURCES, ids=name_of)
def test_every_option_that_is_named_exists(page: Path) -> None:
    own = {field for verb in VERBS for _, cls, _ in _option_classes(verb, []) for field in cls.__dataclass_fields__}
    known = own | {"json", "help", "resume", "config", "key", "option"}
    for flag in re.findall(r"`(?:sightline [^`]*)?--([a-z][a-z-]*)", prose(page)):
        assert flag.replace("-", "_").removeprefix("no_") in known, f"{name_of(page)} names --{flag}"


@pytest.mark.parametrize(
    "line", ["trian digits", "train digits --epoch 3", "train digits --epochs x", "train digits --augment sometimes"]
)
def test_a_wrong_command_would_be_noticed(line: str) -> None:
    with pytest.raises(SightlineError):
        understood(line)


def test_commands_are_found() -> None:
    assert commands("$ find a | sightline predict runs/digits - --json > b") == ["predict runs/digits - --json"]
    assert commands("x && .venv/bin/sightline train digits  # comment") == ["train digits"]
    assert len(CASES) > 30


@pytest.mark.parametrize("page", SOURCES, ids=name_of)
def test_python_in_the_manual_is_python(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python" and not is_quote(block):
            ast.parse(block.text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as mkdocs and GitHub make them."""
    titles = re.findall(r"^#+ +(.+?)(?: *\{#([\w-]+)\})?$", prose(page), re.MULTILINE)
    return {own or re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title, own in titles}


@pytest.mark.parametrize("page", SOURCES, ids=name_of)
def test_every_link_and_picture_exists(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    targets = re.findall(r"\]\(([^)\s]+)[^)]*\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / place) if place else page
        assert path.exists(), f"{name_of(page)} links to {target}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{name_of(page)} links to {target}"


def test_no_picture_lies_unused() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in SOURCES)
    for picture in (DOCS / "pictures").iterdir():
        assert picture.name in text, f"no page shows {picture.name}"
        assert picture.stat().st_size < 500_000, f"{picture.name} is large"


def test_the_readmes_are_twins() -> None:
    english, chinese = READMES
    assert blocks(english) == blocks(chinese)
    assert headings(english) == headings(chinese)
    for page, other in ((english, chinese), (chinese, english)):
        assert f"]({other.name})" in page.read_text(encoding="utf-8")


def test_the_readme_keeps_the_line_that_ci_runs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "-m pytest" in line] == [
        "python3 -m venv .venv && .venv/bin/python -m pip install -q -c constraints.txt -e '.[test]' "
        "&& .venv/bin/python -m pytest -n 2 --dist loadscope"
    ]
