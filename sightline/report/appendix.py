"""The head of the page, and its end: options, versions, how to repeat it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from sightline.report import numbers
from sightline.report.facts import Facts
from sightline.report.html import Html, given, join, tag
from sightline.report.page import Section, pairs
from sightline.report.words import Words


def head(facts: Facts, t: Words) -> Html:
    """What this is about, and the one figure that matters most."""
    name = PurePath(facts.data.rstrip("/\\")).name or facts.data
    kicker = tag("p", tag("b", "Sightline"), " ", t(f"kicker_{facts.verb}"), cls="kicker")
    parts = [kicker, tag("h1", given(name))]
    value = facts.metrics.get(facts.metric)
    if value is not None:
        interval = facts.interval(facts.metric)
        key = "hero_span" if interval else "hero"
        span = numbers.span(facts.metric, interval) if interval else ""
        part = f"of_{facts.part}"
        images = t(part if t.has(part) else "of_images", images=t.images(facts.count))
        said = t(key, metric=t.named("metric", facts.metric), images=images, span=span)
        big = tag("strong", numbers.metric(facts.metric, value), cls="big")
        parts.append(tag("p", big, tag("span", said), cls="hero"))
    elif facts.count:
        parts.append(tag("p", t.images(facts.count), cls="hero"))
    parts.append(pairs(_key_facts(facts, t), "strip"))
    return tag("header", *parts)


def _key_facts(facts: Facts, t: Words) -> list[tuple[object, object]]:
    spec, card, data = facts.spec, facts.card, facts.card.get("data", {})
    rows: list[tuple[object, object]] = []
    if spec.get("network"):
        rows.append((t("network"), given(spec["network"])))
    shape = spec.get("inputs", {}).get("image", {}).get("shape")
    if shape:
        rows.append((t("input"), " × ".join(numbers.DASH if side is None else str(side) for side in shape)))
    classes = len(spec["classes"]) if "classes" in spec else len(facts.classes)
    if classes:
        special = f"classes_{spec.get('task')}"
        rows.append((t(special if t.has(special) else "classes"), numbers.count(classes)))
    counts: dict[str, int] = data.get("counts", {})
    if "train" in counts:
        rows.append((t("trained_on"), t.images(counts["train"])))
    if card.get("history"):
        rows.append((t("epochs"), numbers.count(len(card["history"]))))
    if card.get("seconds") and facts.verb == "train":
        rows.append((t("time"), t.clock(card["seconds"])))
    if facts.when:
        rows.append((t("date"), facts.when))
    return rows


def scores(facts: Facts, t: Words) -> Section | None:
    """All scalar scores with their intervals, and what each means."""
    if not facts.metrics:
        return None
    rows: list[Html] = []
    for name, value in sorted(facts.metrics.items(), key=lambda pair: _place(pair[0], facts)):
        interval = facts.interval(name)
        span = tag("small", numbers.span(name, interval)) if interval else ""
        what = f"means_{name}"
        label = tag("th", t.named("metric", name), scope="row")
        rows.append(
            tag("tr", label, tag("td", numbers.metric(name, value), span, cls="num"),
                tag("td", t(what) if t.has(what) else "", cls="what"))
        )  # fmt: skip
    return Section("scores", t.plain("scores"), tag("table", tag("tbody", *rows), cls="plain"), t.plain("scores_lead"))


def _place(name: str, facts: Facts) -> tuple[int, int]:
    """The metric that ranks first, then as the task gives them, a variant behind what it varies (ece_uncalibrated)."""
    names = list(facts.metrics)
    base = name if name.split("_")[0] not in names else name.split("_")[0]
    return (-1 if name == facts.metric else names.index(base), len(name))


def repeat(facts: Facts, t: Words) -> Section:
    """How to repeat it: the command, the data, the options, the versions."""
    card, data = facts.card, facts.card.get("data", {})
    parts: list[Html] = [tag("pre", tag("code", facts.command))]
    source: list[tuple[object, object]] = [(t("data"), given(facts.data))]
    if facts.model:
        source.append((t("model_file"), given(facts.model)))
    if data.get("fingerprint"):
        source.append((t("fingerprint"), tag("code", data["fingerprint"])))
    counts: dict[str, int] = data.get("counts", {})
    if counts:
        split = (f"{t.plain(f'part_{name}')} {numbers.count(counts[name])}" for name in PARTS if name in counts)
        source.append((t("split"), t.plain("comma").join(split)))
    machine = card.get("machine", {})
    if machine:
        source.append((t("machine"), t("machine_is", **_machine(card, machine))))
    parts.append(pairs(source))
    options = {**card.get("options", {}), **({"plan": card["plan"]} if "plan" in card else {})}
    for key, table in (("options", options), ("versions", card.get("versions", {}))):
        if table:
            rows = [(tag("code", name), given(_plain(value))) for name, value in table.items()]
            parts += [tag("h3", t(key)), pairs(rows, "pairs columns")]
    return Section("repeat", t.plain("repeat"), join(parts), t.plain("repeat_lead"))


PARTS = ("train", "val", "test")


def _machine(card: Any, machine: dict[str, Any]) -> dict[str, object]:
    return {"cpu": machine.get("cpu", ""), "threads": machine.get("threads", ""), "device": card.get("device", "cpu")}


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())  # pyright: ignore[reportUnknownVariableType]
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
