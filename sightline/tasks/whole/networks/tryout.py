"""Trying a network of a library on an empty image: what it cannot take is told before the first step."""

from __future__ import annotations

import torch
from torch import nn

from sightline.core.errors import SightlineError, memory_errors_told

USUAL_SIDE = 224
"""For which the networks of libraries are made."""


def try_out(network: nn.Module, name: str, channels: int, size: tuple[int, int]) -> None:
    """Raises SightlineError where the network fails on images of this (height, width): they are mostly too small."""
    network.eval()
    try:
        with torch.no_grad(), memory_errors_told():
            network(torch.zeros(1, channels, *size))
    except SightlineError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        wanted = "a larger" if max(size) < USUAL_SIDE else "another"
        raise SightlineError(
            f"{name} cannot take images of {size[1]} x {size[0]} px ({said})",
            fix=f"use {wanted} --imgsz, such as {USUAL_SIDE}",
        ) from None
    network.train()
