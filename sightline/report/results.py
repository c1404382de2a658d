"""Sections of figures: confusion, classes, calibration and risk."""

from __future__ import annotations

from typing import Any

from sightline.core.visible import visible
from sightline.report import charts, numbers
from sightline.report.charts import Axis
from sightline.report.facts import Facts
from sightline.report.html import Html, given, join, tag
from sightline.report.page import Section, figure, scroller
from sightline.report.summary import risk_at
from sightline.report.words import Words

MOST_IN_MATRIX = 25
"""With more classes, the matrix shows those with the most mistakes."""
MOST_ROWS = 500
"""Rows of the per-class table; with more classes, the weakest."""
LISTED = 10
MOST_CURVES = 9
WEAK = 0.75
"""Classes below are drawn in the colour of mistakes."""


def confusion(facts: Facts, t: Words) -> Section | None:
    """The matrix as a table (rows: truth, columns: answers), and the commonest confusions."""
    matrix, names = facts.confusion, facts.names
    if not matrix:
        return None
    kept = list(range(len(names)))
    note = ""
    if len(names) > MOST_IN_MATRIX:
        errors = [sum(matrix[i]) + sum(row[i] for row in matrix) - 2 * matrix[i][i] for i in range(len(names))]
        kept = sorted(sorted(kept, key=lambda i: -errors[i])[:MOST_IN_MATRIX])
        note = t("matrix_part", shown=MOST_IN_MATRIX, all=numbers.count(len(names)))
    corner = tag("td", tag("span", t("matrix_corner")))
    headings = [tag("th", tag("span", given(names[j])), scope="col") for j in kept]
    rows = [_matrix_row(matrix[i], i, kept, names) for i in kept]
    table = tag(
        "table", tag("caption", t("matrix_caption"), cls="hidden"), tag("thead", tag("tr", corner, *headings)),
        tag("tbody", *rows), cls="matrix many" if len(kept) > 12 else "matrix",
    )  # fmt: skip
    body = [tag("p", note, cls="aside") if note else "", scroller(table, t.plain("confusion"))]
    common = [
        tag("tr", tag("th", given(a), scope="row"), tag("td", given(b)), tag("td", numbers.count(n), cls="num"),
            tag("td", numbers.percent(n / max(of, 1)), cls="num"))
        for n, a, b, of in facts.confusions(LISTED)
    ]  # fmt: skip
    if common:
        heads = ("truth", "answer", "times", "share_of_truth")
        cells = [tag("th", t(key), scope="col", cls="num" if n > 1 else None) for n, key in enumerate(heads)]
        body += [
            tag("h3", t("commonest")),
            tag("table", tag("thead", tag("tr", *cells)), tag("tbody", *common), cls="plain narrow"),
        ]
    return Section("confusion", t.plain("confusion"), join(body), t.plain("confusion_lead"))


def _matrix_row(row: list[int], i: int, kept: list[int], names: list[str]) -> Html:
    total = max(sum(row), 1)
    cells: list[Html] = []
    for j in kept:
        share = row[j] / total
        # Mistakes are few: their shade is stretched, so that one of twenty is still seen.
        shade = share if i == j else min(1.0, 3 * share)
        cls = ("hit" if i == j else "miss") + (" deep" if shade > 0.55 else "")
        style = f"--s:{shade:.2f}"
        cells.append(tag("td", numbers.count(row[j]) if row[j] else "", cls=cls if row[j] else None,
                         style=style if row[j] else None))  # fmt: skip
    return tag("tr", tag("th", given(names[i]), scope="row"), *cells)


def per_class(facts: Facts, t: Words) -> Section | None:
    """Every class with its figures and their intervals, the weakest first."""
    rows = facts.rows
    if not rows:
        return None
    key = facts.ranking
    columns = [k for k in rows[0] if k not in ("class", "support") and not k.endswith("_ci")]
    columns.sort(key=lambda k: k != key)
    # Classes without a judged image have no figures: they come last.
    order = sorted(rows, key=lambda r: (not r.get("support", 1), float(r.get(key) or 0)))
    intervals = any(f"{key}_ci" in row for row in rows)
    heads = ["class", *columns, *(["support"] if "support" in rows[0] else [])]
    unit = {"support": str(facts.curve("reliability").get("unit", "support"))}  # characters and pixels are no images
    cells = [
        tag("th", t.named("column", unit.get(head, head)), scope="col", cls=None if n == 0 else "num")
        for n, head in enumerate(heads)
    ]
    if intervals:
        title = t("column_interval", name=t.named("column", key))
        cells.insert(2, tag("th", title, scope="col", cls="plot", data_fixed=True))
    least = min([float(row[f"{key}_ci"][0]) for row in order if row.get(f"{key}_ci")] or [0.0])
    body = [_class_row(row, columns, key if intervals else "", least, t) for row in order[:MOST_ROWS]]
    table = tag(
        "table", tag("caption", t("per_class"), cls="hidden"), tag("thead", tag("tr", *cells)), tag("tbody", *body),
        cls="plain sortable",
    )  # fmt: skip
    note = t("rows_part", shown=MOST_ROWS, all=numbers.count(len(rows))) if len(rows) > MOST_ROWS else ""
    parts = [tag("p", note, cls="aside") if note else "", scroller(table, t.plain("per_class"), len(rows) > 40)]
    return Section("per-class", t.plain("per_class"), join(parts), t.plain("per_class_lead"))


