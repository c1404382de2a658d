"""Sections about the training: how it learned, how firm the result is, what the network or more images buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.report import charts, numbers
from sightline.report.charts import Axis
from sightline.report.facts import Facts
from sightline.report.html import Html, given, join, tag
from sightline.report.page import Section, figure
from sightline.report.words import Words

Row = tuple[str, float, tuple[float, float] | None, str]
"""Name, value, interval, and the cell at the end."""
WORTH = 0.002
"""A gain below 0.2 points, from twice the images, is called none."""


def learning(facts: Facts, t: Words) -> Section | None:
    """The loss on the training images and the main score on the val images, by epoch."""
    history = facts.card.get("history", [])
    if not history:
        return None
    best = int(facts.card.get("best", {}).get("epoch", 0))
    metric = facts.metric
    figures = [
        _history(history, "loss", t("loss"), t("loss_note"), None, t),
        _history(history, f"val_{metric}", t("val_score", metric=t.named("metric", metric)), t("val_note"), best, t),
    ]
    way = f"balance_{facts.card.get('balance', {}).get('way', '')}"
    said = tag("p", t(way), cls="aside") if t.has(way) else ""
    body = join([tag("div", *(one for one in figures if one), cls="charts"), said])
    return Section("learning", t.plain("learning"), body, t.plain("learning_lead", n=len(history), best=best))


def _history(history: list[dict[str, Any]], key: str, title: Html, note: Html, best: int | None, t: Words) -> Html:
    rows = [row for row in history if numbers.is_number(row.get(key))]
    if not rows:
        return Html("")
    name = key.removeprefix("val_")
    share = name in numbers.PERCENT
    xs, ys = [float(row["epoch"]) for row in rows], [float(row[key]) for row in rows]
    low, high = charts.around(ys, share)
    marks = [(x, y, numbers.metric(name, y)) for x, y in zip(xs, ys, strict=True) if x == best]
    if best is None:
        marks = [(xs[-1], ys[-1], numbers.metric(name, ys[-1]))]
    alt = t.plain("alt_history", title=title, first=numbers.metric(name, ys[0]), last=numbers.metric(name, ys[-1]))
    axes = Axis(min(xs[0], 1), max(xs[-1], 2), t.plain("epoch")), Axis(low, high, "", share)
    return figure(charts.line(alt, xs, ys, *axes, marks), title, note)


def firmness(facts: Facts, t: Words) -> Section | None:
    """Is the result luck (seeds, folds)? What does the network buy (baselines)? Would more images help (curve)?"""
    parts = [
        part for part in (_versus(facts, t), _repeats(facts, t), _baselines(facts, t), _more_images(facts, t)) if part
    ]
    if not parts:
        return None
    return Section("firmness", t.plain("firmness"), join(parts))


def _versus(facts: Facts, t: Words) -> Html | None:
    """Another bundle on the same images (`--compare`), by a paired test."""
    found: dict[str, Any] = facts.scores.get("compare", {})
    if not found:
        return None
    metric, ahead = str(found["metric"]), found["difference"] > 0
    size, (low, high) = float(found["difference"]), (float(end) for end in found["interval"])
    if not ahead:
        size, low, high = -size, -high, -low
    names: list[str] = found["names"]
    key = "versus_shown" if found["shown"] else "versus_open" if size else "versus_same"
    p = f"p = {found['p']:.2g}" if found["p"] >= 0.001 else "p < 0.001"
    spans = {"size": _spread(metric, size), "low": _spread(metric, low), "high": _spread(metric, high)}
    said = t(key, better=given(names[1 if ahead else 0]), p=p, **spans)
    rows = [_row(names[0], float(found["this"])), _row(names[1], float(found["that"]))]
    heads = [t("model"), escape_named(t, metric), Html(""), Html("")]
    return join([tag("h3", t("versus")), tag("p", said), _table(heads, _compared(rows, metric))])


def _table(heads: list[Html], rows: list[Html]) -> Html:
    cells = [tag("th", head, scope="col", cls=None if n == 0 else "num") for n, head in enumerate(heads)]
    return tag("table", tag("thead", tag("tr", *cells)), tag("tbody", *rows), cls="plain narrow")


def _row(name: str, value: float, interval: Sequence[float] | None = None, last: str = "") -> Row:
    return name, value, (float(interval[0]), float(interval[1])) if interval else None, last


def _compared(rows: list[Row], metric: str) -> list[Html]:
    """Rows of (name, value, interval, cell at the end), all on one scale."""
    ends = [end for _, value, interval, _ in rows for end in (interval or (value, value))]
    least, most = charts.around(ends, metric in numbers.PERCENT)
    shown: list[Html] = []
    for place, (name, value, interval, last) in enumerate(rows):
        ends = interval or (value, value)
        span = tag("small", numbers.span(metric, interval)) if interval else ""
        shown.append(
            tag("tr", tag("th", given(name), scope="row"), tag("td", numbers.metric(metric, value), span, cls="num"),
                tag("td", charts.whisker(value, ends, (least, most), "" if place == 0 else "other"), cls="plot"),
                tag("td", last, cls="num"))
        )  # fmt: skip
    return shown


def _repeats(facts: Facts, t: Words) -> Html | None:
    parts: list[Html] = []
    metric = facts.metric
    for kind in ("folds", "seeds"):
        found: Mapping[str, Any] = facts.card.get(kind, {})
        runs = [float(run["metrics"][metric]) for run in found.get("runs", []) if metric in run.get("metrics", {})]
        if len(runs) < 2:
            continue
        mean = float(found.get("mean", {}).get(metric, sum(runs) / len(runs)))
        spread = float(found.get("std", {}).get(metric, 0.0))
        interval = found.get("intervals", {}).get(metric)
        if interval and metric in numbers.PERCENT:  # a t-interval over few runs may end beyond what a share can be
            interval = [max(0.0, interval[0]), min(1.0, interval[1])]
        rows = [_row(t.plain("mean_of", n=len(runs)), mean, interval)]
        rows += [_row(t.plain(f"run_{kind}", n=n + 1), value) for n, value in enumerate(runs)]
        said = t(f"{kind}_said", n=len(runs), mean=numbers.metric(metric, mean), spread=_spread(metric, spread),
                 low=numbers.metric(metric, min(runs)), high=numbers.metric(metric, max(runs)))  # fmt: skip
        heads = [Html(""), t.named("metric", metric), Html(""), Html("")]
        parts += [tag("h3", t(kind)), tag("p", said), _table([join([h]) for h in heads], _compared(rows, metric))]
    return join(parts) if parts else None


def _spread(metric: str, value: float) -> str:
    return f"{100 * value:.1f}" if metric in numbers.PERCENT else numbers.number(value)


def _baselines(facts: Facts, t: Words) -> Html | None:
    metric, ours = facts.metric, facts.metrics.get(facts.metric)
    found = facts.card.get("baseline", {})
    rows: list[Row] = []
    for name, one in found.items():
        value = one.get("metrics", {}).get(metric)
        interval = one.get("intervals", {}).get(metric)
        if value is not None:
            seconds = t.clock(one["seconds"]) if "seconds" in one else ""
            rows.append(_row(t.named("baseline", name), float(value), interval, seconds))
    if not rows or ours is None:
        return None
    seconds = facts.card.get("seconds")
    network = str(facts.spec.get("network", ""))
    first = (t.plain("this_network", name=network), ours, facts.interval(metric),
             t.clock(seconds) if seconds else "")  # fmt: skip
    best = max(rows, key=lambda row: row[1])
    said = _bought(ours, facts.interval(metric), best, metric, t)
    heads = [t("model"), escape_named(t, metric), t("interval"), t("time")]
    return join([tag("h3", t("baseline")), tag("p", said), _table(heads, _compared([first, *rows], metric))])


def escape_named(t: Words, metric: str) -> Html:
    """A metric's name as HTML."""
    return join([t.named("metric", metric)])


