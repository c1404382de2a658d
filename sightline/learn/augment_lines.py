"""Augmentation of lines of text, a batch at a time on the device: as another hand, pen, paper or scanner gave them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from sightline.learn.batches import Tensors

STEP = 8
"""Widths of augmented lines are multiples of this many pixels."""
SHARE_OF_ONE = 0.25
"""Of the largest stretch: by how much a line differs from the others of its batch."""


@dataclass(frozen=True)
class LinePolicy:
    """What is done to a batch of lines.

    slant: largest shear, in degrees. stretch, tall: largest change of width and height, as shares. tilt: largest rise
    or fall over the line, wave: largest amplitude of a baseline that is not straight, and warp: of letters pushed to
    the left and right, all as shares of the height. ink: how far strokes may become thicker or thinner, 0..1. blur,
    noise: largest share of a blurred copy, largest standard deviation in units of the normalised image. light: largest
    change of brightness and contrast. paper: of a stained background.
    """

    slant: float = 0.0
    stretch: float = 0.0
    tall: float = 0.0
    tilt: float = 0.0
    wave: float = 0.0
    warp: float = 0.0
    ink: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    light: float = 0.0
    paper: float = 0.0

    flip: ClassVar[bool] = False
    """No line is ever mirrored."""

    def at(self, done: float) -> LinePolicy:
        """The policy when this share of the steps is done: the same."""
        return self

    def __call__(
        self,
        inputs: Tensors,
        targets: Tensors,
        generator: torch.Generator,
        mirrored: Tensor | None = None,
        side: int | None = None,
    ) -> tuple[Tensors, Tensors]:
        """inputs["image"]: float (batch, channel, height, width), normalised; it may come out wider or narrower.

        mirrored and side are those of other policies, and have no meaning here.
        """
        images = inputs["image"]
        if self == LinePolicy():
            return inputs, targets
        images = _bend(images, self, generator)
        if self.ink:
            images = _ink(images, self.ink, generator)
        if self.blur:
            share = uniform((len(images),), 0, self.blur, generator).to(images.device)
            images = torch.lerp(images, _blurred(images), share[:, None, None, None])
        if self.light:
            images = relight(images, self.light, generator)
        if self.paper:
            images = images + _stains(images, self.paper, generator)
        if self.noise:
            most = uniform((len(images), 1, 1, 1), 0, self.noise, generator)
            images = images + (torch.randn(images.shape, generator=generator) * most).to(images.device)
        return {**inputs, "image": images}, targets


def _bend(images: Tensor, policy: LinePolicy, generator: torch.Generator) -> Tensor:
    """Slant, stretch, tilt and wave as one resampling; what lies outside repeats the edge."""
    count, _, height, width = images.shape
    # Most of the stretch is the same for all lines of a batch: else all would be as wide as the widest.
    own = SHARE_OF_ONE * policy.stretch
    together = 1 + float(uniform((1,), own - policy.stretch, policy.stretch - own, generator))
    out = math.ceil(width * together * (1 + own) / STEP) * STEP

    def each(most: float) -> Tensor:
        return uniform((count, 1, 1), -most, most, generator)

    y = torch.arange(height)[None, :, None] + 0.5 - height / 2
    x = torch.arange(out)[None, None, :] + 0.5
    shear = torch.tan(torch.deg2rad(each(policy.slant)))
    wide, high = together * (1 + each(own)), 1 + each(policy.tall)

    def sine(most: float, shortest: float, longest: float) -> Tensor:
        """Of random amplitude, in px, its length between these multiples of the height."""
        length = uniform((count, 1, 1), shortest, longest, generator) * height
        phase = uniform((count, 1, 1), 0.0, 2 * math.pi, generator)
        return each(most) * height * torch.sin(2 * math.pi * x / length + phase)

    source_x = (x + shear * y + sine(policy.warp, 2.0, 6.0)) / wide
    wave = sine(policy.wave, 3.0, 12.0)
    tilt = each(policy.tilt) * height * (x / out - 0.5)
    source_y = y / high + wave + tilt + height / 2
    grid = torch.stack([(2 * source_x / width - 1).expand(count, height, out), 2 * source_y / height - 1], 3)
    return functional.grid_sample(images, grid.to(images.device), padding_mode="border", align_corners=False)


def _ink(images: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Thicker strokes are what the darkest pixel around says, thinner ones what the lightest says."""
    thick = -functional.max_pool2d(-images, 3, 1, 1)
    thin = functional.max_pool2d(images, 3, 1, 1)
    amount = uniform((len(images), 1, 1, 1), -most, most, generator).to(images.device)
    # Thinning eats fine strokes whole, so it goes half as far.
    return images + amount.clamp(min=0) * (thick - images) + (-amount / 2).clamp(min=0) * (thin - images)


def _blurred(images: Tensor) -> Tensor:
    """A binomial filter of 5 x 5 pixels."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=images.device) / 16
    channels = images.shape[1]
    kernel = (taps[:, None] * taps).expand(channels, 1, 5, 5)
    return functional.conv2d(functional.pad(images, (2, 2, 2, 2), mode="replicate"), kernel, groups=channels)


def _stains(images: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """A smooth random field, (batch, 1, height, width)."""
    count, _, height, width = images.shape
    coarse = torch.randn((count, 1, 3, max(3, width // (2 * height))), generator=generator)
    strength = uniform((count, 1, 1, 1), 0, most, generator)
    field = functional.interpolate(coarse * strength, (height, width), mode="bilinear", align_corners=False)
    return field.to(images.device)


def relight(images: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Contrast by a factor of exp(±most) and brightness by ±most, of each image."""
    contrast = torch.exp(uniform((len(images), 1, 1, 1), -most, most, generator)).to(images.device)
    brightness = uniform((len(images), 1, 1, 1), -most, most, generator).to(images.device)
    return images * contrast + brightness


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Evenly spread numbers from `low` to `high`, on the CPU."""
    return torch.rand(shape, generator=generator) * (high - low) + low
