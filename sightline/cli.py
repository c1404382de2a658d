"""`sightline VERB TARGET --option value`: argparse, built from the dataclasses that hold the options."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import io
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from sightline.core.errors import SightlineError, memory_errors_told, nearest, unknown
from sightline.tables import NETWORKS, TASKS, VERBS

USAGE = {
    "check": "sightline check DATA [options]",
    "train": "sightline train DATA [options]",
    "evaluate": "sightline evaluate MODEL DATA [options]",
    "predict": "sightline predict MODEL SOURCE… [--then MODEL] [options]",
    "explain": "sightline explain MODEL IMAGE… [options]",
    "convert": "sightline convert DATA --to coco|yolo|voc|csv --out FOLDER",
    "render": "sightline render TEXT.txt [options]",
    "compress": "sightline compress MODEL DATA [options]",
    "export": "sightline export MODEL [options]",
    "serve": "sightline serve MODEL… [--host 127.0.0.1] [--port 8000] [options]",
}
TARGETS = {
    "check": ("data",), "train": ("data",), "evaluate": ("model", "data"), "predict": ("model", "source"),
    "explain": ("model", "source"), "convert": ("data",), "compress": ("model", "data"), "export": ("model",),
    "serve": ("model",),
}  # fmt: skip
"""What a verb takes without a flag, in its order. Many name it all the same: `model=M source=photos`."""
MEANT = {"--model": ("--network", "--init")}
"""Options of other programs, and what they are called here."""
EXAMPLE = "start with:  sightline train digits        (the embedded data set, no file needed)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line; returns the exit code: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no error
    try:
        with memory_errors_told():
            return _run(arguments)
    except SightlineError as error:
        sys.stdout.flush()
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130
    except BrokenPipeError:  # the reader of our output has gone (| head): no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a path or a disk that fails where nobody could say more
        sys.stderr.write(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}\n")
        return 2


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if arguments[0] == "--version":
        arguments[0] = "version"
    verb = arguments[0]
    if verb not in VERBS:
        raise unknown("verb", verb, VERBS)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    literal = arguments[end + 1 :]  # what follows `--` is no option, whatever it looks like
    tokens = with_bare(normalise(arguments[1:end], _booleans(verb)), _bare_numbers(verb))
    parser = _parser(verb, tokens)
    values, rest = parser.parse_known_intermixed_args(tokens)  # MODEL --option x IMAGE is fine
    _reject(rest, parser)
    given = vars(values)
    named = [given.pop(f"target {name}", []) for name in ("model", "data", "source")]
    target = [*named[0], *given.pop("target", []), *named[1], *named[2], *literal]
    as_json = given.pop("json", False)
    signal.signal(signal.SIGTERM, _terminate)
    return VERBS[verb].load()(target, given, as_json)


def _terminate(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _overview() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name.ljust(width)}  {entry.summary}" for name, entry in VERBS.items())
    return (
        "Sightline: image recognition on your own images and your own machine.\n\n"
        f"usage: sightline VERB … [--option value …]\n\n{verbs}\n\n{EXAMPLE}\nhelp on a verb: sightline train --help"
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SightlineError(message, fix=f"see: {self.prog} --help")


def _parser(verb: str, tokens: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"sightline {verb}", usage=USAGE.get(verb, f"sightline {verb}"),
        description=VERBS[verb].summary.capitalize() + ".",
        allow_abbrev=False, argument_default=argparse.SUPPRESS, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser._optionals.title = "for every verb"  # pyright: ignore[reportPrivateUsage]
    parser.add_argument("target", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else there")
    known: set[str] = set()
    for title, cls, shown in _option_classes(verb, tokens):
        group = parser.add_argument_group(title) if shown else parser
        for field in dataclasses.fields(cls):
            if field.name not in known:
                known.add(field.name)
                _add(group, field, shown)
    for name in TARGETS.get(verb, ()):
        if name not in known:
            parser.add_argument(f"--{name}", dest=f"target {name}", action="append", help=argparse.SUPPRESS)
    if verb == "train":
        parser.add_argument("--resume", metavar="RUN", help="go on with a run; nothing else needs to be said")
        parser.add_argument("--config", metavar="FILE.toml", help="options from a file; those typed win")
        if "--network" not in tokens:
            parser.epilog = "A network has options of its own: sightline train --network cnn --help"
    return parser


def _option_classes(verb: str, tokens: list[str]) -> list[tuple[str, type, bool]]:
    """(title, dataclass, whether `--help` shows it): the verb's options, then those of the task and the network named.

    The others are understood too, as the task may follow from the data; what does not apply is refused later.
    """
    module = importlib.import_module(VERBS[verb].place.split(":")[0])
    own = getattr(module, f"{verb.capitalize()}Options", None)
    found: list[tuple[str, type, bool]] = [("options", own, True)] if own else []
    if verb == "train":
        network, wanted = _value(tokens, "--network"), _value(tokens, "--task")
        for name in TASKS:
            if wanted is None or wanted == name:
                found.append((f"options of {name}", _task_options(name), wanted == name))
                for other, entry in NETWORKS[name].items():
                    chosen = network is not None and network.split("/")[0] == other
                    title = f"options of the network {network}" if chosen else other
                    found.append((title, entry.load_options(), chosen))
    # Shown ones first: an option that several networks have is described where it applies.
    return sorted(found, key=lambda row: not row[2])


def _task_options(name: str) -> type:
    module = TASKS[name].place.split(":")[0].rsplit(".", 1)[0] + ".options"
    return getattr(importlib.import_module(module), name.capitalize() + "Options")


def _value(tokens: list[str], name: str) -> str | None:
    places = [i for i, token in enumerate(tokens[:-1]) if token == name]
    return tokens[places[-1] + 1] if places else None


def _add(group: Any, field: dataclasses.Field[Any], shown: bool) -> None:
    flag = "--" + field.name.replace("_", "-")
    meta = field.metadata
    if field.type == "bool":
        help_text = meta["help"].replace("%", "%%") if shown else argparse.SUPPRESS
        group.add_argument(flag, dest=field.name, action="store_true", help=help_text)
        group.add_argument(
            flag.replace("--", "--no-", 1), dest=field.name, action="store_false", help=argparse.SUPPRESS
        )
        return
    default = "" if field.default in (None, ()) or "default" in meta["help"] else f" (default: {field.default})"
    choices = f"; one of {', '.join(meta['choices'])}" if meta["choices"] else ""
    text = (meta["help"] + choices + default).replace("%", "%%")
    metavar = {"int": "N", "float": "X", "Path": "PATH"}.get(str(field.type).split(" ")[0], "NAME")
    more: dict[str, Any] = {"nargs": "?", "const": meta["bare"]} if meta["bare"] else {}
    if str(field.type).startswith("tuple"):  # may be given several times
        more["action"] = "append"
    group.add_argument(flag, dest=field.name, metavar=metavar, help=text if shown else argparse.SUPPRESS, **more)


def _booleans(verb: str) -> set[str]:
    return {f.name for _, cls, _ in _option_classes(verb, []) for f in dataclasses.fields(cls) if f.type == "bool"}


def normalise(tokens: list[str], booleans: set[str]) -> list[str]:
    """`key=value` becomes `--key value`, since many type it so; a file whose name holds `=` stays what it is.

    `--flag true` and `flag=false` become `--flag` and `--no-flag`.
    """
    split: list[str] = []
    for token in tokens:
        match = re.fullmatch(r"(?:--)?([A-Za-z][\w-]*)=(.*)", token, re.DOTALL)
        if match and (token.startswith("--") or not Path(token).exists()):
            split += ["--" + match[1].replace("_", "-"), match[2]]
        elif token.startswith("--"):
            split.append(token.replace("_", "-"))
        else:
            split.append(token)
    found: list[str] = []
    for token in split:
        flag = found[-1][2:].replace("-", "_") if found and found[-1].startswith("--") else ""
        if flag in booleans | {"json"} and token.lower() in ("true", "false"):
            if token.lower() == "false":
                found[-1] = "--no-" + found[-1][2:]
        else:
            found.append(token)
    return found


def _bare_numbers(verb: str) -> dict[str, str]:
    fields = [field for _, cls, _ in _option_classes(verb, []) for field in dataclasses.fields(cls)]
    return {
        "--" + field.name.replace("_", "-"): field.metadata["bare"]
        for field in fields
        if field.metadata["bare"] and str(field.type).startswith("int")
    }


def with_bare(tokens: list[str], bare: dict[str, str]) -> list[str]:
    """Flags that may stand alone are given their number where none follows: `--nearest IMAGE` names no number."""
    found: list[str] = []
    for place, token in enumerate(tokens):
        found.append(token)
        if token in bare and not re.fullmatch(r"-?\d+", (tokens[place + 1 :] or [""])[0]):
            found.append(bare[token])
    return found


def _reject(rest: list[str], parser: argparse.ArgumentParser) -> None:
    if not rest:
        return
    options = [o for action in parser._actions for o in action.option_strings if not o.startswith("--no-")]  # pyright: ignore[reportPrivateUsage]
    name = next((token for token in rest if token.startswith("-")), rest[0])
    near = [option for option in MEANT.get(name, ()) if option in options] or nearest(name, options)
    fix = f"did you mean {' or '.join(near)}?" if near else f"see: {parser.prog} --help"
    raise SightlineError(f"unknown option {name}", fix=fix)
