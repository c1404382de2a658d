"""The Spec: all that must be known to predict, as plain JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, cast

from sightline.core.errors import SightlineError

Spans = dict[str, tuple[float, float]]
"""By kind of dtype (`f`: floats, `i`: whole numbers …) the smallest and the largest value of arrays of images."""
VERSION = 1
"""Version of the bundle format. A reader refuses newer ones; older ones must stay readable."""


@dataclass(frozen=True)
class Input:
    """One input of the graph: dtype and shape of ONE example (no batch axis); None is a free length."""

    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Spec:
    """What a bundle must know to predict.

    task, network: names in `sightline.tables`.
    options: the options of task and network that shaped the network.
    classes: names of the classes, in the order of the outputs.
    inputs: name to Input; images are uint8 (height, width, channel).
    mean, std: per channel, in units of 0..255; the graph's first layer applies them.
    temperature: the fitted constant in the graph's softmax.
    extra: what only this task needs, plain JSON; and the `spans`.
    assets: what it keeps in files of the bundle, name to bytes: a language model, say. Not part of the JSON.
    """

    task: str
    network: str
    classes: tuple[str, ...]
    inputs: dict[str, Input]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    temperature: float = 1.0
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    version: int = VERSION
    assets: dict[str, bytes] = field(default_factory=dict[str, bytes], repr=False, compare=False)

    @property
    def free_axes(self) -> dict[str, int]:
        """Of the inputs whose examples differ in one length: its axis."""
        return {name: given.shape.index(None) for name, given in self.inputs.items() if None in given.shape}

    @property
    def spans(self) -> Spans:
        """Of arrays learned from that fit no fixed range of pixels; arrays to look at are made bytes as those were."""
        return self.extra.get("spans", {})

    def without_download(self) -> Spec:
        """For a network whose weights are at hand: building it again fetches no published ones."""
        if not self.options.get("pretrained"):
            return self
        return dataclasses.replace(self, options={**self.options, "pretrained": False})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, the inverse of `from_json`; the assets are left out."""
        plain = dataclasses.asdict(dataclasses.replace(self, assets={}))
        del plain["assets"]
        return plain

    @staticmethod
    def from_json(values: object, where: str = "spec.json") -> Spec:
        """Raises SightlineError for a newer version, a missing or a wrong field."""
        if not isinstance(values, dict):
            raise SightlineError("the spec is not a JSON object", where)
        table = cast("dict[str, Any]", values)
        version = table.get("version")
        if not isinstance(version, int) or version < 1:
            raise SightlineError("the spec has no version", where)
        if version > VERSION:
            raise SightlineError(
                f"this bundle has format version {version}, and this Sightline reads up to {VERSION}",
                where,
                "type: pip install --upgrade sightline",
            )
        try:
            return Spec(
                task=str(table["task"]),
                network=str(table["network"]),
                classes=tuple(str(name) for name in table["classes"]),
                inputs=_inputs(table["inputs"]),
                mean=tuple(float(v) for v in table["mean"]),
                std=tuple(float(v) for v in table["std"]),
                options=dict(table["options"]),
                temperature=float(table["temperature"]),
                extra=dict(table["extra"]),
                version=version,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SightlineError(f"the spec is damaged ({type(error).__name__}: {error})", where) from None


def _inputs(table: dict[str, Any]) -> dict[str, Input]:
    shapes = {key: tuple(None if n is None else int(n) for n in value["shape"]) for key, value in table.items()}
    if len(shapes["image"]) != 3:
        raise ValueError(f"an image has three axes, not {len(shapes['image'])}")
    return {key: Input(str(value["dtype"]), shapes[key]) for key, value in table.items()}
