"""Classify, the torch half: builds the network, computes the loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.spec import Spec
from sightline.core.task import Arrays
from sightline.tasks.whole.learner import build, divergence, mixed_loss, raw_outputs, views


class ClassifyLearner:
    """Networks give logits (batch, classes)."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network from the spec's name and options."""
        return build(spec, len(spec.classes))

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """Cross-entropy of `label`, (batch,) int64; after mixing, `share` of it and the rest of `mixed_label`."""
        logits, smoothing = network(inputs["image"]), spec.options.get("label_smoothing")
        if smoothing is None:
            smoothing = 0.1 if spec.network in ("auto", "small") else 0.0

        def loss(label: Tensor) -> Tensor:
            return functional.cross_entropy(logits, label, label_smoothing=smoothing, reduction="none")

        return {"loss": mixed_loss(loss, targets, "label"), "raw": logits}

    def distance(self, student: Tensor, teacher: Tensor, spec: Spec, taught: Spec) -> Tensor:
        """Cross entropy of the student's probabilities against the teacher's (Hinton et al. 2015)."""
        return divergence(student, teacher)

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """{"probabilities": (batch, classes)}: softmax at the fitted temperature, a constant of the graph."""
        return {"probabilities": torch.softmax(raw_outputs(network, images, spec) / spec.temperature, dim=1)}

    def views(self, spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
        """The image, and where the spec says `mirror`, its mirror image."""
        return views(spec)

    def evidence(self, raw: Tensor, reference: Arrays, item: int, spec: Spec) -> Tensor:
        """Log-odds of the class: its logit less the log of the summed exponentials of all others (at temperature)."""
        logits = raw / spec.temperature
        others = torch.cat((logits[:, :item], logits[:, item + 1 :]), dim=1)
        return logits[:, item] - torch.logsumexp(others, dim=1)
