"""Classify, the torch half: builds the network, computes the loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.options import resolve
from sightline.core.spec import Spec
from sightline.tables import network_entry


class ClassifyLearner:
    """Networks give logits (batch, classes)."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network from the spec's name and options."""
        entry = network_entry(spec.task, spec.network)
        kind: type[Any] = entry.load_options()
        options = resolve(kind, spec.options)
        height, width, channels = spec.inputs["image"].shape
        return entry.load()(spec.network, channels, (height, width), len(spec.classes), options)

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """Cross-entropy of `label`, (batch,) int64; after mixing, `share` of it and the rest of `mixed_label`."""
        logits = network(inputs["image"])
        label, smoothing = targets["label"], spec.options.get("label_smoothing")
        if smoothing is None:
            smoothing = 0.1 if spec.network == "auto" else 0.0
        loss = functional.cross_entropy(logits, label, label_smoothing=smoothing)
        if "mixed_label" in targets:
            other = functional.cross_entropy(logits, targets["mixed_label"], label_smoothing=smoothing)
            loss = targets["share"] * loss + (1 - targets["share"]) * other
        return {"loss": loss}

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """{"probabilities": (batch, classes)}: softmax at the fitted temperature, a constant of the graph.

        Where the spec says `mirror`, the logits are the mean over the image and its mirror image.
        """
        logits = network(images)
        if spec.extra.get("mirror"):
            logits = (logits + network(images.flip(3))) / 2
        return {"probabilities": torch.softmax(logits.float() / spec.temperature, dim=1)}
