"""What `compress` tells people: a table, before and after."""

from __future__ import annotations

from typing import Any

from sightline.verbs.common import say


def tell(found: dict[str, Any]) -> None:
    """The table, where the bundle is, and what to type next."""
    before, after, part, name = found["before"], found["after"], found["part"], found["metric"]
    for note in found["notes"]:
        print(f"note: {note}")
    row("", "before", "after")
    for one, scores in before["metrics"].items():
        old, new = scores[name], after["metrics"][one][name]
        allowed = f"  (at most -{found['max_drop']:g})" if one == part else ""
        row(f"{name} ({one})", f"{old:.4f}", f"{new:.4f}", f"{100 * (new - old):+.2f} points{allowed}")
    old, new = before["bytes"], after["bytes"]
    row("size", _size(old), _size(new), f"{old / new:.1f} times smaller")
    old, new = before["ms"], after["ms"]
    row("graph, ms an image", f"{old:.3g}", f"{new:.3g}", f"{old / new:.1f} times as fast")
    print(f"\nbundle: {found['bundle']}")
    if found["met"]:
        print(f"\nnext:\n  sightline predict {found['bundle']} IMAGE…")
    else:
        long = found["method"] == "distill"
        more = "train longer with --epochs" if long else "measure ranges on more images with --images"
        say(
            f"! {name} falls by {found['drop']:.2f} points on {part}, and --max-drop allows {found['max_drop']:g}: "
            f"this is the best there is, under a name of its own\n  allow more with --max-drop, {more}, or keep the "
            "bundle that you have"
        )


def row(*cells: str) -> None:
    """A line of the table."""
    print(f"{cells[0]:<22} {cells[1]:>10} {cells[2]:>10}  {''.join(cells[3:])}".rstrip())


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
