"""Settings are written once: a frozen dataclass makes the command line, the TOML file and the checks."""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import gt, le, lt
from pathlib import Path
from typing import Any, TypeVar

from sightline.core.errors import SightlineError, unknown

T = TypeVar("T")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def option(
    default: Any,
    help: str,
    *,
    choices: Iterable[str] | None = None,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    parse: Callable[[str], Any] | None = None,
    bare: str | None = None,
) -> Any:
    """A dataclass field that is an option; `low` and `high` are allowed values, `above` is not.

    bare: the value on the command line where the option is named without one (a number: where none follows).
    """
    metadata = {
        "help": help,
        "choices": tuple(choices) if choices else None,
        "low": low,
        "high": high,
        "above": above,
        "parse": parse,
        "bare": bare,
    }
    return dataclasses.field(default=default, metadata=metadata)


def duration(text: str) -> float:
    """Seconds from `90s`, `5m`, `2h`, `1h30m` or a plain number of seconds."""
    parts = re.fullmatch(r"(?:([\d.]+)h)?(?:([\d.]+)m)?(?:([\d.]+)s?)?", text.strip())
    try:
        numbers = [float(number or 0) for number in parts.groups()] if parts and text.strip() else []
    except ValueError:  # such as 1.2.3
        numbers = []
    if not numbers:
        raise SightlineError(f"{text!r} is not a time", fix="write it as 90s, 5m, 2h or 1h30m")
    return sum(number * unit for number, unit in zip(numbers, (3600, 60, 1), strict=True))


@cache
def types_of(cls: type) -> dict[str, tuple[type, bool]]:
    """For each field its plain type and whether None is allowed."""
    found: dict[str, tuple[type, bool]] = {}
    for name, hint in typing.get_type_hints(cls).items():
        arms = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        plain = next(arm for arm in arms if arm is not type(None))
        found[name] = (plain, type(None) in arms)
    return found


def resolve(cls: type[T], given: Mapping[str, Any]) -> T:
    """An instance of the dataclass `cls` from those of `given` that it knows; strings are converted, all is checked."""
    kinds = types_of(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # pyright: ignore[reportArgumentType]
        if field.name in given:
            values[field.name] = _convert(field, *kinds[field.name], given[field.name])
    return cls(**values)


def reject_unknown(given: Iterable[str], classes: Iterable[type]) -> None:
    """Raises for the first name that none of the option classes knows, naming its nearest neighbours."""
    known = {field.name for cls in classes for field in dataclasses.fields(cls)}
    for name in given:
        if name not in known:
            error = unknown("option", name.replace("_", "-"), [k.replace("_", "-") for k in known])
            raise SightlineError(error.what, fix=error.fix)


def _convert(field: dataclasses.Field[Any], kind: type, optional: bool, value: Any) -> Any:
    label = "--" + field.name.replace("_", "-")
    if value is None:
        if optional:
            return None
        raise SightlineError(f"{label} needs a value")
    parse = field.metadata.get("parse")
    try:
        if parse and isinstance(value, str):
            value = parse(value)
        elif kind is bool:
            value = _boolean(value)
        elif kind is Path:
            value = Path(value)
        elif kind is int and not isinstance(value, str) and value != int(value):
            raise ValueError
        else:
            value = kind(value)
    except (TypeError, ValueError, OverflowError):
        words: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false"}
        wanted = words.get(kind, kind.__name__)
        raise SightlineError(f"{label} {value!r} is not {wanted}") from None
    _check(label, field.metadata, value)
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _TRUE + _FALSE:
        raise ValueError
    return text in _TRUE


def _check(label: str, rules: Mapping[str, Any], value: Any) -> None:
    choices = rules.get("choices")
    if choices and value not in choices:
        error = unknown(f"value of {label}", str(value), choices)
        raise SightlineError(error.what, fix=f"choose one of: {', '.join(choices)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise SightlineError(f"{label} {value} is not a finite number")
    for bound, wrong, words in (("low", lt, "at least"), ("high", gt, "at most"), ("above", le, "above")):
        limit = rules.get(bound)
        if limit is not None and isinstance(value, int | float) and wrong(value, limit):
            raise SightlineError(f"{label} {value} is out of range", fix=f"it must be {words} {limit:g}")


def to_toml(sections: Iterable[Any]) -> str:
    """The options of several dataclass instances as one flat TOML text; None is left out."""
    lines: list[str] = []
    for section in sections:
        for field in dataclasses.fields(section):
            value = getattr(section, field.name)
            if value is not None:
                lines.append(f"{field.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    # A path may hold anything but NUL: control characters must be escaped to stay valid TOML.
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", text) + '"'
