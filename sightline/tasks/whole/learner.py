"""What the torch halves of tasks over whole images share: building the network, both mirror views, mixed targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from sightline.core.options import resolve
from sightline.core.spec import Spec
from sightline.tables import network_entry


def build(spec: Spec, outputs: int) -> nn.Module:
    """A new network from the spec's name and options, with so many raw outputs an image."""
    entry = network_entry(spec.task, spec.network)
    kind: type[Any] = entry.load_options()
    options = resolve(kind, spec.options)
    height, width, channels = spec.inputs["image"].shape
    return entry.load()(spec.network, channels, (height, width), outputs, options)


def raw_outputs(network: nn.Module, images: Tensor, spec: Spec) -> Tensor:
    """(batch, outputs) float32, before softmax, sigmoid or scaling.

    Where the spec says `mirror`, they are the mean over the image and its mirror image.
    """
    first, *others = (network(view(images)) for view in views(spec))
    for other in others:
        first = (first + other) / 2  # there are two at most
    return first.float()


def views(spec: Spec) -> tuple[Callable[[Tensor], Tensor], ...]:
    """What is done to normalised images before the network sees them: nothing; and perhaps a mirroring."""
    return (_same, _mirror) if spec.extra.get("mirror") else (_same,)


def _same(images: Tensor) -> Tensor:
    return images


def _mirror(images: Tensor) -> Tensor:
    return images.flip(3)


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """(batch, …) Kullback and Leibler's divergence of the student's probabilities from the teacher's.

    Both: logits (batch, classes, …).
    """
    own, wanted = functional.log_softmax(student, 1), functional.log_softmax(teacher, 1)
    return (wanted.exp() * (wanted - own)).sum(1)


def mixed_loss(loss: Callable[[Tensor], Tensor], targets: dict[str, Tensor], key: str) -> Tensor:
    """The mean loss against `targets[key]`; after mixing, `share` of it and the rest against `mixed_` + key.

    loss: gives (batch,) or (batch, classes) from targets. `weight` and `mixed_weight`, (batch,) float32, say how much
    each example counts, where they are given.
    """

    def mean(prefix: str) -> Tensor:
        losses, weight = loss(targets[prefix + key]), targets.get(f"{prefix}weight")
        return losses.mean() if weight is None else (losses.reshape(len(losses), -1).mean(1) * weight).mean()

    if f"mixed_{key}" in targets:
        return targets["share"] * mean("") + (1 - targets["share"]) * mean("mixed_")
    return mean("")
