"""The language model: probabilities that add up, and that know what usually follows."""

from __future__ import annotations

import json
import math
import zlib

import numpy as np
import pytest

from sightline.core.errors import SightlineError
from sightline.tasks.read import language as language_module
from sightline.tasks.read.language import Language, learn

LINES = ["der Hund und die Katze", "die Katze und der Hund", "der Hund bellt", "und die Katze schläft"] * 3
LETTERS = sorted(set("".join(LINES)))


@pytest.mark.parametrize("context", ["", "d", "und d", "der Hun", "xyz"])
def test_what_may_follow_adds_up_to_about_one(context: str) -> None:
    language = learn(LINES)
    total = sum(math.exp(language(context, c)) for c in LETTERS)
    assert total == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("most", [0, 60])
def test_so_it_does_with_its_rarest_n_grams_left_out(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learn([*LINES, "ein Fuchs", "ein Hase"])
    monkeypatch.setattr(language_module, "MOST", most)
    language = learn([*LINES, "ein Fuchs", "ein Hase"])
    assert len(language.costs) < len(whole.costs)
    letters = sorted({*LETTERS, *"einFuchsHase"})
    for context in ("", "und d", "ein ", "ein F", "ein Fu"):
        assert sum(math.exp(language(context, c)) for c in letters) == pytest.approx(1, abs=0.05), context


def test_a_character_that_follows_many_others_is_likelier_anew_than_one_that_follows_one() -> None:
    """What Kneser and Ney are for: `u` is as frequent as `e`, but it only ever stands behind a `q`."""
    language = learn(["qu"] * 8 + ["ae", "be", "ce", "de", "fe", "ge", "he", "ie"])
    assert language("x", "e") > language("x", "u") + 0.5


def test_it_knows_what_it_has_seen_and_doubts_the_rest() -> None:
    language = learn(LINES)
    assert math.exp(language("der Hun", "d")) > 0.9
    assert math.exp(language("der Hun", "z")) < 0.01
    assert -25 < language("Hun", "語") < math.log(0.001)


def test_lines_of_its_kind_take_fewer_bits_than_shuffled_ones() -> None:
    language = learn(LINES[:-1])
    shuffled = ["".join(np.random.default_rng(0).permutation(list(line))) for line in LINES[:4]]
    assert language.bits(LINES[:4]) < 0.5 * language.bits(shuffled)


def test_it_survives_writing_and_reading_and_says_when_it_is_damaged() -> None:
    language = learn(LINES)
    again = Language.from_bytes(language.to_bytes())
    assert (again.costs, again.skips, again.unseen) == (language.costs, language.skips, language.unseen)
    with pytest.raises(SightlineError, match="damaged"):
        Language.from_bytes(b"nothing")
    older = zlib.compress(json.dumps({"a": 3, "ab": 1}).encode())
    with pytest.raises(SightlineError, match="older kind"):
        Language.from_bytes(older)


def test_it_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_module, "REMEMBERED", 10)
    language = learn(LINES)
    fresh = [language("der Hun", c) for c in LETTERS]
    assert [language("der Hun", c) for c in LETTERS] == fresh
    assert len(language._known) <= 10  # pyright: ignore[reportPrivateUsage]
