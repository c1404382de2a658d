"""The bundle: one zip that holds all that is needed to predict, and nothing that can run code.

spec.json          the Spec
model.onnx         the graph, with normalisation and softmax inside
model.safetensors  the weights (absent when quantized)
assets/…           what a task keeps beside the network
card.json          where it comes from: data fingerprint, split, options, scores, versions
SHA256SUMS         of every member above, one line each: hex digest, two spaces, name
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.run.files import write_whole

SUFFIX = ".sightline"
SUMS = "SHA256SUMS"
MEMBERS = ("spec.json", "model.onnx", "model.safetensors", "card.json")
ASSETS = "assets/"
REQUIRED = ("spec.json", "model.onnx", "card.json")
LIMIT = 8 * 2**30
"""No bundle unpacks to more bytes than this."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; its members are in memory and match their sums."""

    path: Path
    spec: Spec
    card: dict[str, Any]
    members: dict[str, bytes]

    @cached_property
    def graph(self) -> bytes:
        """The ONNX model."""
        return self.members["model.onnx"]


def headline(card: dict[str, Any]) -> str:
    """Which of the card's scores speak for the model: test, else those of the folds, else val (it chose the epoch)."""
    return next(name for name in ("test", "out_of_fold", "val") if name in card["scores"])


def save(path: Path, spec: Spec, card: dict[str, Any], members: dict[str, bytes]) -> None:
    """Writes a bundle; `members` holds model.onnx and, where there are any, weights and assets beside the spec's."""
    contents = {
        "spec.json": _to_json(spec.to_json()),
        "card.json": _to_json(card),
        **{f"{ASSETS}{name}": data for name, data in spec.assets.items()},
        **members,
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(contents.items()))

    def pack(file: BinaryIO) -> None:
        """All members, in the order of their names."""
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in sorted({**contents, SUMS: sums.encode()}.items()):
                # A fixed date: the same training gives the same bytes. Weights do not compress; text does.
                info = zipfile.ZipInfo(name, _EPOCH)
                packed = name.endswith(".json")
                info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                archive.writestr(info, data)

    write_whole(path, pack)


def open_bundle(path: str | Path) -> Bundle:
    """Reads and verifies a bundle. A run folder is taken for the bundle inside it.

    Raises SightlineError where it is missing, no bundle, damaged, altered, newer, or holds what no bundle holds.
    """
    path = locate(Path(path))
    try:
        with zipfile.ZipFile(path) as archive:
            members = _read(archive, str(path))
    except zipfile.BadZipFile:
        raise SightlineError("this is no bundle: not a zip file, or cut short", str(path)) from None
    except SightlineError:
        raise
    except Exception as error:  # zipfile and its decompressors raise nearly anything on damaged files
        raise SightlineError(f"the bundle cannot be read ({str(error) or type(error).__name__})", str(path)) from None
    spec = Spec.from_json(_json(members["spec.json"], "spec.json", path), f"{path}: spec.json")
    assets = {name.removeprefix(ASSETS): data for name, data in members.items() if name.startswith(ASSETS)}
    spec = dataclasses.replace(spec, assets=assets)
    return Bundle(path, spec, _json(members["card.json"], "card.json", path), members)


def locate(path: Path) -> Path:
    """The bundle's file: the path itself, or the one bundle in a run folder. Raises SightlineError."""
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if len(found) != 1:
            what = f"are {len(found)} bundles" if found else "is no bundle"
            raise SightlineError(f"there {what} in this folder", str(path), f"name a file: MODEL{SUFFIX}")
        return found[0]
    if not path.exists():
        near = sorted(str(p) for p in Path.cwd().glob(f"runs/*/*{SUFFIX}"))[-3:]
        fix = f"you have: {', '.join(near)}" if near else "train one: sightline train DATA"
        raise SightlineError("the bundle does not exist", str(path), fix)
    return path


def _read(archive: zipfile.ZipFile, where: str) -> dict[str, bytes]:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        raise SightlineError("the bundle holds a name twice", where)
    for name in names:
        known = name in MEMBERS or name == SUMS or (name.startswith(ASSETS) and ".." not in name)
        if not known:
            raise SightlineError(f"the bundle holds {name!r}, which no bundle holds", where, "do not use this file")
    if sum(info.file_size for info in infos) > LIMIT:
        raise SightlineError("the bundle unpacks to more than 8 GiB", where, "do not use this file")
    missing = [name for name in (*REQUIRED, SUMS) if name not in names]
    if missing:
        raise SightlineError(f"the bundle lacks {', '.join(missing)}", where)
    lines = [line.partition("  ") for line in archive.read(SUMS).decode().splitlines()]
    sums = {name: digest for digest, _, name in lines}
    members: dict[str, bytes] = {}
    for name in names:
        if name == SUMS:
            continue
        data = archive.read(name)
        if hashlib.sha256(data).hexdigest() != sums.get(name):
            raise SightlineError(f"{name} does not match its sum: the bundle is damaged or was altered", where)
        if _is_pickle(data):
            raise SightlineError(f"{name} is a Python pickle, which can run code", where, "do not use this file")
        members[name] = data
    return members


def _is_pickle(data: bytes) -> bool:
    # Protocol 2 and later begin with 0x80 and the protocol number; torch's own files are zips of such.
    return (data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")) or data[:4] == b"PK\x03\x04"


def _to_json(value: Any) -> bytes:
    # A path that is no text becomes an escape, which JSON knows too.
    return json.dumps(value, indent=1, ensure_ascii=False).encode(errors="backslashreplace")


def _json(data: bytes, name: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise SightlineError(f"{name} is not valid JSON", str(path)) from None
    if not isinstance(value, dict):
        raise SightlineError(f"{name} is not a JSON object", str(path))
    return cast("dict[str, Any]", value)
