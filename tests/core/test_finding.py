"""Findings as plain JSON: whole for programs, short for the card."""

from __future__ import annotations

from sightline.core.task import Finding

IN_CARD = 200


def test_ten_thousand_copies_do_not_make_a_huge_card() -> None:
    rows = tuple({"images": [n, n + 1], "labels": ["a", "a"]} for n in range(10_000))
    finding = Finding("duplicate", "note", "copies", tuple(map(str, range(10_000))), 10_000, rows)
    cut = finding.to_dict(IN_CARD)
    assert (len(cut["items"]), len(cut["rows"]), cut["count"]) == (200, 200, 10_000)
    assert cut["rows"] == finding.to_dict()["rows"][:200] and len(finding.to_dict()["rows"]) == 10_000
    one = Finding("duplicate", "note", "copies", ("0 = 1 and more",), 9_999, ({"images": list(range(10_000))},))
    assert one.to_dict(IN_CARD)["rows"] == [{"images": list(range(24)), "of": 10_000}]
