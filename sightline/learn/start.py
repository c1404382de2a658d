"""Where the weights come from at the start: a file, another bundle, or chance; and what is frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.run.bundle import open_bundle


def start_from_file(network: nn.Module, path: Path) -> int:
    """Loads a safetensors file; see `_load`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SightlineError(f"the weights cannot be read ({error.strerror})", str(path)) from None
    return _load(network, data, str(path))


def start_from_bundle(network: nn.Module, path: Path, spec: Spec) -> int:
    """Loads the weights of another bundle, whose classes may differ from the spec's; those that both have keep what
    they have learnt. See `_load`. Raises SightlineError where images of another size make weights of another shape."""
    bundle = open_bundle(path)
    if "model.safetensors" not in bundle.members:
        raise SightlineError("this bundle holds no weights to start from: it is quantized", str(bundle.path))
    weights, own, head = bundle.members["model.safetensors"], network.state_dict(), _names_of_head(network)
    theirs, ours = (one.inputs["image"].shape[0] for one in (bundle.spec, spec))
    shapes = {name: tensor.shape for name, tensor in load(weights).items() if name not in head}
    if theirs != ours and any(name in own and own[name].shape != shape for name, shape in shapes.items()):
        raise SightlineError(
            f"this bundle was trained on images {theirs} px high, and its weights do not fit those of {ours} px",
            str(bundle.path), f"type: --imgsz {theirs}",
        )  # fmt: skip
    return _load(network, weights, str(bundle.path), _Rows(bundle.spec.classes, spec.classes, head))


@dataclass(frozen=True)
class _Rows:
    """Which outputs of another network are the same as ours: by the names of their classes.

    head: names of the tensors whose rows they are.
    """

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    head: frozenset[str]

    def taken(self, own: Tensor, found: Tensor) -> Tensor | None:
        """`own` with the rows of `found` that stand for the same; None where these are not rows of classes.

        A row before those of the classes (CTC's blank) is taken as it is.
        """
        lead = len(own) - len(self.ours) if own.ndim else -1
        if (
            not self.theirs
            or lead not in (0, 1)
            or found.shape[1:] != own.shape[1:]
            or len(found) != lead + len(self.theirs)
        ):
            return None
        pairs = [(lead + i, lead + self.theirs.index(name)) for i, name in enumerate(self.ours) if name in self.theirs]
        own = own.clone()
        for ours, theirs in [(i, i) for i in range(lead)] + pairs:
            own[ours] = found[theirs]
        return own


def _load(network: nn.Module, data: bytes, where: str, rows: _Rows | None = None) -> int:
    """Copies every tensor whose name and shape fit; of the head, the rows of the same classes, if `rows` says which.
    The others keep their fresh values.

    Returns how many were copied. Raises SightlineError where fewer than half fit: that is another network.
    """
    try:
        found = load(data)
    except SafetensorError as error:
        raise SightlineError(f"this is no safetensors file ({error})", where) from None
    own = network.state_dict()
    prefix = max(("", "body."), key=lambda prefix: sum(_named(own, prefix, name) is not None for name in found))
    wanted = [name for name in own if name.startswith(prefix)]
    fitting: dict[str, Tensor] = {}
    for given, tensor in found.items():
        name = _named(own, prefix, given)
        if name is None:
            continue
        ours = own[name]
        if rows and rows.ours != rows.theirs and name in rows.head:
            taken = rows.taken(ours, tensor)
        else:
            taken = tensor if ours.shape == tensor.shape else None
        if taken is not None:
            fitting[name] = taken
    if len(fitting) < 0.5 * len(wanted) or not fitting:
        raise SightlineError(
            f"the weights belong to another network: {len(fitting)} of {len(wanted) or len(own)} tensors fit", where,
            "name the same --network and its options as they were trained with",
        )  # fmt: skip
    network.load_state_dict({**own, **fitting})
    return len(fitting)


def _named(own: Mapping[str, Tensor], prefix: str, name: str) -> str | None:
    """What we call a tensor of a file; None where we have none such.

    A timm file names its tensors without our wrapper, and where timm makes a backbone, its `stages.0` is `stages_0`.
    """
    names = (prefix + name, prefix + re.sub(r"^(\w+)\.(\d+)\.", r"\1_\2.", name))
    return next((one for one in names if one in own), None)


def _names_of_head(network: nn.Module) -> frozenset[str]:
    """Of the tensors whose rows are the classes: the last layer's, and those of the one beside it in a line reader."""
    whole: Any = network
    layers = [whole.head, *([whole.shortcut] if hasattr(network, "shortcut") else [])]
    # By identity: libraries call their last layer `fc`, `classifier` and more.
    found = {id(parameter) for layer in layers for parameter in layer.parameters()}
    return frozenset(name for name, one in network.named_parameters(remove_duplicate=False) if id(one) in found)


def freeze_all_but_head(network: nn.Module) -> None:
    """Only the network's `head` goes on learning."""
    whole: Any = network
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in whole.head.parameters():
        parameter.requires_grad_(True)
