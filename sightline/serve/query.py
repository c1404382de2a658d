"""Options in an address: those of the verbs, read by the same rules and documented from the same lines."""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache
from typing import Any, TypeVar

from starlette.datastructures import QueryParams

from sightline.core.errors import SightlineError, unknown
from sightline.core.options import resolve, types_of
from sightline.serve.problem import Problem

T = TypeVar("T")
KINDS: dict[type, str] = {int: "integer", float: "number", str: "string"}


@lru_cache(256)
def asked(cls: type[T], names: tuple[str, ...], query: bytes) -> T:
    """The options `names` of the dataclass, as the address gives them; the others as they are by default.

    query: what follows the `?`. Raises Problem.
    """
    given: dict[str, Any] = {}
    try:
        for name, value in QueryParams(query).multi_items():
            if name not in names:
                raise unknown("option", name, names)
            if name in given:
                raise SightlineError(f"{name} is given twice", fix="give it once")
            given[name] = value
        return resolve(cls, given)
    except SightlineError as error:
        error = in_address(error)
        raise Problem(
            400, "bad-option", error.what, error.fix or "see /docs for the options and their values"
        ) from None


def in_address(error: SightlineError) -> SightlineError:
    """The error as it reads where options stand in an address, without a command line's dashes and commands."""
    what, where, fix = (re.sub(r"--(\w)", r"\1", text) for text in (error.what, error.where, error.fix))
    return SightlineError(what, where, "" if "sightline " in fix else fix)


def parameters(cls: type, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The same options as OpenAPI describes them."""
    kinds, found = types_of(cls), list[dict[str, Any]]()
    for field in dataclasses.fields(cls):
        if field.name not in names:
            continue
        rules = field.metadata
        schema: dict[str, Any] = {"type": KINDS[kinds[field.name][0]]}
        for name, key in (("minimum", "low"), ("maximum", "high"), ("enum", "choices")):
            if rules[key] is not None:
                schema[name] = list(rules[key]) if key == "choices" else rules[key]
        if field.default is not None:
            schema["default"] = field.default
        found.append({"name": field.name, "in": "query", "required": False, "description": rules["help"],
                      "schema": schema})  # fmt: skip
    return found
