"""Read, the torch half: a network over the columns of a line, and the loss of CTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.options import resolve
from sightline.core.spec import Spec
from sightline.core.task import Arrays
from sightline.tables import network_entry
from sightline.tasks.read.ctc import BLANK
from sightline.tasks.read.task import letter_at
from sightline.tasks.whole.learner import divergence

SHORTCUT = 0.3
"""Weight of the loss of a second head that reads what the convolutions see: they learn before the recurrent layers do
(Retsinas et al. 2022, section 3.3)."""


class ReadLearner:
    """Networks give logits (batch, steps, 1 + characters)."""

    def network(self, spec: Spec) -> nn.Module:
        """A new network from the spec's name and options."""
        entry = network_entry(spec.task, spec.network)
        kind: type[Any] = entry.load_options()
        height = spec.inputs["image"].shape[0]
        return entry.load()(height, 1 + len(spec.classes), resolve(kind, spec.options))

    def loss(
        self, network: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor], spec: Spec
    ) -> dict[str, Tensor]:
        """The negative logarithm of the probability of `text`, (batch, length) int64 padded with 0, a character
        (Graves et al. 2006, eq. 8). Lines that no alignment fits count as 0."""
        whole: Any = network
        if not hasattr(network, "shortcut"):
            raw = network(inputs["image"])
            losses = _ctc(raw, targets["text"])
        else:
            columns = whole.columns(inputs["image"])
            raw = whole.read(columns)
            losses = _ctc(raw, targets["text"])
            losses = losses + SHORTCUT * _ctc(whole.shortcut(columns).transpose(1, 2), targets["text"])
        return {"loss": (losses * targets["weight"] if "weight" in targets else losses).mean(), "raw": raw}

    def distance(self, student: Tensor, teacher: Tensor, spec: Spec, taught: Spec) -> Tensor:
        """The divergence from the teacher's probabilities step by step, a character that the teacher reads."""
        steps = student.transpose(1, 2)
        own = functional.interpolate(teacher.transpose(1, 2), steps.shape[2], mode="linear")
        read = (own.argmax(1) != BLANK).sum(1)
        return divergence(steps, own).sum(1) / read.clamp(min=1)

    def answer(self, network: nn.Module, images: Tensor, spec: Spec) -> dict[str, Tensor]:
        """{"probabilities": (batch, steps, 1 + characters)}: softmax at the fitted temperature."""
        return {"probabilities": torch.softmax(network(images).float() / spec.temperature, 2)}

    def views(self, spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
        """The line as it is."""
        return (lambda images: images,)

    def evidence(self, raw: Tensor, reference: Arrays, item: int, spec: Spec) -> Tensor:
        """Log-odds of the character at the step of its own where they are largest."""
        one = letter_at(reference, item, spec)
        logits = raw.float()[:, one.begin : one.end] / spec.temperature
        others = torch.cat((logits[..., : one.index], logits[..., one.index + 1 :]), 2)
        return (logits[..., one.index] - torch.logsumexp(others, 2)).amax(1)


def _ctc(logits: Tensor, text: Tensor) -> Tensor:
    """(batch,) from logits (batch, steps, classes) and text (batch, length), padded with the blank."""
    logs = functional.log_softmax(logits.float(), 2).transpose(0, 1)
    lengths = (text != BLANK).sum(1)
    steps = torch.full_like(lengths, logs.shape[0])
    losses = functional.ctc_loss(logs, text, steps, lengths, BLANK, reduction="none", zero_infinity=True)
    return losses / lengths.clamp(min=1)
