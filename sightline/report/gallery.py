"""Sections made of pictures: the worst mistakes, heat maps, the augmented batch."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.report import numbers
from sightline.report.facts import Facts, Shown
from sightline.report.html import Html, given, join, tag
from sightline.report.page import Section
from sightline.report.pictures import Picture
from sightline.report.words import Words


def image(picture: Picture, alt: str) -> Html:
    """The picture itself; small ones are enlarged with their pixels as squares."""
    return tag(
        "img", src=picture.uri, alt=alt, width=picture.width, height=picture.height,
        cls="tiny" if picture.tiny else "long" if picture.long else None,
    )  # fmt: skip


def card(shown: Shown, t: Words) -> Html:
    """An image with truth, answer and confidence below it; an empty one, such as of several labels none, is `none`."""
    sure = "" if shown.confidence is None else numbers.percent(shown.confidence)
    none = t.plain("none")
    label, truth = shown.label or none, shown.truth or none
    alt = t.plain("alt_answer", name=shown.name, truth=truth, label=label, sure=sure or numbers.DASH)
    pictures = [image(shown.picture, alt)]
    if shown.overlay:
        pictures.append(image(shown.overlay, t.plain("alt_painted" if shown.painted else "alt_map", name=shown.name)))
    answer = tag("span", given(label), " ", tag("small", sure), cls="right" if shown.right else "wrong")
    lines = [tag("span", t("says"), cls="key"), answer]
    if not shown.right:
        lines += [tag("span", t("is"), cls="key"), tag("span", given(truth))]
    caption = tag("figcaption", tag("span", *lines, cls="verdict"), tag("span", given(shown.name), cls="file"))
    return tag("figure", tag("div", *pictures, cls="pair" if shown.overlay else "one"), caption, cls="shot")


def grid(cards: Sequence[object], cls: str = "shots") -> Html:
    """Cards side by side, as many as the page is wide."""
    return tag("div", *cards, cls=cls)


def mistakes(facts: Facts, t: Words) -> Section | None:
    """The images with the largest error, the worst first; right answers among them are named as such."""
    wrong = [shown for shown in facts.worst if not shown.right]
    unsure = [shown for shown in facts.worst if shown.right]
    if not facts.worst:
        return None
    total = _wrong_in_all(facts)
    parts: list[Html] = [_legend(facts, t)] if any(shown.painted for shown in facts.worst) else []
    wide = _layout(facts.worst, "shots wide" if parts else "shots")
    if wrong:
        said = t("mistakes_of", shown=len(wrong), all=numbers.count(total)) if total > len(wrong) else ""
        parts += [tag("p", said, cls="aside") if said else Html(""), grid([card(shown, t) for shown in wrong], wide)]
    # Where there are few mistakes, the answers that came closest to one say as much.
    if unsure and len(wrong) < 6:
        parts += [tag("h3", t("unsure")), grid([card(shown, t) for shown in unsure[:6]], wide)]
    return Section("mistakes", t.plain("mistakes"), join(parts), t.plain("mistakes_lead" if wrong else "mistakes_none"))


def _layout(shown: Sequence[Shown], usual: str) -> str:
    """The class of a grid of these: long images, such as lines of text, one below the other."""
    return "shots long" if 2 * sum(one.picture.long for one in shown) > len(shown) else usual


def _legend(facts: Facts, t: Words) -> Html:
    """What is painted on the images, and what the colours stand for."""
    swatches = [
        tag("span", tag("span", "■", style=f"color:rgb({red},{green},{blue})"), " ", given(name), "  ")
        for name, (red, green, blue) in facts.legend
    ]
    return tag("p", t("painted"), "  ", *swatches, cls="aside")


def _wrong_in_all(facts: Facts) -> int:
    accuracy = facts.metrics.get("accuracy")
    return 0 if accuracy is None else round((1 - accuracy) * facts.count)


def heat_maps(facts: Facts, t: Words) -> Section | None:
    """Where the network looked, for right and for wrong answers."""
    if not facts.maps:
        return None
    parts: list[Html] = []
    if not facts.rows:  # without classes an answer is near or far, not right or wrong
        parts.append(grid([card(shown, t) for shown in facts.maps], _layout(facts.maps, "shots wide")))
    for key, chosen in (("maps_wrong", False), ("maps_right", True)) if facts.rows else ():
        cards = [card(shown, t) for shown in facts.maps if shown.right is chosen]
        if cards:
            parts += [tag("h3", t(key)), grid(cards, _layout(facts.maps, "shots wide"))]
    lead = t.plain("maps_lead", method=t.named("method", facts.map_method))
    return Section("heat-maps", t.plain("maps"), join(parts), lead)


def augmented(facts: Facts, t: Words) -> Section | None:
    """A batch as the network saw it while it learned."""
    if not facts.batch:
        return None
    shots = [tag("figure", image(one, t.plain("alt_batch", n=n + 1)), cls="shot") for n, one in enumerate(facts.batch)]
    layout = "shots long" if facts.batch[0].long else "shots small"
    way = facts.card.get("options", {}).get("augment", "")
    known = f"augment_{way}"
    said = tag("p", t(known), cls="aside") if t.has(known) else Html("")
    return Section(
        "batch",
        t.plain("batch"),
        join([said, grid(shots, layout)]),
        t.plain("batch_lead"),
    )
