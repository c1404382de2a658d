"""Regress, the torch half: one raw output an image, which is learned in units of the targets' spread."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from sightline.core.spec import Spec
from sightline.core.task import Arrays
from sightline.tasks.whole.learner import build, mixed_loss, raw_outputs, views


class RegressLearner:
    """Networks give (batch, 1): the standardised value, (value - mean) / scale."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network from the spec's name and options."""
        return build(spec, 1)

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """Huber's loss (1964; squared below one standard deviation), or the squared error, of `value`, (batch,)."""
        raw = network(inputs["image"]).float()[:, 0]
        error = functional.mse_loss if spec.options.get("loss") == "squared" else functional.smooth_l1_loss

        def loss(value: Tensor) -> Tensor:
            return error(raw, (value - spec.extra["mean"]) / spec.extra["scale"], reduction="none")

        return {"loss": mixed_loss(loss, targets, "value"), "raw": raw[:, None]}

    def distance(self, student: Tensor, teacher: Tensor, spec: Spec, taught: Spec) -> Tensor:
        """Huber's loss (below one standard deviation: half the square) against the teacher's value."""
        value = teacher * taught.extra["scale"] + taught.extra["mean"]
        wanted = (value - spec.extra["mean"]) / spec.extra["scale"]
        return functional.smooth_l1_loss(student, wanted, reduction="none")[:, 0]

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """{"value": (batch,)} in the unit of the targets: mean and scale are constants of the graph."""
        return {"value": raw_outputs(network, images, spec)[:, 0] * spec.extra["scale"] + spec.extra["mean"]}

    def views(self, spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
        """The image, and where the spec says `mirror`, its mirror image."""
        return views(spec)

    def evidence(self, raw: Tensor, reference: Arrays, item: int, spec: Spec) -> Tensor:
        """The standardised value, with the sign of the answer."""
        return raw[:, 0] if float(reference["value"]) >= spec.extra["mean"] else -raw[:, 0]
