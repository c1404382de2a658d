"""A graph in half precision, for GPUs."""

from __future__ import annotations

from typing import Any

KEPT = ("Softmax", "Sigmoid", "LSTM", "GRU", "RNN", "ReduceMean", "ReduceSum", "TopK", "NonMaxSuppression")
"""Operators that stay in float: sums of many terms, probabilities, and those without a kernel in fp16."""


def halved(graph: bytes) -> bytes:
    """The graph with weights and layers in float16; inputs and outputs keep their types."""
    import onnx
    from onnxruntime.transformers import float16

    converter: Any = float16
    blocked = [*converter.DEFAULT_OP_BLOCK_LIST, *KEPT]
    model = converter.convert_float_to_float16(
        onnx.load_from_string(graph), keep_io_types=True, op_block_list=blocked, disable_shape_infer=False
    )
    return model.SerializeToString()
