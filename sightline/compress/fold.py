"""Batch norms made part of the convolutions before them, which onnxruntime does not do across a max-pool."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = dict[str, NDArray[np.float32]]


def fold_batch_norms(model: Any) -> None:
    """Changes an ONNX model (modules of `onnx.ModelProto`): Conv, BatchNormalization becomes Conv, and so does Conv,
    MaxPool, BatchNormalization where no scale is negative. A weight that is used twice stays one weight."""
    from onnx import numpy_helper

    graph = model.graph
    values: Values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    uses: dict[str, int] = {}
    for name in [name for node in graph.node for name in node.input] + [one.name for one in graph.output]:
        uses[name] = uses.get(name, 0) + 1
    made: Values = {}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        last = makers.get(norm.input[0])
        pool = last if last is not None and last.op_type == "MaxPool" else None
        conv = makers.get(pool.input[0]) if pool else last
        if (
            conv is None
            or conv.op_type != "Conv"
            or not all(name in values for name in (*conv.input[1:], *norm.input[1:]))
        ):
            continue
        if uses[norm.input[0]] > 1 or uses[conv.output[0]] > 1 or len(norm.output) > 1:
            continue
        scale, shift = _affine(norm, values)
        if pool and scale.min() < 0:
            continue
        name = f"{conv.input[1]}.{norm.input[1]}"
        weight, bias = values[conv.input[1]], values[conv.input[2]] if len(conv.input) > 2 else np.float32(0)
        made[name] = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        made[f"{name}.bias"] = (bias * scale + shift).astype(np.float32)
        conv.input[:] = [conv.input[0], name, f"{name}.bias"]
        (pool or conv).output[0] = norm.output[0]
        graph.node.remove(norm)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in made.items())


def _affine(norm: Any, values: Values) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(channels,) what a batch norm multiplies by, and what it adds."""
    scale, bias, mean, variance = (values[name].astype(np.float64) for name in norm.input[1:5])
    epsilon = next((one.f for one in norm.attribute if one.name == "epsilon"), 1e-5)
    factor = scale / np.sqrt(variance + epsilon)
    return factor.astype(np.float32), (bias - mean * factor).astype(np.float32)