def _class_row(row: dict[str, Any], columns: list[str], plotted: str, least: float, t: Words) -> Html:
    nothing = row.get("support") == 0
    cells: list[Html] = []
    for column in columns:
        value, ends = row[column], list[float](row.get(f"{column}_ci") or [])
        known = not nothing and numbers.is_number(value)
        shown = numbers.metric(column, value) if known else numbers.DASH
        span = tag("small", numbers.span(column, ends)) if known and ends else ""
        cells.append(tag("td", shown, span, cls="num", data_value=value if known else -1))
        if column == plotted:
            scale, kind = (max(0.0, least - 0.02), 1.0), "bad" if known and value < WEAK else ""
            plot = charts.whisker(value, (ends[0], ends[1]), scale, kind) if span else ""
            cells.append(tag("td", plot, cls="plot"))
    if "support" in row:
        cells.append(tag("td", numbers.count(row["support"]), cls="num", data_value=row["support"]))
    return tag("tr", tag("th", given(visible(str(row["class"]))), scope="row"), *cells)


def precision_recall(facts: Facts, t: Words) -> Section | None:
    """Precision against recall as the threshold falls, for the classes with the least area below."""
    curves = facts.curve("pr")
    if not curves:
        return None
    areas = {str(row["class"]): row.get("ap") for row in facts.rows}
    names = sorted(curves, key=lambda name: float(areas.get(name) or 0))[:MOST_CURVES]
    axes = Axis(0, 1, t.plain("pr_recall"), True), Axis(0, 1, t.plain("pr_precision"), True)
    figures: list[Html] = []
    for name in names:
        area = numbers.metric("ap", float(areas.get(name) or 0))
        chart = charts.line(
            t.plain("alt_pr", name=name, ap=area), curves[name]["recall"], curves[name]["precision"], *axes
        )
        figures.append(figure(chart, join([given(name), " ", tag("small", "AP ", area)])))
    note = tag("p", t("rows_part", shown=len(names), all=len(curves)), cls="aside") if len(curves) > len(names) else ""
    body = join([note, tag("div", *figures, cls="charts")])
    return Section("precision-recall", t.plain("pr"), body, t.plain("pr_lead"))


def certainty(facts: Facts, t: Words) -> Section | None:
    """Whether its certainty can be believed (reliability), and what leaving out the unsure answers buys (risk)."""
    figures = [part for part in (_reliability(facts, t), _risk(facts, t)) if part]
    if not figures:
        return None
    return Section("certainty", t.plain("certainty"), tag("div", *figures, cls="charts"), t.plain("certainty_lead"))


def _reliability(facts: Facts, t: Words) -> Html | None:
    curve = facts.curve("reliability")
    if not curve.get("confidence"):
        return None
    alt = t.plain("alt_reliability", ece=numbers.percent(facts.metrics.get("ece", 0.0)))
    words = (t.plain("ideal"), t.plain("too_sure"), t.plain("too_modest"))
    titles = t.plain("says_it_is_sure"), t.plain("is_right")
    chart = charts.reliability(alt, curve["confidence"], curve["accuracy"], curve["count"], *titles, words)
    before, after = facts.metrics.get("ece_uncalibrated"), facts.metrics.get("ece")
    note = ""
    if after is not None:
        note = t("reliability_note", after=numbers.points(after))
    if before is not None and after is not None:
        note = t("reliability_both", before=numbers.points(before), after=numbers.points(after))
    return figure(chart, t("reliability"), note)


def _risk(facts: Facts, t: Words) -> Html | None:
    curve = facts.curve("risk_coverage")
    if not curve.get("coverage"):
        return None
    top = charts.around([0.0, *curve["risk"]], share=True)[1]
    marks = [(c, risk_at(curve, c), numbers.percent(risk_at(curve, c))) for c in (1.0, 0.8, 0.5)]
    alt = t.plain("alt_risk", all=marks[0][2], most=marks[1][2], half=marks[2][2])
    axes = Axis(0, 1, t.plain("share_answered"), True), Axis(0, top, t.plain("share_wrong"), True)
    chart = charts.line(alt, curve["coverage"], curve["risk"], *axes, marks)
    note = t("risk_note", most=marks[1][2], all=marks[0][2])
    return figure(chart, t("risk"), note)
