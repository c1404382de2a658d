"""The words of a page in one language."""

from __future__ import annotations

from sightline.report.html import Html, escape
from sightline.report.terms_en import ENGLISH_TERMS
from sightline.report.terms_zh import CHINESE_TERMS
from sightline.report.words_en import ENGLISH
from sightline.report.words_zh import CHINESE

TABLES = {"en": ENGLISH | ENGLISH_TERMS, "zh": CHINESE | CHINESE_TERMS}
LANGUAGES = tuple(TABLES)
CODES = {"en": "en", "zh": "zh-Hans"}
"""What the page calls its language."""


class Words:
    """words("key", n=3): the text of that key with its places filled, escaped."""

    def __init__(self, lang: str) -> None:
        self.lang, self._table = lang, TABLES[lang]

    def __call__(self, key: str, **values: object) -> Html:
        """As HTML; values that are not `Html` are escaped."""
        shown = {name: escape(value) for name, value in values.items()}
        return Html(escape(self._table[key]).format(**shown))

    def plain(self, key: str, **values: object) -> str:
        """As plain text, for alternative texts and titles."""
        return self._table[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._table

    def named(self, kind: str, name: str) -> str:
        """What a metric, an option or a column is called: its own name where the table has no better one."""
        return self._table.get(f"{kind}_{name}", name.replace("_", " "))

    def clock(self, seconds: float) -> str:
        """`42 s`, `3 min 5 s`, `1 h 12 min`."""
        whole = round(seconds)
        if whole < 60:
            return self.plain("clock_s", s=whole)
        if whole < 3600:
            return self.plain("clock_m", m=whole // 60, s=whole % 60)
        return self.plain("clock_h", h=whole // 3600, m=whole % 3600 // 60)

    def images(self, number: int) -> Html:
        """`1 image`, `5,046 images`."""
        return self("images_one" if number == 1 else "images_many", n=f"{number:,}")
