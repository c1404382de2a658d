"""The page as a whole: complete, self-contained, escaped, of bounded size."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from report_facts import NASTY, card, facts, noise, scores

from sightline.report.build import render
from sightline.report.facts import Facts, Shown
from sightline.report.page import GENERATOR
from sightline.report.pictures import picture
from sightline.report.words import LANGUAGES

ALL = (
    "in-short", "mistakes", "heat-maps", "confusion", "per-class", "certainty", "firmness", "robust", "learning",
    "batch", "data-check", "scores", "repeat",
)  # fmt: skip
LIMIT = 5_000_000
VOID = {"img", "meta"}


class Page(HTMLParser):
    """What tags, attributes and text a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "a tag is left open"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module", params=LANGUAGES)
def html(request: pytest.FixtureRequest) -> str:
    return render(facts(), request.param)


def test_every_section_is_there_and_linked(html: str) -> None:
    page = Page(html)
    assert tuple(section["id"] for section in page.all("section")) == ALL
    assert [link["href"] for link in page.all("a")[: len(ALL)]] == [f"#{name}" for name in ALL]


def test_the_page_asks_nobody_for_anything(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "use", "image")
        for name in ("src", "srcset", "href", "action", "data", "poster", "background", "xlink:href"):
            assert re.match(r"data:image/(png|jpeg);base64,|#", attributes.get(name) or "#"), (tag, attributes)
    assert not re.search(r"(?i)https?://|url\(|@import|@font-face", html)
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_page_is_accessible(html: str) -> None:
    page = Page(html)
    assert page.all("html")[0]["lang"] in ("en", "zh-Hans")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(image["alt"].strip() and image["width"] for image in page.all("img"))
    assert all(head.get("scope") in ("row", "col", "rowgroup") for head in page.all("th"))
    assert all(chart.get("aria-label") or chart.get("aria-hidden") for chart in page.all("svg"))
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identities)) == len(identities)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_name_breaks_the_page(lang: str) -> None:
    page = Page(render(facts(NASTY, data="<b>&\x00 نص"), lang))
    assert all(name in page.text for name in NASTY)
    assert len(page.all("script")) == 1
    assert "<b>&\ufffd نص" in page.text


def test_no_name_reaches_an_attribute_unescaped() -> None:
    page = Page(render(facts(('"onload="x', "' onerror='y", "c"))))
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_what_there_is_no_fact_for_is_left_out() -> None:
    bare = Facts("evaluate", "numbers.csv", "sightline evaluate m numbers.csv", 40, "all", "r2", "m",
                 scores={"metrics": {"r2": 0.9}})  # fmt: skip
    page = Page(render(bare))
    assert [section["id"] for section in page.all("section")] == ["in-short", "scores", "repeat"]
    assert "None" not in page.text and "nan" not in page.text


def test_a_check_tells_what_it_found_and_what_to_do() -> None:
    checked = facts(verb="check", scores={}, card={}, spec={}, worst=(), maps=(), batch=(), model="")
    page = Page(render(checked))
    assert [section["id"] for section in page.all("section")] == ["in-short", "data-check", "repeat"]
    assert "You can train on this data." in page.text and "sightline train pets" in page.text
    assert page.text.count("39.png") == 0 and "and 30 more" in page.text


def test_the_figures_stand_in_the_page() -> None:
    page = Page(render(facts()))
    for shown in (
        "80.0%",
        "75.0–84.0%",
        "71.0–87.0%",
        "sightline train pets",
        "abc",
        "97.0%",
        "2026-11-23",
        "1 min 1 s",
    ):
        assert shown in page.text, shown
    cells = [attributes["style"] for tag, attributes in page.tags if tag == "td" and "style" in attributes]
    assert cells[:2] == ["--s:0.80", "--s:0.60"], "right by its share, wrong by three times its share"


def test_chinese_pages_hold_no_english_sentences() -> None:
    text = Page(render(facts(), "zh")).text
    for word in (" the ", " of ", " with ", " images "):
        assert word not in text.replace("something new", "")


def test_a_page_is_a_pure_function_of_its_facts() -> None:
    assert render(facts()) == render(facts())
    assert GENERATOR in render(facts())[:2000]


@pytest.mark.parametrize("count", [30, 1000])
def test_many_classes_and_the_worst_pictures_stay_within_the_limit(count: int) -> None:
    names = tuple(f"a class with a rather long name, number {n}" for n in range(count))
    shots = tuple(Shown(picture(noise(400, n)), f"{n}.jpg", names[0], names[1], 0.9) for n in range(25))
    html = render(facts(names, worst=shots, batch=tuple(s.picture for s in shots[:16])))
    assert len(html.encode()) <= LIMIT
    page = Page(html)
    matrix = next(place for place, (tag, a) in enumerate(page.tags) if tag == "table" and "matrix" in a["class"])
    columns = [a for tag, a in page.tags[matrix : matrix + 200] if tag == "th" and a["scope"] == "col"]
    assert len(columns) == 25 and f"of {count:,}" in page.text


