"""Settings: conversion, checks, and the way through options.toml and back."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.errors import SightlineError
from sightline.core.options import duration, option, reject_unknown, resolve, to_toml, types_of


@dataclass(frozen=True)
class Some:
    """One option of each kind."""

    name: str = option("auto", "a text")
    kind: str = option("a", "one of two", choices=("a", "beta"))
    count: int = option(3, "a number", low=1, high=10)
    most: int | None = option(None, "a number or none", low=0)
    rate: float | None = option(None, "a rate", above=0)
    share: float = option(0.5, "a share", low=0, high=1)
    wait: float | None = option(None, "a time", above=0, parse=duration)
    flag: bool = option(False, "yes or no")
    out: Path | None = option(None, "a folder")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "x", "x"),
        ("count", "4", 4),
        ("count", 4.0, 4),
        ("most", None, None),
        ("most", "0", 0),
        ("rate", "1e-3", 0.001),
        ("rate", 2, 2.0),
        ("share", "0", 0.0),
        ("share", 1, 1.0),
        ("wait", "1h30m", 5400.0),
        ("wait", 12, 12.0),
        ("flag", "yes", True),
        ("flag", "off", False),
        ("flag", True, True),
        ("out", "a b/ü", Path("a b/ü")),
        ("out", Path("x"), Path("x")),
    ],
)
def test_a_value_is_converted_to_its_type(name: str, value: Any, expected: Any) -> None:
    found = getattr(resolve(Some, {name: value}), name)
    assert found == expected and isinstance(found, type(expected))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("count", "four", "--count 'four' is not a whole number"),
        ("count", 4.5, "--count 4.5 is not a whole number"),
        ("count", "4.5", "--count '4.5' is not a whole number"),
        ("count", float("nan"), "--count nan is not a whole number"),
        ("count", float("inf"), "--count inf is not a whole number"),
        ("count", 0, "--count 0 is out of range"),
        ("count", 11, "--count 11 is out of range"),
        ("count", None, "--count needs a value"),
        ("rate", "fast", "--rate 'fast' is not a number"),
        ("rate", float("nan"), "--rate nan is not a finite number"),
        ("rate", "nan", "--rate nan is not a finite number"),
        ("rate", "-inf", "--rate -inf is not a finite number"),
        ("rate", 1e999, "--rate inf is not a finite number"),
        ("rate", 0, "--rate 0.0 is out of range"),
        ("share", -0.01, "--share -0.01 is out of range"),
        ("share", 1.01, "--share 1.01 is out of range"),
        ("kind", "bata", "unknown value of --kind 'bata'"),
        ("wait", "tomorrow", "'tomorrow' is not a time"),
        ("wait", 0, "--wait 0.0 is out of range"),
        ("wait", float("inf"), "--wait inf is not a finite number"),
        ("flag", "perhaps", "--flag 'perhaps' is not true or false"),
        ("rate", [1], "--rate [1] is not a number"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: Any, message: str) -> None:
    with pytest.raises(SightlineError) as caught:
        resolve(Some, {name: value})
    assert caught.value.what == message


def test_a_wrong_choice_lists_the_right_ones() -> None:
    with pytest.raises(SightlineError) as caught:
        resolve(Some, {"kind": "c"})
    assert caught.value.fix == "choose one of: a, beta"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("2h", 7200), ("1h30m", 5400), ("1m30s", 90), ("45", 45), ("0.5h", 1800), (" 7s ", 7)],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "5 minutes", "-5m", "1.2.3s", "m5", "5d", "1m1h", "nan", "inf", "٣m.", "1e3"]
)
def test_what_is_no_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(SightlineError) as caught:
        duration(text)
    assert caught.value.fix == "write it as 90s, 5m, 2h or 1h30m"


def test_types_are_read_from_the_annotations() -> None:
    assert types_of(Some)["most"] == (int, True)
    assert types_of(Some)["count"] == (int, False)
    assert types_of(Some)["out"] == (Path, True)


def test_options_that_are_not_given_keep_their_defaults_and_foreign_ones_are_left() -> None:
    assert resolve(Some, {"elsewhere": 1}) == Some()


def test_an_unknown_name_is_refused_with_its_neighbours() -> None:
    reject_unknown(["count", "share"], [Some])
    with pytest.raises(SightlineError) as caught:
        reject_unknown(["count", "shar"], [Some])
    assert caught.value.what == "unknown option 'shar'" and "share" in caught.value.fix


nasty = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
finite = st.floats(min_value=1e-300, max_value=1e300)


@given(
    name=nasty,
    count=st.integers(1, 10),
    most=st.none() | st.integers(0, 2**62),
    rate=st.none() | finite,
    share=st.floats(0, 1),
    wait=st.none() | finite,
    flag=st.booleans(),
    out=st.none() | nasty.map(Path),
)
def test_any_options_survive_the_way_through_toml(**values: Any) -> None:
    made = resolve(Some, values)
    assert resolve(Some, tomllib.loads(to_toml([made]))) == made


@pytest.mark.parametrize(
    "path",
    ['a "b" \\c', "C:\\runs\\new", "tab\there", "line\nbreak", "\r\n", "emoji 🐈 名前", "'''", '"""', "\x7f\x01", "#"],
)
def test_a_nasty_path_survives_the_way_through_toml(path: str) -> None:
    text = to_toml([Some(out=Path(path), name=path)])
    assert len(text.splitlines()) == sum(getattr(Some(out=Path(), name=""), f.name) is not None for f in fields(Some))
    assert resolve(Some, tomllib.loads(text)) == Some(out=Path(path), name=path)
