"""Text: normal forms, charset, and the order from left to right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.errors import SightlineError
from sightline.data.bidi import visual, visual_order
from sightline.tasks.read.text import charset, fold, normalise

HEBREW = st.text(alphabet="ab 12.%$(אבגד)", max_size=30)
LETTERS = st.text(alphabet="abc 12.%(אבגדهمي\u05b0\u0301)", max_size=30)


def test_white_space_is_folded_and_the_form_is_the_one_asked_for() -> None:
    assert normalise("  a\t b\n", "NFC") == "a b"
    assert normalise("u\u0308", "NFC") == "ü" and normalise("ü", "NFD") == "u\u0308"
    assert normalise("ﬁ", "NFKC") == "fi" and normalise("ﬁ", "none") == "ﬁ"


def test_the_charset_holds_combining_marks_and_says_when_there_is_nothing() -> None:
    assert charset(["boͤſe", "Be"]) == ("B", "b", "e", "o", "ſ", "\u0364")
    with pytest.raises(SightlineError, match="empty"):
        charset(["", ""])


def test_folding_makes_old_spellings_alike() -> None:
    assert fold("boͤſe Weisheits⸗Goͤttin ꝛc.") == "böse Weisheits-Göttin rc."
    assert fold("Zei¬ ‚a‘ b‐c „d“") == "Zei- 'a' b-c \"d\""


@pytest.mark.parametrize(
    ("logical", "page"),
    [
        ("plain text (1)", "plain text (1)"),
        ("שלום", "םולש"),
        ("שנת 1948 (תש״ח)", "(ח״שת) 1948 תנש"),
        ("אבגדה hi all והזח", "חזהו hi all הדגבא"),
        ("see שלום there", "see םולש there"),
        ("הנחה של 25% היום", "םויה 25% לש החנה"),
        ("א1b%א", "א1b%א"),
        ("א1 b%א", "א1 b%א"),
        ("", ""),
    ],
)
def test_right_to_left_text_stands_on_the_page_as_a_reader_sees_it(logical: str, page: str) -> None:
    assert visual(logical) == page
    assert visual(page) == logical


def test_a_mark_stays_with_its_letter() -> None:
    assert visual("א\u05b0ב") == "בא\u05b0"


@given(LETTERS | HEBREW)
def test_the_order_is_its_own_inverse_and_loses_nothing(text: str) -> None:
    assert sorted(place for place, _ in visual_order(text)) == list(range(len(text)))
    if not text or text[0] not in "\u05b0\u0301":
        assert visual(visual(text)) == text
