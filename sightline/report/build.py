"""From facts to the page: which sections there are, and in what order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from sightline.report import appendix, boxes, data, gallery, reading, results, robustness, summary, training
from sightline.report.facts import Facts
from sightline.report.page import Section, page
from sightline.report.words import Words

ORDER: tuple[Callable[[Facts, Words], Section | None], ...] = (
    summary.in_short,
    data.steps,
    gallery.mistakes,
    gallery.heat_maps,
    results.confusion,
    reading.reading,
    results.per_class,
    boxes.by_size,
    results.precision_recall,
    results.certainty,
    training.firmness,
    robustness.robustness,
    training.learning,
    gallery.augmented,
    data.check,
    appendix.scores,
    appendix.repeat,
)
"""What matters most to a user comes first. A section whose facts are missing gives None and is left out."""


def render(facts: Facts, lang: str = "en") -> str:
    """The HTML document."""
    t = Words(lang)
    sections = [section for make in ORDER if (section := make(facts, t)) is not None]
    name = PurePath(facts.data.rstrip("/\\")).name or facts.data
    title = f"{name} · {t.plain(f'kicker_{facts.verb}')}"
    return page(title, sections, lang, appendix.head(facts, t))
