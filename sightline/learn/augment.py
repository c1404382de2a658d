"""Augmentation of a whole batch on the device: geometry is one affine matrix per example."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from sightline.learn.augment_lines import LinePolicy, relight, uniform
from sightline.learn.augment_places import PLACES, moved
from sightline.learn.batches import Tensors
from sightline.learn.mosaic import mosaic, spliced

POLICIES = ("auto", "none", "light", "strong")
MOSAIC_ENDS = 0.85
"""Share of the steps after which there are no more mosaics."""
MIXED = ("label", "labels", "value")
"""Keys of targets that say something about the whole image: only such images can be mixed."""


@dataclass(frozen=True)
class Policy:
    """What is done to a batch. Angles in degrees, shifts as a share of the side, the rest as shares.

    turn, zoom, stretch, shear, shift: the largest change either way; zoom is alike in width and height. flip: mirror
    half of the images left to right. light: the largest change of brightness and contrast. erase: side of an erased
    square. mix: share of batches mixed. mosaic: share of the images with boxes that are put together from four.
    """

    turn: float = 0.0
    zoom: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    flip: bool = False
    light: float = 0.0
    erase: float = 0.0
    mix: float = 0.0
    mosaic: float = 0.0

    def at(self, done: float) -> Policy:
        """The policy when this share of the steps is done: no more mosaics near the end, as no image is like one."""
        return replace(self, mosaic=0.0) if self.mosaic and done >= MOSAIC_ENDS else self

    def __call__(
        self,
        inputs: Tensors,
        targets: Tensors,
        generator: torch.Generator,
        mirrored: Tensor | None = None,
        side: int | None = None,
    ) -> tuple[Tensors, Tensors]:
        """inputs["image"]: float (batch, channel, height, width), normalised. Acts on the keys it knows, leaves others.

        mirrored: (batch,) bool, which images a policy with `flip` mirrors (default: half of them by chance).
        side: the images come out at this height and width instead of their own.
        """
        if self == Policy() and not side:
            return inputs, targets
        images = inputs["image"]
        matrices = affine(len(images), self, generator, images.shape[-1], mirrored)
        matrices = matrices.to(images.device)
        # A mirrored edge would show things that no box or mask knows of.
        places = PLACES & targets.keys()
        images = warp(images, matrices, side, "zeros" if places else "reflection" if self.flip else "border")
        if self.mosaic and "boxes" in targets:
            images, targets = self._with_mosaics(inputs["image"], images, targets, matrices, generator)
        elif places:
            targets = moved(targets, matrices, side)
        if self.light:
            images = relight(images, self.light, generator)
        if self.erase:
            images = _erase(images, self.erase, generator)
        mixable = {key: targets[key] for key in MIXED if key in targets}
        if self.mix and mixable and uniform((1,), 0, 1, generator).item() < self.mix:
            mixable |= {"weight": targets["weight"]} if "weight" in targets else {}
            images, mixed = _mix(images, mixable, generator)
            targets = {**targets, **mixed}
        return {**inputs, "image": images}, targets

    def _with_mosaics(
        self, before: Tensor, images: Tensor, targets: Tensors, matrices: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensors]:
        """images: as moved by `matrices`; before: as they were. Some of them become mosaics of those."""
        after = moved(targets, matrices)
        rows = torch.nonzero(torch.rand(len(images), generator=generator) < self.mosaic)[:, 0]
        if not len(rows):
            return images, after
        quarters = affine(4 * len(rows), self, generator, images.shape[-1]).to(images.device)
        size = list(images.shape[2:])
        rows = rows.to(images.device)
        made, boxes, classes = mosaic(
            before, targets["boxes"], targets["classes"], quarters.view(4, -1, 2, 3), generator, size
        )
        images = images.clone()
        images[rows] = made
        return images, spliced(after, rows, boxes, classes)


Changes = Policy | LinePolicy
"""What is done to a batch while training."""


def choose(name: str, channels: int, content: str = "scene") -> Changes:
    """The written rule. Colour images are taken for photos, which may be mirrored; grey ones for signs and letters,
    which may not, but may be turned and stretched a little. Where places are learned, images are also made larger and
    smaller. Lines of text are slanted, stretched and bent, their ink and paper changed. `auto` is `light`."""
    strong = name == "strong"
    if content == "line":
        if name == "none":
            return LinePolicy()
        if strong:
            return LinePolicy(
                slant=12, stretch=0.2, tall=0.15, tilt=0.08, wave=0.06, warp=0.12,
                ink=1.0, blur=1.0, noise=0.4, light=0.4, paper=0.5,
            )  # fmt: skip
        return LinePolicy(
            slant=8, stretch=0.15, tall=0.1, tilt=0.05, wave=0.04, warp=0.08,
            ink=0.8, blur=0.8, noise=0.25, light=0.3, paper=0.3,
        )  # fmt: skip
    if name == "none":
        return Policy()
    if content == "places":
        return (
            Policy(turn=8, zoom=0.5, stretch=0.15, shift=0.15, flip=True, light=0.4, mosaic=0.5)
            if strong
            else Policy(zoom=0.3, stretch=0.08, shift=0.1, flip=True, light=0.2)
        )
    if channels == 3:
        return (
            Policy(turn=10, stretch=0.1, shift=0.1, flip=True, light=0.3, erase=0.3, mix=0.5)
            if strong
            else Policy(shift=0.07, flip=True)
        )
    return (
        Policy(turn=15, stretch=0.15, shear=10, shift=0.1, light=0.2, erase=0.3, mix=0.3)
        if strong
        else Policy(turn=8, stretch=0.08, shear=4, shift=0.07)
    )


def affine(count: int, policy: Policy, generator: torch.Generator, side: int, mirrored: Tensor | None = None) -> Tensor:
    """(count, 2, 3) matrices from output to input places, both in -1..1, as `affine_grid` takes them.

    Where nothing but a shift and a mirroring is asked for, the shift is by whole pixels of `side`: nothing is blurred.
    """
    angle = torch.deg2rad(uniform((count,), -policy.turn, policy.turn, generator))
    shear = torch.tan(torch.deg2rad(uniform((count,), -policy.shear, policy.shear, generator)))
    wide, high = torch.exp(uniform((2, count), -policy.stretch, policy.stretch, generator))
    if policy.zoom:
        zoom = torch.exp(uniform((count,), -policy.zoom, policy.zoom, generator))
        wide, high = wide * zoom, high * zoom
    if policy.flip:
        mirrored = torch.rand(count, generator=generator) < 0.5 if mirrored is None else mirrored
        wide = torch.where(mirrored, -wide, wide)
    shift = uniform((count, 2), -policy.shift, policy.shift, generator)
    if not (policy.turn or policy.shear or policy.stretch or policy.zoom):
        most = round(policy.shift * side)
        shift = torch.randint(-most, most + 1, (count, 2), generator=generator) / side
    cos, sin = torch.cos(angle), torch.sin(angle)
    first = torch.stack([wide * cos, wide * (shear * cos - sin)], 1)
    second = torch.stack([high * sin, high * (shear * sin + cos)], 1)
    return torch.cat([torch.stack([first, second], 1), 2 * shift[:, :, None]], 2)


def warp(images: Tensor, matrices: Tensor, side: int | None = None, beyond: str = "border") -> Tensor:
    """(batch, channel, height, width) sampled bilinearly, to `side` x `side` if given.

    beyond: what lies outside: "border" repeats the edge, "reflection" mirrors the image, "zeros" is mean grey.
    """
    size = [*images.shape[:2], side or images.shape[2], side or images.shape[3]]
    grid = functional.affine_grid(matrices, size, align_corners=False)
    return functional.grid_sample(images, grid, padding_mode=beyond, align_corners=False)


def _erase(images: Tensor, most: float, generator: torch.Generator) -> Tensor:
    count, _, height, width = images.shape
    sides = uniform((count, 1), 0, most, generator)
    masks: list[Tensor] = []
    for length in (height, width):
        centre = uniform((count, 1), 0, 1, generator)
        places = (torch.arange(length)[None] + 0.5) / length
        masks.append(((places - centre).abs() < sides / 2).to(images.device))
    inside = masks[0][:, None, :, None] & masks[1][:, None, None, :]
    return images.masked_fill(inside, 0.0)


def _mix(images: Tensor, targets: Tensors, generator: torch.Generator) -> tuple[Tensor, Tensors]:
    """Mixup or cutmix, by turns of chance (Zhang et al. 2018; Yun et al. 2019).

    Returns the images and, for each target, the other image's under "mixed_" + key; "share": () that of its own.
    """
    count, _, height, width = images.shape
    other = torch.randperm(count, generator=generator).to(images.device)
    share = float(uniform((1,), 0.5, 1, generator))
    if torch.rand(1, generator=generator) < 0.5:
        images = share * images + (1 - share) * images[other]
    else:
        side = (1 - share) ** 0.5
        top = int(float(torch.rand(1, generator=generator)) * height * (1 - side))
        left = int(float(torch.rand(1, generator=generator)) * width * (1 - side))
        low, right = top + round(height * side), left + round(width * side)
        images = images.clone()
        images[:, :, top:low, left:right] = images[other, :, top:low, left:right]
        share = 1 - (low - top) * (right - left) / (height * width)
    mixed = {f"mixed_{key}": values[other] for key, values in targets.items()}
    return images, {**mixed, "share": torch.tensor(share, device=images.device)}
