"""What tasks that answer with a probability for each class share: which class is explained, and how it is backed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError, unknown
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Size
from sightline.data.image import Pixels
from sightline.tasks.whole import inputs as whole


class ByClass:
    """The part of the contract that `explain` uses, for predictions with `probabilities`, (classes,) float32."""

    def item(self, prediction: Any, spec: Spec, label: str | None, item: int | None) -> int:
        """The number of the class."""
        return class_asked(prediction.probabilities, spec.classes, label, item)

    def item_text(self, prediction: Any, item: int, spec: Spec) -> tuple[str, float | None]:
        """The name and the probability of the class."""
        return spec.classes[item], float(prediction.probabilities[item])

    def evidence(self, outputs: Arrays, reference: Arrays, item: int, spec: Spec) -> NDArray[np.float64]:
        """The probability of the class."""
        return outputs["probabilities"][:, item].astype(np.float64)

    def to_image(self, values: NDArray[np.float32], image: Pixels, size: Size, spec: Spec) -> NDArray[np.float32]:
        """The input was stretched, so the map is stretched back."""
        return whole.to_image(values, size)


def class_asked(
    probabilities: NDArray[np.float32], classes: tuple[str, ...], label: str | None, item: int | None
) -> int:
    """The number of the class `label`, or of the `item`-th most probable one, counted from 1.

    Raises SightlineError for a label that does not exist and an item out of range.
    """
    if label is not None:
        if label not in classes:
            raise unknown("label", label, classes)
        return classes.index(label)
    place, count = 1 if item is None else item, len(classes)
    if not 1 <= place <= count:
        raise SightlineError(
            f"--item {place} is out of range: the model knows {count} classes",
            fix=f"give 1 (the most probable) to {count} (the least), or a name: --label {classes[0]}",
        )
    return int(np.argsort(-probabilities, kind="stable")[place - 1])
