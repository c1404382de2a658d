"""The order in which a text stands on the page, from left to right, and back (Unicode's bidirectional algorithm).

`sightline export --to python` copies this file: it needs nothing but Python.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


def table(characters: Iterable[str]) -> dict[str, Any]:
    """What `visual_order` asks Unicode about these characters, for programs that cannot ask: `sides`, their
    bidirectional classes, and `marks`, those that combine; empty where none is read from right to left."""
    sides = {character: unicodedata.bidirectional(character) for character in characters}
    marks = "".join(character for character in sides if unicodedata.combining(character))
    return {"sides": sides, "marks": marks} if {"R", "AL"} & set(sides.values()) else {}


def direction(text: str) -> Literal["rtl", "ltr"] | None:
    """`rtl` where letters from right to left prevail, `ltr` where there are fewer, None where there are none."""
    sides = _sides([text[cluster[0]] for cluster in _clusters(text)])
    return ("rtl" if _leftward(sides) else "ltr") if "R" in sides else None


def typed(characters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Characters from left to right, each with its `text`, in the order in which they are typed: the order is its own
    inverse."""
    seen = "".join(one["text"] for one in characters)
    order = zip(visual_order(seen), visual(seen), strict=True)
    return [{**characters[place], "text": text} for (place, _), text in order]


def visual(text: str) -> str:
    """The text in the order in which it stands on the page, from left to right; its own inverse.

    Brackets that are read from right to left are mirrored, as they are on the page.
    """
    return "".join(text[i].translate(_MIRRORED) if mirrored else text[i] for i, mirrored in visual_order(text))


def visual_order(text: str) -> list[tuple[int, bool]]:
    """For each place on the page, from left to right: which character stands there, and whether it is mirrored.

    Scripts from left to right stay as they are. Where letters from right to left prevail, the order is reversed, letter
    by letter with its combining marks, except within numbers and words of the other direction (the implicit levels 0
    to 2 of Unicode's bidirectional algorithm, UAX 9).
    """
    clusters = _clusters(text)
    sides = _sides([text[cluster[0]] for cluster in clusters])
    if "R" not in sides:
        return [(place, False) for place in range(len(text))]
    leftward = _leftward(sides)
    if leftward:
        clusters, sides = clusters[::-1], sides[::-1]
    against = [False] * len(clusters)
    for begin, end in _runs(sides, "L" if leftward else "R"):
        clusters[begin:end] = clusters[begin:end][::-1]
        against[begin:end] = [True] * (end - begin)
    return [(i, leftward != other) for cluster, other in zip(clusters, against, strict=True) for i in cluster]


def _leftward(sides: list[str]) -> bool:
    return sides.count("R") >= sides.count("L")


def _clusters(text: str) -> list[list[int]]:
    """The places of each letter with the combining marks that follow it."""
    found: list[list[int]] = []
    for place, character in enumerate(text):
        if found and unicodedata.combining(character):
            found[-1].append(place)
        else:
            found.append([place])
    return found


def _sides(letters: list[str]) -> list[str]:
    """L or R for letters and numbers of a direction, N for what takes its neighbours' direction.

    Signs such as % belong to the European number that they touch (UAX 9, W5), but not among Arabic letters (W2). What
    stands between a sign and the number, as in `1b%`, belongs to both: else the order would not be its own inverse.
    """
    kinds = [unicodedata.bidirectional(letter) for letter in letters]
    side = {"R": "R", "AL": "R", "L": "L", "EN": "L", "AN": "L"}
    found = [side.get(kind, "N") for kind in kinds]
    if "AL" in kinds:
        return found
    edges = {edge for run in _runs(found, "L") if "EN" in kinds[slice(*run)] for edge in run}
    begin = 0
    for kind, run in itertools.groupby(kinds):
        end = begin + len(list(run))
        if kind == "ET" and {begin, end} & edges:
            found[begin:end] = "L" * (end - begin)
        begin = end
    return found


def _runs(sides: list[str], other: str) -> list[tuple[int, int]]:
    """Longest stretches that begin and end on the side `other` and hold nothing of the opposite side."""
    found: list[tuple[int, int]] = []
    for place, side in enumerate(sides):
        if side == other:
            if found and all(s != _opposite(other) for s in sides[found[-1][1] : place]):
                found[-1] = (found[-1][0], place + 1)
            else:
                found.append((place, place + 1))
    return found


def _opposite(side: str) -> str:
    return "R" if side == "L" else "L"
