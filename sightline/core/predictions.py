"""Predictions: small self-checking values over numpy, in the image's own pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


class Prediction(Protocol):
    """What verbs do with any task's prediction; `top` and `min_confidence` are those of `predict`."""

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values."""
        ...

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people."""
        ...

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the answer on it, in RGB."""
        ...


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
        values = self.probabilities.tolist()  # of few classes, a list is summed sooner than an array
        if not abs(sum(values) - 1) <= 1e-3 or min(values) < 0:
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
            "confidence": round(best[0][1] if best else self.confidence, 6),
            "top": [{"label": name, "confidence": round(p, 6)} for name, p in best],
        }

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people."""
        best = self.top(top, min_confidence)
        if not best:
            return f"unsure (best {self.label} {self.confidence:.1%})"
        return "  ".join(f"{name} {p:.1%}" for name, p in best)

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the label and its probability in a strip below it."""
        from sightline.data.draw import caption

        return caption(image, self.to_text(1, min_confidence))


@dataclass(frozen=True, eq=False)
class LabelsPrediction:
    """Any number of classes of one image.

    probabilities: (classes,) float32, each 0..1 by itself; names: the class names in the same order; thresholds: the
    probability from which on each class counts as present.
    """

    probabilities: NDArray[np.float32]
    names: tuple[str, ...]
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.probabilities.shape != (len(self.names),) or len(self.thresholds) != len(self.names):
            raise ValueError(f"expected {len(self.names)} probabilities and thresholds")
        if not ((self.probabilities >= 0) & (self.probabilities <= 1)).all():
            raise ValueError(f"expected probabilities from 0 to 1, got {self.probabilities[:10]}")

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that are present, the most probable first."""
        present = self.probabilities >= np.array(self.thresholds)
        order = np.argsort(-self.probabilities, kind="stable")
        places: list[int] = order[present[order]].tolist()
        return tuple(self.names[i] for i in places)

    @property
    def label(self) -> str:
        """The classes that are present as one text, as `label` columns of tables write them; empty for none."""
        return ";".join(sorted(self.labels))

    @property
    def confidence(self) -> float:
        """The probability that all classes are right, each for itself: the product over all of them."""
        present = self.probabilities >= np.array(self.thresholds)
        return float(np.where(present, self.probabilities, 1 - self.probabilities).prod(dtype=np.float64))

    def top(self, count: int = 5, min_confidence: float = 0.0) -> list[tuple[str, float]]:
        """The `count` most probable classes of at least `min_confidence`, present or not, and any further ones that
        are present; best first."""
        order: list[int] = np.argsort(-self.probabilities, kind="stable").tolist()
        present = self.probabilities >= np.array(self.thresholds)
        pairs = [(self.names[i], float(self.probabilities[i])) for n, i in enumerate(order) if n < count or present[i]]
        return [(name, p) for name, p in pairs if p >= min_confidence]

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values; `labels` are the classes that are present with at least `min_confidence`, `label` is
        their one text, as tables write it: `a;b`."""
        found = dict(zip(self.names, self.probabilities.tolist(), strict=True))
        labels = [name for name in self.labels if found[name] >= min_confidence]
        return {
            "label": ";".join(sorted(labels)),
            "labels": labels,
            "confidence": round(self.confidence, 6),
            "top": [{"label": name, "confidence": round(p, 6)} for name, p in self.top(top, min_confidence)],
        }

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people: what is present, or that nothing is and what came nearest."""
        found = dict(zip(self.names, self.probabilities.tolist(), strict=True))
        present = [f"{name} {found[name]:.1%}" for name in self.labels if found[name] >= min_confidence]
        if present:
            return "  ".join(present)
        name, best = self.top(1)[0]
        return f"none (nearest {name} {best:.1%})"

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the classes that are present and their probabilities in a strip below it."""
        from sightline.data.draw import caption

        return caption(image, self.to_text(min_confidence=min_confidence))


@dataclass(frozen=True, eq=False)
class ValuePrediction:
    """One number for an image, in the unit that was learned.

    margin: within it lay 90 % of the truths of images that were not trained on; None where too few were seen to say.
    """

    value: float
    margin: float | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or (self.margin is not None and not 0 <= self.margin < math.inf):
            raise ValueError(f"expected a finite value and a margin of at least 0, got {self.value}, {self.margin}")

    @property
    def low(self) -> float | None:
        """The lower end of the margin."""
        return None if self.margin is None else self.value - self.margin

    @property
    def high(self) -> float | None:
        """The upper end of the margin."""
        return None if self.margin is None else self.value + self.margin

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values, to the seven digits that float32 has; `low` and `high` are None without a margin."""
        ends = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if end is None else float(f"{end:.7g}") for name, end in ends.items()}

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people."""
        text = number_text(self.value, self.margin)
        if self.low is None or self.high is None:
            return text
        return f"{text} (90 %: {number_text(self.low, self.margin)} to {number_text(self.high, self.margin)})"

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The image with the number in a strip below it."""
        from sightline.data.draw import caption

        return caption(image, self.to_text(min_confidence=min_confidence))


