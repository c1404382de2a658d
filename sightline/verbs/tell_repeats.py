"""How far the result of a training can be trusted, in lines for people: recall by class, folds, seeds, curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LISTED = 10
"""Classes whose recall is shown; of more, the worst."""


def recall_lines(scores: Mapping[str, Any]) -> list[str]:
    """`recall: cat 0.52  dog 0.71 …`, the worst first; nothing where the task has no recall by class."""
    rows = [row for row in scores.get("per_class", []) if "recall" in row and row.get("support", 1)]
    if len(rows) < 2:
        return []
    rows.sort(key=lambda row: row["recall"])
    few = len(rows) > LISTED
    shown = "  ".join(f"{row['class']} {row['recall']:.2f}" for row in rows[:LISTED])
    return [f"recall, the worst {LISTED} of {len(rows)} classes: {shown}" if few else f"recall by class: {shown}"]


def series_lines(card: Mapping[str, Any], metric: str) -> list[str]:
    """What folds, seeds and curve found, as far as the card has them."""
    lines: list[str] = []
    if "folds" in card:
        lines += [f"{_count(card['folds'])} folds, {card['folds']['count']:,} images: {_mean(card['folds'], metric)}"]
        if "test" not in card["scores"]:
            lines += ["the network in the bundle learned from all images but val: the folds say how good it should be"]
    if "seeds" in card:
        lines += [f"{_count(card['seeds'])} seeds: {_mean(card['seeds'], metric)}", _luck(card["seeds"], metric)]
    if "curve" in card:
        pairs = zip(card["curve"]["counts"], card["curve"]["metrics"], strict=True)
        points = ", ".join(f"{count:,} images {metrics[metric]:.4f}" for count, metrics in pairs)
        lines += [f"{metric} by training images: {points}", card["curve"]["answer"]]
    lines += [row["answer"] for row in card.get("baseline", {}).values()]
    return lines


def _count(entry: Mapping[str, Any]) -> str:
    done = len(entry["runs"])
    return f"{done} of {entry['k']}" if done < entry["k"] else str(done)


def _mean(entry: Mapping[str, Any], metric: str) -> str:
    values = [row["metrics"][metric] for row in entry["runs"]]
    text = f"{metric} {entry['mean'][metric]:.4f}"
    if len(values) > 1:
        text += f" ± {entry['std'][metric]:.4f} ({min(values):.4f} to {max(values):.4f})"
    if entry["std"].get(metric):  # runs that agree to the last digit say nothing about the next one
        low, high = entry["intervals"][metric]
        text += f"; the mean lies in {low:.4f}..{min(high, 1.0):.4f} (95 %)"
    return text


def _luck(entry: Mapping[str, Any], metric: str) -> str:
    values = [row["metrics"][metric] for row in entry["runs"]]
    if len(values) < 2:
        return "one seed alone says nothing about luck"
    gap = 100 * (max(values) - min(values))
    mine = 100 * (values[0] - entry["mean"][metric])
    side = (
        "just the mean" if abs(mine) < 0.05 else f"{abs(mine):.1f} points {'above' if mine > 0 else 'below'} the mean"
    )
    return f"luck of the seed: {gap:.1f} points between the best and the worst; the bundle's own, {side}"
