"""What happens to the answers when the images get worse: by kind and strength, and the weakest spots as pictures."""

from __future__ import annotations

from typing import Any

from sightline.report import charts, numbers
from sightline.report.charts import Axis
from sightline.report.facts import Facts
from sightline.report.gallery import card, grid
from sightline.report.html import Html, join, tag
from sightline.report.page import Section, figure, scroller
from sightline.report.words import Words

UNCHANGED = {"exposure": 1.0, "scale": 1.0, "rotation": 0.0}
"""The amount of each shift that leaves an image as it is."""


def robustness(facts: Facts, t: Words) -> Section | None:
    """The main metric under corruptions and shifts, and where it breaks first."""
    found: dict[str, Any] = facts.scores.get("robust", {})
    if not found:
        return None
    metric, clean = str(found["metric"]), float(found["clean"])
    shown = {"clean": numbers.metric(metric, clean), "mean": numbers.metric(metric, float(found["mean"]))}
    named = t.named("metric", metric)
    falls = float(found["mean"]) < clean and shown["mean"] != shown["clean"]
    key = "robust_said" if falls else "robust_kept"
    said = [tag("p", t(key, metric=named, images=t.images(int(found["n"])), **shown))]
    body = [*said, _table(found, metric, clean, t), _shifts(found, metric, clean, t), _spots(facts, found, t)]
    return Section("robust", t.plain("robust"), join(body), t.plain("robust_lead"))


def _table(found: dict[str, Any], metric: str, clean: float, t: Words) -> Html:
    """Kinds by strengths; the deeper the shade, the more of the metric is gone."""
    kinds: dict[str, list[float]] = found["kinds"]
    count = max(len(values) for values in kinds.values())
    heads = [tag("td", tag("span", t("strength")))]
    heads += [tag("th", str(n + 1), scope="col") for n in range(count)]
    groups: list[Html] = []
    for group, members in found["groups"].items():
        rows = [tag("tr", tag("th", t(f"group_{group}"), scope="rowgroup", colspan=count + 1, cls="group"))]
        for kind in members:
            cells = [_cell(value, metric, clean) for value in kinds[kind]]
            rows.append(tag("tr", tag("th", t.named("kind", kind), scope="row"), *cells))
        groups.append(tag("tbody", *rows))
    caption = tag("caption", t("robust_caption"), cls="hidden")
    return scroller(
        tag("table", caption, tag("thead", tag("tr", *heads)), *groups, cls="matrix heat"), t.plain("robust")
    )


def _cell(value: float, metric: str, clean: float) -> Html:
    lost = min(max((clean - value) / (abs(clean) or 1), 0), 1)
    shown = numbers.metric(metric, value).removesuffix("%")
    return tag("td", shown, cls="miss deep" if lost > 0.55 else "miss", style=f"--s:{lost:.2f}")


def _shifts(found: dict[str, Any], metric: str, clean: float, t: Words) -> Html:
    figures: list[Html] = []
    share = metric in numbers.PERCENT
    for kind, one in found.get("shifts", {}).items():
        points = list(zip(map(float, one["amounts"]), map(float, one["values"]), strict=True))
        if kind in UNCHANGED:
            points.append((UNCHANGED[kind], clean))
        xs, ys = zip(*sorted(points), strict=True)
        low, high = charts.around([*ys, 0.0], share) if min(ys) >= 0 else charts.around(ys)
        worst = min(points, key=lambda point: point[1])
        mark = (*worst, numbers.metric(metric, worst[1]))
        alt = t.plain("alt_shift", kind=t.named("kind", kind), worst=mark[2], clean=numbers.metric(metric, clean))
        axes = Axis(xs[0], xs[-1], t.plain(f"amount_{kind}")), Axis(low, high, t.named("metric", metric), share)
        figures.append(figure(charts.line(alt, xs, ys, *axes, [mark]), t.named("kind", kind)))
    return tag("div", *figures, cls="charts") if figures else Html("")


def _spots(facts: Facts, found: dict[str, Any], t: Words) -> Html:
    parts: list[Html] = []
    metric = str(found["metric"])
    for spot, shots in zip(found.get("weakest", []), facts.spots, strict=False):
        kind, amount = str(spot["kind"]), float(spot["amount"])
        title = t(
            "spot" if kind in found["kinds"] else "spot_shift", kind=t.named("kind", kind), amount=f"{amount:g}",
            value=numbers.metric(metric, float(spot["value"])),
        )  # fmt: skip
        parts += [tag("h4", title), grid([card(shown, t) for shown in shots], "shots group")]
    return join([tag("h3", t("weakest_spots")), *parts]) if parts else Html("")
