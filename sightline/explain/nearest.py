"""The training images most like an image, by the network's own features: often the best explanation there is."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.run.bundle import Bundle

FEATURES, NAMES = "assets/memory/features.npy", "assets/memory/names.json"


@dataclass(frozen=True)
class Neighbour:
    """A training image: what it is called, its target as text, and how like it is, -1..1 (1: the same features)."""

    name: str
    target: str
    similarity: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"image": self.name, "target": self.target, "similarity": round(self.similarity, 4)}


@dataclass(frozen=True, eq=False)
class Memory:
    """What a bundle remembers of the images it was trained on: features, names and targets; no pixels.

    features: (n, d) float16 of unit length; names, targets: n texts each.
    """

    features: NDArray[np.float16]
    names: Sequence[str]
    targets: Sequence[str]

    def to_members(self) -> dict[str, bytes]:
        """The members of the bundle that hold it."""
        file = io.BytesIO()
        np.save(file, self.features, allow_pickle=False)
        table = json.dumps({"names": list(self.names), "targets": list(self.targets)}, ensure_ascii=False)
        return {FEATURES: file.getvalue(), NAMES: table.encode(errors="backslashreplace")}

    @staticmethod
    def of(bundle: Bundle) -> Memory:
        """Raises SightlineError where the bundle has none."""
        if FEATURES not in bundle.members:
            raise SightlineError(
                "this bundle remembers no training images",
                str(bundle.path),
                "train with --memory to ask for the nearest",
            )
        try:
            features = np.load(io.BytesIO(bundle.members[FEATURES]), allow_pickle=False)
            table = json.loads(bundle.members[NAMES])
            names, targets = [str(name) for name in table["names"]], [str(target) for target in table["targets"]]
            if features.ndim != 2 or not len(features) == len(names) == len(targets):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise SightlineError("the bundle's memory is damaged", str(bundle.path)) from None
        return Memory(features.astype(np.float16), names, targets)

    def nearest(self, features: NDArray[np.float32], count: int) -> list[Neighbour]:
        """The `count` images whose features point most nearly the same way (cosine), the nearest first.

        features: (d,) of unit length.
        """
        if features.shape != self.features.shape[1:]:
            raise SightlineError("the bundle's memory does not fit its graph", fix="train it again with --memory")
        alike = self.features.astype(np.float32) @ features
        order: list[int] = np.argsort(-alike, kind="stable")[:count].tolist()
        return [Neighbour(self.names[i], self.targets[i], float(alike[i])) for i in order]
