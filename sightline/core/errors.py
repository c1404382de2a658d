"""The one error a user sees, and the help it gives."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Generator, Iterable

SHORT_OF_MEMORY = ("out of memory", "not enough memory", "allocate memory", "alloc_failed")
"""What torch's errors say where memory is short: not all of them have a class of their own."""


class SightlineError(Exception):
    """Bad usage or bad input: what was wrong, where, and what to type next."""

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.what}: {self.where}" if self.where else self.what
        return f"{text}\n  {self.fix}" if self.fix else text


class MissingExtra(SightlineError):  # noqa: N818 (named after what is wrong)
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed",
            fix=f"type: pip install 'sightline[{extra}]'",
        )

    def __reduce__(self) -> tuple[type[SightlineError], tuple[str, str, str]]:
        """Crosses from a worker process as a plain SightlineError."""
        return SightlineError, (self.what, self.where, self.fix)


@contextlib.contextmanager
def memory_errors_told() -> Generator[None]:
    """Raises SightlineError for the errors of Python and torch that say that memory is short."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error).lower() for words in SHORT_OF_MEMORY):
            raise
        raise SightlineError("not enough memory", fix="try a smaller --batch or --imgsz") from None


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The `count` names most like `name`, best first; empty where none is near."""
    return difflib.get_close_matches(name, list(names), n=count, cutoff=0.6)


def unknown(kind: str, name: str, names: Iterable[str]) -> SightlineError:
    """The error for a name that is not among `names`, with its nearest neighbours."""
    names = sorted(names)
    near = nearest(name, names)
    fix = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return SightlineError(f"unknown {kind} {name!r}", fix=fix)
