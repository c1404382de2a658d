"""The result in words: what it can do, where it fails, whether to trust it, what to do next."""

from __future__ import annotations

import numpy as np

from sightline.core.visible import visible
from sightline.report import numbers
from sightline.report.facts import NOTHING, Facts
from sightline.report.html import Html, given, join, tag
from sightline.report.page import Section, listed
from sightline.report.words import Words

NAMED = 3
"""Classes or confusions that are named in a sentence."""
FEW = 200
"""Judged images below which the figures are called rough."""
SOUND_ECE, BAD_ECE = 0.03, 0.10
WORTH = 0.005
"""What twice the images must give before collecting them is advised."""
ENOUGH = 0.98
"""The share of right answers for which a threshold of confidence is looked for."""
LEAKS = ("leak", "near_leak")
DOUBTFUL = ("label_error", "conflicting_labels", "near_conflict")


def in_short(facts: Facts, t: Words) -> Section | None:
    """Four cards, each with what the figures bear out and nothing else."""
    if not facts.metrics:
        return None
    cards = [
        ("can", can_do(facts, t)),
        ("fails", fails(facts, t)),
        ("trust", trust(facts, t)),
        ("next", next_steps(facts, t)),
    ]
    shown = [tag("div", tag("h3", t(f"card_{key}")), listed(items), cls="card") for key, items in cards if items]
    return Section("in-short", t.plain("in_short"), tag("div", *shown, cls="cards"))


def _ranked(facts: Facts) -> list[tuple[float, str]]:
    """(value, name) of the classes that were among the judged images, the weakest first."""
    key = facts.ranking
    rows = [row for row in facts.rows if row.get("support", 1)]
    return sorted((float(row[key]), str(row["class"])) for row in rows if numbers.is_number(row.get(key)))


def _series(pairs: list[tuple[float, str]], key: str, t: Words) -> Html:
    shown = (t("name_value", name=given(visible(name)), value=numbers.metric(key, value)) for value, name in pairs)
    return join(shown, t.plain("comma"))


def _by_class(key: str, pairs: list[tuple[float, str]], facts: Facts, t: Words) -> Html:
    special = f"{key}_{facts.ranking}"
    series = _series(pairs, facts.ranking, t)
    return t(special if t.has(special) else key, classes=series, column=t.named("column", facts.ranking))


def can_do(facts: Facts, t: Words) -> list[Html]:
    """The main figure beside chance, the first five answers, the best classes."""
    name, value = facts.metric, facts.metrics.get(facts.metric)
    found: list[Html] = []
    if value is not None:
        known = f"does_{name}"
        shown = numbers.metric(name, value)
        metric = t.named("metric", name)
        found.append(t(known if t.has(known) else "does_other", metric=metric, value=shown))
    if "mae" in facts.metrics:
        found.append(t("off_by", value=numbers.metric("mae", facts.metrics["mae"])))
    commonest = _commonest(facts)
    if commonest is not None:
        key = "chance_unbeaten" if _unbeaten(facts) else "chance"
        found.append(t(key, value=numbers.percent(commonest)))
    if "top5" in facts.metrics:
        found.append(t("top5", value=numbers.metric("top5", facts.metrics["top5"])))
    ranked = _ranked(facts)
    if len(ranked) > NAMED:
        found.append(_by_class("best_classes", ranked[::-1][:NAMED], facts, t))
    return found


def _commonest(facts: Facts) -> float | None:
    """The accuracy of always naming the commonest class; None where accuracy is not the metric."""
    supports = [sum(row) for row in facts.confusion]
    return max(supports) / sum(supports) if facts.metric == "accuracy" and sum(supports) else None


def _unbeaten(facts: Facts) -> bool:
    """Whether always naming the commonest class would do as well. Of a single class, that says nothing."""
    commonest = _commonest(facts)
    return commonest is not None and commonest < 1 and facts.metrics.get("accuracy", 1.0) <= commonest


def fails(facts: Facts, t: Words) -> list[Html]:
    """The weakest classes, the commonest confusions, classes that nothing is known about."""
    found: list[Html] = []
    ranked, confusions = _ranked(facts), facts.confusions(NAMED)
    if ranked and ranked[0][0] < 1:
        weakest = [pair for pair in ranked[:NAMED] if pair[0] < 1]
        found.append(_by_class("weak_classes", weakest, facts, t))
    for often, truth, answer, of in confusions:
        held = {"truth": given(truth), "answer": given(answer), "n": numbers.count(often), "of": numbers.count(of)}
        found.append(t("imagined" if truth == NOTHING else "overlooked" if answer == NOTHING else "confused", **held))
    unseen = [str(row["class"]) for row in facts.rows if row.get("support") == 0]
    if unseen:
        found.append(t("unseen_classes", n=len(unseen), classes=_some(unseen, t)))
    unknown = list(facts.scores.get("unknown", []))
    if unknown:
        found.append(t("unknown_labels", classes=_some([str(name) for name in unknown], t)))
    if not found and facts.confusion:
        found.append(t("no_mistake", images=t.images(facts.count)))
    return found


def _some(names: list[str], t: Words, most: int = 5) -> Html:
    more = t("and_more", n=len(names) - most) if len(names) > most else ""
    return join([join((given(visible(name)) for name in names[:most]), t.plain("comma")), more])


