"""The normalisation of the image as what it is in eight bits: nothing but the scale of the first quantized tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ranges = dict[str, tuple[float, float]]


def quantized_input(model: Any) -> Ranges:
    """Changes an ONNX model: Cast, Sub, Mul, Transpose of a uint8 input becomes Transpose, DequantizeLinear.

    Only where all channels have one mean and one spread. A mean between two grey levels is rounded, and the first
    biases make up for it. Gives the range of each tensor that is thereby known, by name. It saves float passes over the
    whole image: a third of the time of a graph.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    values: dict[str, NDArray[Any]] = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    chain = _chain(graph, ("Cast", "Sub", "Mul", "Transpose"))
    if not chain:
        return {}
    cast, subtract, multiply, transpose = chain
    mean, factor = (_constant(node, values) for node in (subtract, multiply))
    if mean is None or factor is None or not 0 <= mean <= 255 or factor <= 0:
        return {}
    zero, name = int(np.rint(mean)), transpose.output[0]
    turned, scale, shift = (f"{name}.{word}" for word in ("uint8", "scale", "zero"))
    graph.initializer.append(numpy_helper.from_array(np.array(factor, np.float32), scale))
    graph.initializer.append(numpy_helper.from_array(np.array(zero, np.uint8), shift))
    transpose.input[0], transpose.output[0] = cast.input[0], turned
    after = [transpose]
    for node in graph.node:  # mirrored while it is in bytes: onnxruntime 1.32 hangs on slices between two scales
        if node.op_type == "Slice" and node.input[0] == name:
            node.input[0], node.output[0] = turned, f"{node.output[0]}.uint8"
            after.append(node)
    _shifted_biases(graph, values, {node.output[0].removesuffix(".uint8") for node in after}, (zero - mean) * factor)
    for node in after:
        made = node.output[0].removesuffix(".uint8")
        dequantize = helper.make_node("DequantizeLinear", [node.output[0], scale, shift], [made])
        graph.node.insert(list(graph.node).index(node) + 1, dequantize)
    for node in (cast, subtract, multiply):
        graph.node.remove(node)
    return {node.output[0].removesuffix(".uint8"): ((0 - zero) * factor, (255 - zero) * factor) for node in after}


def _shifted_biases(graph: Any, values: dict[str, NDArray[Any]], inputs: set[str], shift: float) -> None:
    """What the rounded mean takes from every pixel is given back by the biases of the convolutions that read it.

    Not at the border, where they see zeros.
    """
    from onnx import numpy_helper

    made: dict[str, NDArray[np.float32]] = {}
    for node in graph.node:
        weight = values.get(node.input[1]) if node.op_type == "Conv" and node.input[0] in inputs else None
        if weight is not None and (len(node.input) < 3 or node.input[2] in values):
            old = values[node.input[2]] if len(node.input) > 2 else np.float32(0)
            name = f"{node.input[1]}.shifted"
            made[name] = (old + shift * weight.reshape(len(weight), -1).sum(axis=1)).astype(np.float32)
            node.input[:] = [*node.input[:2], name]
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in made.items())


def _chain(graph: Any, kinds: tuple[str, ...]) -> list[Any]:
    """The nodes of these kinds, one after the other, from a uint8 input on; empty where they are not there."""
    from onnx import TensorProto

    name = next((one.name for one in graph.input if one.type.tensor_type.elem_type == TensorProto.UINT8), "")
    found: list[Any] = []
    for kind in kinds:
        readers = [node for node in graph.node if name in node.input]
        if len(readers) != 1 or readers[0].op_type != kind or readers[0].input[0] != name:
            return []
        found.append(readers[0])
        name = readers[0].output[0]
    return found


def _constant(node: Any, values: dict[str, NDArray[Any]]) -> float | None:
    """The one value of a node's second input; None where it is no constant, or has several values."""
    value = values.get(node.input[1])
    if value is None or not value.size or (value != value.flat[0]).any():
        return None
    return float(value.flat[0])
