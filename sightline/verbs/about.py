"""networks, formats, version: what there is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from sightline.core.options import types_of
from sightline.tables import FORMATS, NETWORKS
from sightline.verbs.common import print_json

_STANDS_ON = (
    "numpy",
    "Pillow",
    "onnxruntime",
    "torch",
    "safetensors",
    "onnx",
    "onnxscript",
    "timm",
    "pyarrow",
    "rapidfuzz",
)


def versions() -> dict[str, str]:
    """Package to version, for those that are installed; Python and Sightline first."""
    import platform

    found = {"sightline": version_of("sightline") or "unknown", "python": platform.python_version()}
    for package in _STANDS_ON:
        version = version_of(package)
        if version:
            found[package] = version
    return found


def version_of(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def networks(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """Every network with its own options."""
    rows: list[dict[str, Any]] = []
    for task, entries in NETWORKS.items():
        for name, entry in entries.items():
            kinds = types_of(entry.load_options())
            fields = {f.name: f for f in dataclasses.fields(entry.load_options())}
            own = [
                {
                    "name": name,
                    "type": kinds[name][0].__name__,
                    "default": field.default,
                    "help": field.metadata["help"],
                    "choices": field.metadata["choices"],
                }
                for name, field in fields.items()
            ]
            rows.append(
                {
                    "task": task,
                    "network": entry.named or name,
                    "summary": entry.summary,
                    "options": own,
                }
            )
    if as_json:
        print_json(rows)
        return 0
    for row in _together(rows):
        print(f"{row['network']:<10} {row['summary']}  [{', '.join(row['tasks'])}]")
        for one in row["options"]:
            choices = f" ({'|'.join(one['choices'])})" if one["choices"] else ""
            default = "auto" if one["default"] is None else one["default"]
            print(f"    --{one['name'].replace('_', '-')} {default}{choices}: {one['help']}")
    return 0


def _together(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a network, with all tasks that it serves."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(f"{row['network']} {row['summary']}", {**row, "tasks": []})["tasks"].append(row["task"])
    return list(found.values())


def formats(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """Every data format, in the order in which they are tried."""
    if as_json:
        print_json([{"format": name, "summary": entry.summary} for name, entry in FORMATS.items()])
    else:
        for name, entry in FORMATS.items():
            print(f"{name:<8} {entry.summary}")
    return 0


def version(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """Sightline's version and those of what it stands on."""
    found = versions()
    if as_json:
        print_json(found)
    else:
        print("\n".join(f"{name} {value}" for name, value in found.items()))
    return 0
