"""The state of a training in one safetensors file: nothing in it can run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from sightline.core.errors import SightlineError
from sightline.run.files import write_whole

FILE = "checkpoint.safetensors"


@dataclass
class Checkpoint:
    """tensors: group ("network", "average", "optimizer", "best") to name to tensor; meta: plain JSON."""

    tensors: dict[str, dict[str, Tensor]]
    meta: dict[str, Any] = field(default_factory=dict[str, Any])


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Replaces the file at once; a kill at any moment leaves the old one or the new one."""
    flat = {
        f"{group}/{name}": tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for group, tensors in checkpoint.tensors.items()
        for name, tensor in tensors.items()
    }
    data = save(flat, {"state": json.dumps(checkpoint.meta)})
    write_whole(path, lambda file: file.write(data))


def read(path: Path) -> Checkpoint:
    """Raises SightlineError where the file is damaged."""
    tensors: dict[str, dict[str, Tensor]] = {}
    try:
        data = path.read_bytes()
        for key, tensor in load(data).items():
            group, _, name = key.partition("/")
            tensors.setdefault(group, {})[name] = tensor
        # The file begins with the length of its header, a JSON object.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return Checkpoint(tensors, json.loads(header["__metadata__"]["state"]))
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise SightlineError(
            f"the checkpoint cannot be read ({error})", str(path), "delete it to train anew from the stored options"
        ) from None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer as named tensors: `NUMBER/KEY`."""
    found: dict[str, Tensor] = {}
    for number, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            if value is not None:
                found[f"{number}/{key}"] = value if isinstance(value, Tensor) else torch.tensor(value)
    return found


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `optimizer_tensors`, into a fresh optimizer over the same parameters.

    What has the shape of its parameter gets its memory layout too: fused optimizers pair the two as they lie in memory.
    """
    parameters: list[Tensor] = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, key = name.partition("/")
        parameter = parameters[int(number)]
        alike = tensor.shape == parameter.shape
        state.setdefault(int(number), {})[key] = torch.empty_like(parameter).copy_(tensor) if alike else tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
