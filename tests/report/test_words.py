"""Both languages say everything."""

from __future__ import annotations

import ast
import itertools
import re
import string
from collections.abc import Iterator

import pytest
from support import PACKAGE

from sightline.core.task import Finding
from sightline.report.html import given
from sightline.report.words import LANGUAGES, TABLES, Words

LEVELS = ("error", "warning", "note")
FILES = sorted((PACKAGE / "report").glob("*.py"))


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_english_and_chinese_have_the_same_keys() -> None:
    assert set(TABLES["en"]) == set(TABLES["zh"])


@pytest.mark.parametrize("key", sorted(TABLES["en"]))
def test_a_text_has_the_same_places_in_every_language(key: str) -> None:
    assert places(TABLES["en"][key]) == places(TABLES["zh"][key])
    assert all(TABLES[lang][key].strip() for lang in LANGUAGES)


def test_no_chinese_text_was_forgotten_in_english() -> None:
    names = {key for key, text in TABLES["zh"].items() if not re.search(r"[\u4e00-\u9fff]", text)}
    assert all(re.fullmatch(r"\W*|F1|AP|R²|LIME|Grad-CAM", re.sub(r"{\w+}", "", TABLES["zh"][key])) for key in names)
    assert all(TABLES["zh"][key] != text for key, text in TABLES["en"].items() if key not in names)


def keys(node: ast.expr) -> list[str]:
    """The texts that an argument may be: itself, or what either arm of a condition gives."""
    if isinstance(node, ast.IfExp):
        return keys(node.body) + keys(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def asked() -> Iterator[tuple[str, str]]:
    """(file, key) for every t("key") and t.plain("key") in the report."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("t", "t.plain") and node.args:
                yield from ((path.name, key) for key in keys(node.args[0]))


def test_every_text_that_a_section_asks_for_exists() -> None:
    found = list(asked())
    assert len(found) > 100
    assert [row for row in found if row[1] not in TABLES["en"]] == []


def code_in(node: ast.AST) -> Iterator[str]:
    """The code of a finding: before its level wherever both stand, or alone where the level follows from it."""
    row = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
    values = [item.value if isinstance(item, ast.Constant) else None for item in row]
    for code, level in itertools.pairwise(values):
        if isinstance(code, str) and code not in LEVELS and level in LEVELS:
            yield code
    if isinstance(node, ast.Call) and ast.unparse(node.func) == Finding.__name__ and values:
        yield from (code for code in values[:1] if isinstance(code, str))


def test_every_finding_of_check_is_known_in_chinese() -> None:
    """A new code needs a text: in Chinese, the English message would stand there."""
    codes: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            codes |= set(code_in(node))
    assert {"leak", "near_leak", "blank", "small_class"} <= codes
    assert sorted(code for code in codes if f"found_{code}" not in TABLES["zh"]) == []


def test_what_is_filled_in_is_escaped_once() -> None:
    t = Words("en")
    assert "&lt;b&gt;" in t("footer") or "<" not in t("footer")
    assert t("images_many", n="<b>") == "&lt;b&gt; images"
    assert t("confused", truth=given("<i>"), answer=given("b"), n=1, of=2).count("&lt;i&gt;") == 1


def test_one_image_is_no_images() -> None:
    t = Words("en")
    assert (t.images(1), t.images(5046)) == ("1 image", "5,046 images")
    assert [t.clock(s) for s in (42, 185, 4320)] == ["42 s", "3 min 5 s", "1 h 12 min"]
