"""What tests of formulas need: noise, a layer's answer and its weights in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def ask(layer: Any, *arrays: np.ndarray) -> Any:
    import torch

    with torch.no_grad():
        return layer(*(torch.from_numpy(array) for array in arrays))


def weights(layer: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy().astype(np.float64) for name, value in layer.state_dict().items()}
