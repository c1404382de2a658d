"""The temperature is a constant of the graph that the last logits are divided by: here it is found and changed."""

from __future__ import annotations

from typing import Any

import numpy as np


def with_temperature(graph: bytes, old: float, new: float) -> bytes | None:
    """The graph at another temperature; None where nothing in it is divided by `old`.

    A network that was never calibrated (1.0) may have no such constant: exporters drop a division by one.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    scalars = {one.name: one for one in model.graph.initializer if np.prod(one.dims) == 1}
    inner: list[Any] = [node for node in model.graph.node if node.op_type == "Constant"]
    scalars |= {node.output[0]: one.t for node in inner for one in node.attribute if one.name == "value"}
    divisors = {node.input[1] for node in model.graph.node if node.op_type == "Div"} & scalars.keys()
    found = False
    for name in divisors:
        value = numpy_helper.to_array(scalars[name])
        if value.size == 1 and float(value.reshape(())) == float(value.dtype.type(old)):
            scalars[name].CopyFrom(numpy_helper.from_array(np.full_like(value, new), scalars[name].name))
            found = True
    return model.SerializeToString() if found else None
