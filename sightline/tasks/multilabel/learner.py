"""Multilabel, the torch half: the networks of classify with a sigmoid for each class, and its loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.spec import Spec
from sightline.core.task import Arrays
from sightline.tasks.whole.learner import build, mixed_loss, raw_outputs, views


class MultilabelLearner:
    """Networks give logits (batch, classes), each for itself."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network from the spec's name and options."""
        return build(spec, len(spec.classes))

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """Binary cross-entropy of `labels`, (batch, classes) float32, averaged over both axes."""
        logits, smoothing = network(inputs["image"]).float(), spec.options.get("label_smoothing") or 0.0

        def loss(labels: Tensor) -> Tensor:
            wanted = labels * (1 - smoothing) + smoothing / 2
            return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")

        return {"loss": mixed_loss(loss, targets, "labels"), "raw": logits}

    def distance(self, student: Tensor, teacher: Tensor, spec: Spec, taught: Spec) -> Tensor:
        """Binary cross-entropy against the teacher's probabilities, averaged over the classes."""
        return functional.binary_cross_entropy_with_logits(student, teacher.sigmoid(), reduction="none").mean(1)

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """{"probabilities": (batch, classes)}: sigmoid at the fitted temperature, a constant of the graph."""
        return {"probabilities": torch.sigmoid(raw_outputs(network, images, spec) / spec.temperature)}

    def views(self, spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
        """The image, and where the spec says `mirror`, its mirror image."""
        return views(spec)

    def evidence(self, raw: Tensor, reference: Arrays, item: int, spec: Spec) -> Tensor:
        """Log-odds of the class: its logit at the fitted temperature."""
        return raw[:, item] / spec.temperature
