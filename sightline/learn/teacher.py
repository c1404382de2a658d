"""A finished network that a new one learns from, beside the targets of the data (Hinton et al. 2015)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.core.task import Learner
from sightline.learn.optimizer import is_scale_free
from sightline.learn.start import start_from_bundle
from sightline.run.bundle import open_bundle


class Teacher:
    """The network of a bundle, ready to answer on the images that another one is trained on.

    It sees each image as the other one does, changed and mixed alike (Beyer et al. 2022: the same view for both), but
    in the size that it was trained with.
    """

    def __init__(self, path: Path, learner: Learner, spec: Spec, device: torch.device) -> None:
        """spec: of the network that learns. Raises SightlineError where the bundle cannot teach it."""
        bundle = open_bundle(path)
        _check(bundle.spec, spec, str(bundle.path))
        self.learner, self.student = learner, spec
        # Built for the classes of the other, in their order: its last layer's rows are taken by name.
        self.spec = dataclasses.replace(bundle.spec, classes=spec.classes)
        network = learner.network(self.spec.without_download())
        start_from_bundle(network, path, self.spec)
        whole: Any = network.eval().requires_grad_(False)
        self.network: nn.Module = whole.to(device, memory_format=torch.channels_last)

    def distance(self, raw: Tensor, images: Tensor) -> Tensor:
        """(), the mean distance of the student's raw outputs from what it says itself of the same images.

        images: (batch, channel, height, width) float32, normalised for the student.
        """
        with torch.no_grad():
            own = self.network(self._seen(images)).float()
        return self.learner.distance(raw.float(), own, self.student, self.spec).mean()

    def _seen(self, images: Tensor) -> Tensor:
        """The same images, normalised and in the size as it knows them."""
        device = images.device
        mean, std = (_per_channel(values, device) for values in (self.student.mean, self.student.std))
        own_mean, own_std = (_per_channel(values, device) for values in (self.spec.mean, self.spec.std))
        images = (images * std + mean - own_mean) / own_std
        size = self._size(images.shape[2:])
        return images if size == images.shape[2:] else functional.interpolate(images, size, mode="bilinear")

    def _size(self, size: torch.Size) -> torch.Size:
        """Its own; smaller in proportion where the student begins with small images and it can see such too."""
        height, width, _ = self.student.inputs["image"].shape
        own_height, own_width, _ = self.spec.inputs["image"].shape
        if is_scale_free(self.network) or own_width is None:
            tall = (own_height or 1) / (height or 1)
            wide = own_width / width if own_width and width else tall
            return torch.Size((round(size[0] * tall), round(size[1] * wide)))
        return torch.Size((own_height or size[0], own_width))


def _check(teacher: Spec, student: Spec, where: str) -> None:
    """Raises SightlineError where what the teacher knows is not what the student shall learn."""
    if teacher.task != student.task:
        raise SightlineError(f"this teacher's task is {teacher.task}, and the data is for {student.task}", where)
    missing = [name for name in student.classes if name not in teacher.classes]
    if missing:
        more = ", …" if len(missing) > 5 else ""
        raise SightlineError(
            f"the teacher does not know {', '.join(map(repr, missing[:5]))}{more}", where,
            "train the teacher on data that has these classes",
        )  # fmt: skip
    theirs, ours = teacher.inputs["image"].shape[2], student.inputs["image"].shape[2]
    if theirs != ours:
        raise SightlineError(f"the teacher sees images of {theirs} channels, and these have {ours}", where)


def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device)[:, None, None]
