"""The network as users get it: raw bytes in, finished answers out."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.errors import MissingExtra, SightlineError
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Learner, Runner
from sightline.learn.machine import processors
from sightline.learn.precision import mixed
from sightline.learn.replicas import in_threads

SCRIPTED_OPSET = 17
PARITY = 1e-4
"""Largest difference of an output between the network and its export, on real inputs."""


def normalise(images: Tensor, spec: Spec) -> Tensor:
    """uint8 (batch, height, width, channel) to float32 (batch, channel, height, width), channels last in memory.

    The channels are moved first of all: along a last axis of 1 or 3 numbers a graph subtracts 50 to 200 times slower.
    """
    images = images.permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (spec.mean, spec.std))
    return (images - mean) * (1 / std)


class Deployed(nn.Module):
    """Normalisation, network, and the task's own outputs in one module: what is exported.

    features: with a further output "features" (batch, d) of unit length, what the network's `head` sees of the image:
    images with like features are alike to the network.
    """

    def __init__(self, network: nn.Module, learner: Learner, spec: Spec, features: bool = False) -> None:
        super().__init__()
        self.network, self.learner, self.spec, self.features = network, learner, spec, features

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The outputs in the order of their names."""
        return tuple(self.named(images).values())

    def named(self, images: Tensor) -> dict[str, Tensor]:
        """The outputs by name."""
        images = normalise(images, self.spec)
        if not self.features:
            return self.learner.answer(self.network, images, self.spec)
        with _head_inputs(self.network) as seen:
            named = self.learner.answer(self.network, images, self.spec)
        total = seen[0]
        for other in seen[1:]:  # the other views of the same images
            total = total + other
        return {**named, "features": functional.normalize(total.float(), dim=1)}


@contextlib.contextmanager
def _head_inputs(network: nn.Module) -> Generator[list[Tensor]]:
    """A list that fills with what the last layer is given, (batch, d) a call: the mean over places where it has any."""
    seen: list[Tensor] = []
    head: Any = network.head

    def keep(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].flatten(2).mean(2) if inputs[0].ndim > 2 else inputs[0])

    hook = head.register_forward_pre_hook(keep)
    try:
        yield seen
    finally:
        hook.remove()


class TorchRunner:
    """Judges a network in training: the same answers as the exported graph, before it is exported.

    fast: in the precision of the training, to compare one epoch with another; otherwise exactly as exported.
    """

    def __init__(
        self, network: nn.Module, learner: Learner, spec: Spec, device: torch.device, fast: bool = False,
        features: bool = False,
    ) -> None:  # fmt: skip
        self._module, self._device, self._fast = Deployed(network, learner, spec, features).eval(), device, fast

    def __call__(self, inputs: Arrays) -> Arrays:
        """uint8 images (batch, height, width, channel) in, the task's named outputs out."""
        images = inputs["image"]
        count = 1 if self._device.type != "cpu" or self._module.features else min(processors(), len(images))
        parts = in_threads(self._answer, np.array_split(images, count), count)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _answer(self, images: NDArray[np.uint8]) -> Arrays:
        with torch.inference_mode(), mixed(self._device, self._fast):
            named = self._module.named(torch.from_numpy(np.ascontiguousarray(images)).to(self._device))
            return {name: value.float().cpu().numpy() for name, value in named.items()}


def export_graph(network: nn.Module, learner: Learner, spec: Spec, features: bool = False) -> bytes:
    """The deployed network as an ONNX model; the batch is free, and the width where the spec says so.

    features: as in `Deployed`.
    """
    try:
        import onnx  # pyright: ignore[reportUnusedImport] # noqa: F401
        import onnxscript  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs] # noqa: F401
    except ImportError as error:
        raise MissingExtra(str(error.name), "train", "writing the bundle") from None
    module = Deployed(network, learner, spec, features).cpu().eval()
    shape = spec.inputs["image"].shape
    example = torch.zeros((2, *(side or 64 for side in shape)), dtype=torch.uint8)
    free = {0: "batch", **{axis: "width" for axis, side in enumerate(shape, 1) if side is None}}
    with torch.no_grad():
        outputs = module.named(example)
    names = list(outputs)
    if len(free) > 1 and any(isinstance(part, nn.RNNBase) for part in network.modules()):
        return _export_scripted(module, example, free, outputs)
    with _silent():
        program: Any = torch.onnx.export(
            module, (example,), dynamo=True, input_names=["image"], output_names=names, dynamic_shapes=(free,),
            optimize=True, verbose=False,
        )  # fmt: skip
    return program.model_proto.SerializeToString()


def _export_scripted(module: nn.Module, example: Tensor, free: dict[int, str], outputs: dict[str, Tensor]) -> bytes:
    """By torch's older exporter: the newer one fixes the length that a GRU or a plain RNN reads to the example's, and
    takes a minute on 2 cores to write out the steps of an LSTM before it puts them together again; this one a second.
    """
    axes = {name: {0: "batch", **({1: "steps"} if value.ndim > 2 else {})} for name, value in outputs.items()}
    file = io.BytesIO()
    exporter: Any = torch.onnx  # its types know the newer exporter alone
    with _silent():
        exporter.export(
            module, (example,), file, dynamo=False, input_names=["image"], output_names=list(outputs),
            dynamic_axes={"image": free, **axes}, opset_version=SCRIPTED_OPSET,
        )  # fmt: skip
    return file.getvalue()


def prove_parity(ours: Runner, exported: Runner, inputs: Arrays) -> float:
    """The largest difference between both runners on real inputs. Raises SightlineError above 1e-4.

    Where outputs exceed 1, as numbers in a unit of their own do, it is relative to the largest of them.
    """
    first, second = ours(inputs), exported(inputs)
    worst = difference(first, second)
    if not worst <= PARITY:
        raise SightlineError(
            f"the exported graph differs from the network by {worst:.2g}", fix="please report this network as a bug"
        )
    return worst


def difference(first: Arrays, second: Arrays) -> float:
    """The largest difference between the outputs of the same inputs, relative where they exceed 1.

    The order of nearly equal `scores` is left to chance: of `boxes` each is held against the nearest of its label.
    """
    if {"boxes", "scores", "labels"} <= first.keys():
        rows = zip(*(one[name] for one in (first, second) for name in ("boxes", "scores", "labels")), strict=True)
        return max(max(_rows_apart(row[:3], row[3:]), _rows_apart(row[3:], row[:3])) for row in rows)
    if any(first[name].shape != second[name].shape for name in first):
        return float("inf")
    return max(float(np.abs(first[name] - second[name]).max() / max(1.0, np.abs(first[name]).max())) for name in first)


def _rows_apart(first: tuple[Any, ...], second: tuple[Any, ...]) -> float:
    """The largest distance of a row (box, score, label) from the nearest other one; the last may be missing."""
    ours, theirs = (
        np.concatenate([box, score[:, None], 10 * label[:, None]], 1) for box, score, label in (first, second)
    )
    ours = ours[first[1] > first[1].min() + PARITY]
    apart = np.abs(ours[:, None] - theirs[None]).max(axis=2)
    return float(apart.min(axis=1).max()) if len(ours) else 0.0


@contextlib.contextmanager
def _silent() -> Generator[None]:
    """The exporter talks on every channel; none of it helps a user."""
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
