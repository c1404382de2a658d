"""What people read after `evaluate`: scores with intervals, what they mean in words, tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.core.statistics import proportion
from sightline.core.visible import visible

_READ = ("char_accuracy", "cer", "cer_folded", "wer", "insertions", "deletions", "substitutions")
_PIXELS = ("miou", "dice", "pixel_accuracy", "boundary_f")
_BOXES = ("map50_95", "map50", "map75", "ar", "precision", "recall", "f1")
SHARES = frozenset(
    (
        "accuracy",
        "top5",
        "macro_f1",
        "micro_f1",
        "exact",
        "map",
        "coverage",
        "ece",
        "ece_uncalibrated",
        *_READ,
        *_PIXELS,
        *_BOXES,
    )
)
"""Metrics that read better in per cent."""
PAIRS, ROWS = 5, 50
"""How many confused pairs and classes are listed."""
SMALL_GAP = 0.01
"""A model that is off by no more than this on average is as sure as it should be."""


def tell_evaluation(result: dict[str, Any]) -> None:
    """Prints the result: what there is of it, task by task."""
    print("\n".join(lines_of(result)))


def lines_of(result: dict[str, Any]) -> list[str]:
    """What `tell_evaluation` prints."""
    lines = [_head(result), *_warnings(result)]
    for section in (_calibration(result), _unsure(result), _pairs(result), _table(result)):
        if section:
            lines += ["", *section]
    if "compare" in result:
        lines += ["", *comparison_lines(result["compare"])]
    if "robust" in result:
        lines += ["", *robust_lines(result["robust"])]
    return lines


def _head(result: dict[str, Any]) -> str:
    part = "all of the data" if result["split"] == "all" else f"the {result['split']} part"
    intervals = result.get("intervals", {})
    width = max(len(name) for name in result["metrics"])
    rows = [f"{part}, {result['n']:,} images; in brackets: 95 % intervals"]
    for name, value in result["metrics"].items():
        around = f"  ({_range(name, intervals[name])})" if name in intervals else ""
        rows.append(f"  {name.ljust(width)}  {_value(name, value)}{around}")
    return "\n".join(rows)


def _warnings(result: dict[str, Any]) -> list[str]:
    lines = [f"! {note}" for note in result.get("notes", [])]
    if result["overlap"]:
        lines.append(f"! {result['overlap']:,} of these images were trained on: the scores flatter")
    if result["unknown"]:
        lines.append(f"! unknown to the model, so counted as wrong: {_some(result['unknown'])}")
    if result["unreadable"]:
        count = len(result["unreadable"])
        lines.append(f"! {count} images could not be read, the first: {result['unreadable'][0]}")
    return lines


def _some(names: list[str]) -> str:
    named = ", ".join(map(visible, names[:PAIRS]))
    return named + (f" and {len(names) - PAIRS} more" if len(names) > PAIRS else "")


def _calibration(result: dict[str, Any]) -> list[str]:
    curve = result.get("curves", {}).get("reliability")
    if not curve:
        return []
    total = sum(curve["count"])
    sure = sum(c * n for c, n in zip(curve["confidence"], curve["count"], strict=True)) / total
    right = sum(a * n for a, n in zip(curve["accuracy"], curve["count"], strict=True)) / total
    unit = curve.get("unit", "images")
    verdict = _sureness(sure, right, total, unit)
    lines = [f"On average it says {_percent(sure)} and is right {_percent(right)}: {verdict}."]
    bands = [(0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)]
    for low, high in bands:
        inside = [i for i, c in enumerate(curve["confidence"]) if low <= c < high]
        count = sum(curve["count"][i] for i in inside)
        if count:
            says = sum(curve["confidence"][i] * curve["count"][i] for i in inside) / count
            is_right = sum(curve["accuracy"][i] * curve["count"][i] for i in inside) / count
            lines.append(
                f"  when it says about {_percent(says)}, it is right {_percent(is_right)}  ({_counted(count, unit)})"
            )
    return lines


def _sureness(sure: float, right: float, total: int, unit: str) -> str:
    """What the gap between confidence and accuracy is worth: little, perhaps nothing but chance, or real."""
    low, high = proportion(right * total, total)
    if abs(sure - right) <= SMALL_GAP:
        return "about as sure as it should be"
    if low <= sure <= high:
        return f"the difference may be chance, too few {unit} to tell ({total:,})"
    return "too sure of itself" if sure > right else "surer than it says"


def _unsure(result: dict[str, Any]) -> list[str]:
    curve = result.get("curves", {}).get("risk_coverage")
    if not curve:
        return []

    def right_at(coverage: float) -> float:
        place = min(range(len(curve["coverage"])), key=lambda i: abs(curve["coverage"][i] - coverage))
        return 1 - curve["risk"][place]

    texts = [f"without the {name} it is least sure of, {_percent(right_at(c))}" for name, c in _LEFT_OUT]
    return [f"Right: {_percent(right_at(1.0))} of all; {'; '.join(texts)}."]


_LEFT_OUT = (("tenth", 0.9), ("third", 0.67))


def _pairs(result: dict[str, Any]) -> list[str]:
    confused = result.get("curves", {}).get("confused")
    if confused:
        columns = zip(confused["truth"], confused["read"], confused["count"], strict=True)
        lines = [
            f"  {visible(truth)} read as {visible(read)}: {count:,} times"
            for truth, read, count in list(columns)[: 2 * PAIRS]
        ]
        return ["Most often confused (∅: nothing):", *lines] if lines else ["No character was taken for another."]
    confusion, rows = result.get("confusion"), result.get("per_class", [])
    if not confusion or not 0 <= len(confusion) - len(rows) <= 1:
        return []
    names = [*(row["class"] for row in rows), "nothing"]
    pairs = [(n, i, j) for i, line in enumerate(confusion) for j, n in enumerate(line) if i != j and n]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    if not pairs:
        return ["No class was taken for another."]
    lines = ["Most often confused:"]
    for count, i, j in pairs[:PAIRS]:
        share = f"{count:,} of {sum(confusion[i]):,}"
        lines.append(f"  {names[i]} taken for {names[j]}: {share}")
    return lines


def _table(result: dict[str, Any]) -> list[str]:
    rows: list[dict[str, Any]] = result.get("per_class", [])
    if not rows:
        return []
    columns = [name for name in ("iou", "precision", "recall", "f1", "boundary_f") if name in rows[0]]
    more = [name for name in ("ap", "ap50", "threshold") if name in rows[0]]
    width = max(5, *(len(visible(row["class"])) for row in rows))
    lines = ["  ".join(["class".ljust(width), *(name.ljust(17) for name in columns), "support", *more])]
    for row in rows[:ROWS]:
        cells = [f"{_cell(row[name])} {_around(row.get(f'{name}_ci'))}".ljust(17) for name in columns]
        rest = ["-".rjust(len(n)) if row[n] is None else _cell(row[n]).rjust(len(n)) for n in more]
        lines.append("  ".join([visible(row["class"]).ljust(width), *cells, f"{row['support']:7,}", *rest]))
    if len(rows) > ROWS:
        lines.append(f"… and {len(rows) - ROWS} more classes (all with --json)")
    return lines


def comparison_lines(found: dict[str, Any]) -> list[str]:
    """Two bundles side by side, and the answer in words."""
    names, metric = found["names"], found["metric"]
    width = max(map(len, names))
    lines = [f"compared on the same {found['n']:,} images: {metric}"]
    for name, key in zip(names, ("this", "that"), strict=True):
        only = f"  (alone right on {found['only_' + key]:,})" if "only_this" in found else ""
        lines.append(f"  {name.ljust(width)}  {_value(metric, found[key])}{only}")
    lines.append(f"  {found['answer']}")
    if found["overlap"]:
        lines.append(f"! {names[1]} was trained on {found['overlap']:,} of these images: the comparison flatters it")
    return lines


def robust_lines(found: dict[str, Any]) -> list[str]:
    """The table by kind and strength, the shifts, and the weakest spots."""
    metric = found["metric"]
    share = "mean_corruption_error" in found

    def cell(value: float) -> str:
        return f"{100 * value:6.1f}" if share else f"{value:6.3f}"

    used = f"{found['n']:,} images" + (f" of {found['of']:,} (more: --limit)" if found["n"] < found["of"] else "")
    lines = [
        f"under corruption: {metric}{' in %' if share else ''}, {used}; as they are: {cell(found['clean']).strip()}"
    ]
    lines.append("  ".join(["strength".ljust(16), *(str(s).rjust(6) for s in (1, 2, 3, 4, 5)), "  mean"]))
    for group, members in found["groups"].items():
        lines.append(group)
        for kind in members:
            values = found["kinds"][kind]
            row = [f"  {kind}".ljust(16), *map(cell, values), cell(sum(values) / len(values))]
            lines.append("  ".join(row))
    if share:
        error, clean = _percent(found["mean_corruption_error"]), _percent(found["clean_error"])
        lines.append(f"mean corruption error {error} (over the 75 above; {clean} as they are)")
    signs = {"exposure": "x {:g}", "scale": "x {:g}", "rotation": "{:+g}°"}
    for kind, row in found["shifts"].items():
        heads = [signs[kind].format(amount).rjust(6) for amount in row["amounts"]]
        lines += ["", "  ".join([kind.ljust(16), *heads]), "  ".join([metric.rjust(16), *map(cell, row["values"])])]
    if found["weakest"]:
        lines += ["", "weakest spots:"]
    for spot in found["weakest"]:
        amount = signs.get(spot["kind"], "strength {:g}").format(spot["amount"])
        lines.append(f"  {spot['kind']}, {amount}: {metric} {cell(spot['value']).strip()}{_such_as(spot['examples'])}")
    return lines


def _such_as(examples: Sequence[dict[str, Any]]) -> str:
    wrong = [one for one in examples if one["label"] != one["truth"]]
    if not wrong:
        return ""
    return f", such as {wrong[0]['image']}: {wrong[0]['truth']} taken for {wrong[0]['label']}"


def _counted(count: int, units: str) -> str:
    return f"1 {units.removesuffix('es' if units.endswith('xes') else 's')}" if count == 1 else f"{count:,} {units}"


def _cell(value: float) -> str:
    return f"{value:.3f}"


def _around(ends: Sequence[float] | None) -> str:
    return f"({ends[0]:.2f}–{ends[1]:.2f})" if ends else ""


def _percent(value: float) -> str:
    """One digit after the point near both ends, where it matters."""
    return f"{100 * value:.1f} %" if value < 0.1 or value > 0.9 else f"{100 * value:.0f} %"


def _value(name: str, value: float) -> str:
    return f"{100 * value:.2f} %" if name in SHARES else f"{value:.4f}"


def _range(name: str, ends: Sequence[float]) -> str:
    low, high = ends
    return f"{100 * low:.2f} to {100 * high:.2f} %" if name in SHARES else f"{low:.4f} to {high:.4f}"