def trust(facts: Facts, t: Words) -> list[Html]:
    """A verdict on the figures, then its reasons, the grave ones first."""
    doubts = _doubts(facts, t)
    found = [tag("strong", t("trust_care" if doubts else "trust_good")), *doubts]
    if not doubts:
        found.append(t("measured", images=t.images(facts.count)))
    ece = facts.metrics.get("ece")
    if ece is not None:
        key = "certainty_good" if ece < SOUND_ECE else "certainty_fair" if ece < BAD_ECE else "certainty_bad"
        found.append(t(key, value=numbers.points(ece)))
    risk = facts.curve("risk_coverage")
    if risk and risk["risk"] and max(risk["risk"]) > 0.005:
        kept, everything = risk_at(risk, 0.8), risk_at(risk, 1.0)
        found.append(t("selective", kept=numbers.percent(kept), all=numbers.percent(everything)))
    for name, other in list(facts.card.get("baseline", {}).items())[:1]:
        theirs, ours = other.get("metrics", {}).get(facts.metric), facts.metrics.get(facts.metric)
        if theirs is not None and ours is not None:
            shown = numbers.metric(facts.metric, theirs), numbers.metric(facts.metric, ours)
            found.append(t("baseline_short", name=t.named("baseline", name), theirs=shown[0], ours=shown[1]))
    return found


def _doubts(facts: Facts, t: Words) -> list[Html]:
    found: list[Html] = []
    overlap = facts.scores.get("overlap")
    if overlap:
        found.append(t("doubt_overlap", images=t.images(overlap)))
    if facts.part in ("val", "train"):
        found.append(t(f"doubt_{facts.part}"))
    for finding in facts.findings:
        if finding.code in LEAKS:
            found.append(t(f"doubt_{finding.code}", n=numbers.count(finding.count)))
            break
    if facts.count < FEW:
        found.append(t("doubt_few", images=t.images(facts.count)))
    if facts.card.get("interrupted"):
        found.append(t("doubt_interrupted"))
    return found


def risk_at(curve: dict[str, list[float]], coverage: float) -> float:
    """The share of wrong answers among the surest `coverage` of the images."""
    order = np.argsort(curve["coverage"], kind="stable")
    return float(np.interp(coverage, np.asarray(curve["coverage"])[order], np.asarray(curve["risk"])[order]))


def threshold(curve: dict[str, list[float]], enough: float = ENOUGH) -> tuple[float, float, float] | None:
    """(confidence, right, kept): the lowest bin edge above which at least `enough` of the answers are right.

    None where no edge gives that, or where nothing would be left out. The bins are those of the reliability curve.
    """
    confidence, accuracy, count = (np.asarray(curve[key], np.float64) for key in ("confidence", "accuracy", "count"))
    if count.sum() == 0:
        return None
    order = np.argsort(-confidence)
    hits, seen = np.cumsum((accuracy * count)[order]), np.cumsum(count[order])
    good = np.flatnonzero(hits / seen >= enough)
    if not len(good) or good[-1] == len(order) - 1:
        return None
    last = good[-1]
    # The upper edge of the first bin left out (15 bins of equal width over 0..1).
    edge = np.ceil(confidence[order][last + 1] * 15 - 1e-9) / 15
    return float(edge), float(hits[last] / seen[last]), float(seen[last] / seen[-1])


def next_steps(facts: Facts, t: Words) -> list[Html]:
    """What to type or to do, the most useful first."""
    found: list[Html] = []
    codes = {finding.code for finding in facts.findings}
    data, model = _quoted(facts.data), _quoted(facts.model)
    check = tag("code", f"sightline check {data} --report")
    if facts.card.get("interrupted") and facts.verb == "train":
        found.append(t("do_resume"))
    if _unbeaten(facts):
        found.append(t("do_not_use"))
    if codes & set(LEAKS):
        found.append(t("do_leaks", command=check))
    if codes & set(DOUBTFUL):
        found.append(t("do_labels", command=tag("code", f"sightline check {data} --labels --report")))
    if facts.part == "val":
        found.append(t("do_test"))
    ranked = _ranked(facts)
    if len(ranked) > 1 and ranked[0][0] < 0.95:
        weak = [pair[1] for pair in ranked[:NAMED] if pair[0] < 0.95]
        found.append(t("do_weak", classes=_some(weak, t)))
    gain = float(facts.card.get("curve", {}).get("gain", 0.0))
    if gain >= WORTH:
        found.append(t("do_more", gain=numbers.points(gain)))
    if _still_rising(facts):
        found.append(t("do_longer"))
    if _unbeaten(facts):
        return found
    # Only where answers can be left out one by one does the confidence of an answer have a threshold.
    limit = threshold(facts.curve("reliability")) if facts.curve("risk_coverage") else None
    if limit and model:
        command = tag("code", f"sightline predict {model} IMAGE… --min-confidence {limit[0]:.2f}")
        shown = {"limit": numbers.percent(limit[0], 0), "right": numbers.percent(limit[1])}
        found.append(t("do_threshold", **shown, kept=numbers.percent(limit[2], 0), command=command))
    elif model:
        found.append(t("do_predict", command=tag("code", f"sightline predict {model} IMAGE…")))
    return found


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path) if path else ""


def _still_rising(facts: Facts) -> bool:
    """A short training whose val score still rose clearly in its last quarter."""
    values = [row[f"val_{facts.metric}"] for row in facts.card.get("history", []) if f"val_{facts.metric}" in row]
    if not 4 <= len(values) < 30 or facts.metric in numbers.LOWER:
        return False
    quarter = max(1, len(values) // 4)
    return max(values[-quarter:]) - max(values[:-quarter]) > 0.005
