"""In which precision a device trains."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

import torch


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the hardware itself multiplies bfloat16: GPUs, and processors with AVX512-BF16 or AMX.

    Others only emulate it: convolutions ran there at a sixteenth of the speed of float32, and with AVX512-BF16 at
    twice that speed (`benchmarks/NOTES.md`).
    """
    if device.type != "cpu":
        return device.type == "cuda"
    ask: Any = getattr(torch.cpu, "get_capabilities", dict)
    known: dict[str, Any] = ask()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def mixed(device: torch.device, wanted: bool = True) -> AbstractContextManager[Any]:
    """Convolutions and products in bfloat16 where the hardware does it, everything else in float32."""
    if wanted and multiplies_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()
