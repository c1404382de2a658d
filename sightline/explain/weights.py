"""The torch half of explaining: the network of a bundle with its weights, its layers, its evidence."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor, nn

from sightline.core.errors import SightlineError, nearest
from sightline.core.task import Task
from sightline.explain.subject import Subject
from sightline.learn.deploy import normalise
from sightline.run.bundle import Bundle


def open_network(bundle: Bundle, task: Task) -> nn.Module:
    """The network of a bundle that holds its weights, on the CPU, ready to answer; its weights want no gradient."""
    network = task.learner().network(bundle.spec.without_download())
    network.load_state_dict(load(bundle.members["model.safetensors"]))
    return network.eval().requires_grad_(False)


def images_of(subject: Subject) -> Tensor:
    """The subject's image as the network sees it: float32 (1, channel, height, width)."""
    return normalise(torch.from_numpy(subject.image[None].copy()), subject.spec).contiguous()


def evidence_of(subject: Subject) -> Callable[[Tensor], Tensor]:
    """Normalised images (batch, channel, height, width) to log-odds (batch,), differentiable."""
    learner, network = subject.task.learner(), subject.network()
    views = learner.views(subject.spec)

    def evidence(images: Tensor) -> Tensor:
        """The network over all views, then the task's evidence."""
        raw = torch.stack([network(view(images)) for view in views]).mean(0)
        return learner.evidence(raw, subject.outputs, subject.item, subject.spec)

    return evidence


def layer_of(subject: Subject) -> tuple[str, nn.Module]:
    """The layer the user named, or the network's own choice, and what it is called in the network.

    Raises SightlineError for a name that the network does not have.
    """
    module: Any = subject.network()
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if subject.layer is None:
        return next((name, layer) for name, layer in layers.items() if layer is module.cam_layer)
    if not subject.layer or subject.layer not in layers:
        near = nearest(subject.layer, layers)
        some = [name for name, layer in layers.items() if isinstance(layer, nn.Conv2d)] or list(layers)
        fix = f"did you mean {' or '.join(near)}?" if near else f"it has, among others: {', '.join(some[:12])}"
        raise SightlineError(f"the network has no layer {subject.layer!r}", fix=fix)
    return subject.layer, layers[subject.layer]


@contextmanager
def feature_maps(layer: nn.Module, name: str | None) -> Generator[list[Tensor]]:
    """A list that fills with what the layer gives, (batch, channel, height, width) a call.

    Raises SightlineError at the end where it gave something else, or nothing.
    """
    seen: list[Tensor] = []

    strange = False

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        """Called by torch with each output of the layer."""
        nonlocal strange
        if isinstance(output, Tensor) and output.ndim == 4:
            seen.append(output)
        else:
            strange = True

    hook = layer.register_forward_hook(keep)
    try:
        yield seen
    finally:
        hook.remove()
    if not seen or strange:
        raise SightlineError(
            f"the layer {name!r} gives no feature maps" if name else "this network has no layer with feature maps",
            fix="name a convolution with --layer, or use --method occlusion",
        )