def _bought(
    ours: float, interval: tuple[float, float] | None,
    best: Row, metric: str, t: Words,
) -> Html:  # fmt: skip
    name, theirs, other, _ = best
    shown = {"name": name, "gain": _spread(metric, abs(ours - theirs))}
    if interval and other and interval[0] <= other[1] and other[0] <= interval[1]:
        return t("bought_nothing", **shown)
    return t("bought" if ours > theirs else "bought_less", **shown)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') or not text else '.'}"


def _more_images(facts: Facts, t: Words) -> Html | None:
    found: Mapping[str, Any] = facts.card.get("curve", {})
    metric = facts.metric
    pairs = [
        (float(count), float(one[metric]))
        for count, one in zip(found.get("counts", []), found.get("metrics", []), strict=False)
        if metric in one
    ]
    if len(pairs) < 2:
        return None
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    share = metric in numbers.PERCENT
    low, high = charts.around(ys, share)
    marks = [(x, y, numbers.metric(metric, y)) for x, y in pairs]
    alt = t.plain("alt_curve", first=marks[0][2], n=numbers.count(xs[0]), last=marks[-1][2], m=numbers.count(xs[-1]))
    axes = Axis(0, xs[-1], t.plain("training_images")), Axis(low, high, t.named("metric", metric), share)
    chart = charts.line(alt, xs, ys, *axes, marks)
    gain = float(found.get("gain", 0.0))
    verdict = t("curve_more" if gain >= WORTH else "curve_enough", gain=_spread(metric, gain))
    answer = _sentence(str(found.get("answer", ""))) if t.lang == "en" else ""
    return join([tag("h3", t("curve")), tag("div", figure(chart, "", answer or verdict), cls="charts")])
