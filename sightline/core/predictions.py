"""Predictions: small self-checking values over numpy, in the image's own pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class ClassPrediction:
    """The classes of one image.

    probabilities: (classes,) float32 that add up to 1; names: the class names in the same order.
    """

    probabilities: NDArray[np.float32]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.probabilities.shape != (len(self.names),):
            raise ValueError(f"expected {len(self.names)} probabilities, got shape {self.probabilities.shape}")
        total = float(self.probabilities.sum())
        if not abs(total - 1) <= 1e-3 or self.probabilities.min() < 0:
            raise ValueError(f"expected probabilities that add up to 1, got {self.probabilities[:10]}")

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.names[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """The probability of the most probable class, 0..1."""
        return float(self.probabilities.max())

    def top(self, count: int = 5, min_confidence: float = 0.0) -> list[tuple[str, float]]:
        """The `count` most probable classes of at least `min_confidence`, best first."""
        order: list[int] = np.argsort(-self.probabilities, kind="stable")[:count].tolist()
        pairs = [(self.names[i], float(self.probabilities[i])) for i in order]
        return [(name, p) for name, p in pairs if p >= min_confidence]

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values. `label` is None where even the best class is below `min_confidence`."""
        best = self.top(top, min_confidence)
        return {
            "label": best[0][0] if best else None,
            "confidence": round(self.confidence, 6),
            "top": [{"label": name, "confidence": round(p, 6)} for name, p in best],
        }

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people."""
        best = self.top(top, min_confidence)
        if not best:
            return f"unsure (best {self.label} {self.confidence:.1%})"
        return "  ".join(f"{name} {p:.1%}" for name, p in best)

    def draw(self, image: Image | NDArray[np.uint8]) -> Image:
        """The image with the label and its probability in a strip below it."""
        from sightline.data.draw import caption

        return caption(image, f"{self.label}  {self.confidence:.1%}")


Prediction = ClassPrediction