def test_classes_that_were_not_tested_come_last_without_figures() -> None:
    found = scores()
    found["per_class"][0] |= {"support": 0, "recall": 0.0}
    found["confusion"][0] = [0, 0, 0]
    text = Page(render(facts(scores=found))).text
    assert "Not tested at all, no image of them: cat" in text
    assert "0.0%" not in text[text.index("Class by class") : text.index("How far to trust")]


def test_robustness_is_told_by_kind_and_strength() -> None:
    page = Page(render(facts()))
    assert "falls from 80.0% to 62.0% on average (100 images)" in page.text
    cells = [
        a["style"] for tag, a in page.tags if tag == "td" and a.get("class", "").startswith("miss") and "style" in a
    ]
    assert cells[-10:][:2] == ["--s:0.00", "--s:0.13"] and cells[-1] == "--s:0.88", "the share that is lost"
    assert "Frosted glass, strength 5: 10.0%" in page.text and "Turned, -30: 40.0%" in page.text


@pytest.mark.parametrize("mean", [0.8, 0.85])
def test_a_score_that_does_not_fall_is_not_said_to_fall(mean: float) -> None:
    found = scores()
    found["robust"]["mean"] = mean
    text = Page(render(facts(scores=found))).text
    assert f"goes from 80.0% to {100 * mean:.1f}% on average" in text and "falls from" not in text
    assert f"从 80.0% 平均变为 {100 * mean:.1f}%" in Page(render(facts(scores=found), "zh")).text


def test_an_answer_of_no_label_is_called_none() -> None:
    empty = Shown(picture(noise()), "a.png", "cat", "", 0.9), Shown(picture(noise()), "b.png", "", "dog", 0.9)
    page = Page(render(facts(worst=empty)))
    assert "saysnone 90.0%iscat" in page.text and "saysdog 90.0%isnone" in page.text
    assert "a.png: the answer is none (90.0%), the truth is cat" in [one["alt"] for one in page.all("img")]


def test_the_last_row_of_the_counts_is_images_not_labels() -> None:
    shown = facts(classes={"a": {"train": 5, "val": 2}, "b": {"train": 4}}, parts={"train": 6, "val": 3, "test": 0})
    text = Page(render(shown)).text
    assert "Whattrainvaltotal" in text.replace("Total", "total") and "All639" in text.replace("all", "All")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "yours is better by 3.0 (1.0 to 5.0 with 95% certainty; p = 0.004)"),
        ({"difference": -0.02, "interval": [-0.05, 0.01], "shown": False}, "mine is ahead by 2.0 (-1.0 to 5.0 with"),
        ({"difference": 0.0, "interval": [-0.02, 0.02], "shown": False, "p": 1.0}, "Both are equally good here"),
        ({"p": 1e-9}, "p < 0.001"),
    ],
)
def test_two_bundles_are_compared_in_words(changes: dict[str, Any], words: str) -> None:
    found = scores()
    found["compare"] |= changes
    assert words in Page(render(facts(scores=found))).text


def test_a_baseline_within_the_interval_is_not_called_worse() -> None:
    assert "The network buys 20.0 points" in Page(render(facts())).text
    near = card()
    near["baseline"]["svm"] = {"metrics": {"accuracy": 0.78}, "intervals": {"accuracy": [0.74, 0.82]}}
    assert "overlap (difference 2.0)" in Page(render(facts(card=near))).text
    better = card()
    better["baseline"]["svm"] = {"metrics": {"accuracy": 0.95}, "intervals": {"accuracy": [0.92, 0.97]}}
    assert "is 15.0 points better" in Page(render(facts(card=better))).text


def test_precision_and_recall_are_drawn_for_the_weakest_classes() -> None:
    found = scores(tuple("abcdefghijkl"))
    for place, row in enumerate(found["per_class"]):
        row["ap"] = place / 12
    curve = {"recall": [0.1, 0.5, 1.0], "precision": [1.0, 0.8, 0.3]}
    found["curves"]["pr"] = {row["class"]: curve for row in found["per_class"]}
    html = render(facts(tuple("abcdefghijkl"), scores=found))
    section = html[html.index('id="precision-recall"') :].split("</section>")[0]
    assert section.count("<svg") == 9 and "of 12 classes" in section and ">l</bdi>" not in section


def test_no_share_is_said_to_be_above_all() -> None:
    runs = [{"metrics": {"accuracy": value}} for value in (0.92, 0.94)]
    folds = {"k": 2, "runs": runs, "mean": {"accuracy": 0.93}, "std": {}, "intervals": {"accuracy": [0.79, 1.07]}}
    text = Page(render(facts(card={**card(), "folds": folds}))).text
    assert "79.0–100%" in text and "107" not in text