def number_text(value: float, precision: float | None = None) -> str:
    """The number with the digits that mean something: down to the second one of `precision`, or else four in all."""
    if not 1e-6 <= abs(value) < 1e9 or (precision is not None and not precision >= 1e-6):
        return f"{value:.4g}"
    digits = 3 - math.floor(math.log10(abs(value))) if precision is None else 1 - math.floor(math.log10(precision))
    text = f"{value:.{max(0, digits)}f}"
    return text.rstrip("0").rstrip(".") if precision is None and "." in text else text


@dataclass(frozen=True)
class Letter:
    """One character that was read: its probability 0..1, and from where to where it stands, x in the image's pixels."""

    text: str
    confidence: float
    left: float
    right: float


@dataclass(frozen=True)
class TextPrediction:
    """The text of a line, its characters in the order in which they are typed.

    certainty: the exponent that makes the product of the characters' probabilities that of the whole line.
    """

    letters: tuple[Letter, ...]
    certainty: float = 1.0

    def __post_init__(self) -> None:
        for letter in self.letters:
            if not (0 <= letter.confidence <= 1 and letter.left <= letter.right):
                raise ValueError(f"expected a probability and a place from left to right, got {letter}")

    @property
    def text(self) -> str:
        """The characters joined."""
        return "".join(letter.text for letter in self.letters)

    @property
    def confidence(self) -> float:
        """The probability that the whole line is right, 0..1."""
        return math.exp(self.certainty * sum(math.log(max(letter.confidence, 1e-9)) for letter in self.letters))

    def to_dict(self, top: int = 5, min_confidence: float = 0.0) -> dict[str, Any]:
        """Plain JSON values; `text` is None where the line is less sure than `min_confidence`."""
        sure = self.confidence >= min_confidence
        letters = [
            {"text": one.text, "confidence": round(one.confidence, 4), "x": [round(one.left, 1), round(one.right, 1)]}
            for one in self.letters
        ]
        return {
            "text": self.text if sure else None,
            "confidence": round(self.confidence, 6),
            "characters": letters if sure else [],
        }

    def to_text(self, top: int = 5, min_confidence: float = 0.0) -> str:
        """One line for people."""
        if self.confidence < min_confidence:
            return f"unsure ({self.confidence:.1%}: {self.text})"
        return self.text

    def shift(self, left: float, top: float) -> TextPrediction:
        """The same in the pixels of a larger image, in which this one lies at (left, top)."""
        moved = (replace(one, left=one.left + left, right=one.right + left) for one in self.letters)
        return replace(self, letters=tuple(moved))

    def draw(self, image: Image | NDArray[np.uint8], min_confidence: float = 0.0) -> Image:
        """The line with its text in a strip below it."""
        from sightline.data.draw import caption

        return caption(image, self.to_text(min_confidence=min_confidence))
