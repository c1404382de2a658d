"""Where the weights come from at the start: a file, another bundle, or chance; and what is frozen."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from sightline.core.errors import SightlineError
from sightline.run.bundle import open_bundle


def start_from_file(network: nn.Module, path: Path) -> int:
    """Loads a safetensors file; see `_load`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SightlineError(f"the weights cannot be read ({error.strerror})", str(path)) from None
    return _load(network, data, str(path))


def start_from_bundle(network: nn.Module, path: Path) -> int:
    """Loads the weights of another bundle, whose classes may differ; see `_load`."""
    bundle = open_bundle(path)
    if "model.safetensors" not in bundle.members:
        raise SightlineError("this bundle holds no weights to start from: it is quantized", str(bundle.path))
    return _load(network, bundle.members["model.safetensors"], str(bundle.path))


def _load(network: nn.Module, data: bytes, where: str) -> int:
    """Copies every tensor whose name and shape fit; the others (the head, other classes) keep their fresh values.

    Returns how many were copied. Raises SightlineError where fewer than half fit: that is another network.
    """
    try:
        found = load(data)
    except SafetensorError as error:
        raise SightlineError(f"this is no safetensors file ({error})", where) from None
    own = network.state_dict()
    prefix = "" if any(name in own for name in found) else "body."  # a timm file names its tensors without our wrapper
    fitting: dict[str, Tensor] = {
        prefix + name: tensor
        for name, tensor in found.items()
        if prefix + name in own and own[prefix + name].shape == tensor.shape
    }
    if len(fitting) < 0.5 * len(own):
        raise SightlineError(
            f"the weights belong to another network: {len(fitting)} of {len(own)} tensors fit", where,
            "name the same --network and its options as they were trained with",
        )  # fmt: skip
    network.load_state_dict({**own, **fitting})
    return len(fitting)


def freeze_all_but_head(network: nn.Module) -> None:
    """Only the last layer with weights goes on learning."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in layers[-1].parameters():
        parameter.requires_grad_(True)
