"""A graph in eight bits: calibrated once, then written with any choice of layers left in float.

The field's standard for CPUs: weights int8 with a scale a channel, activations uint8 with one scale a tensor, both
found before (static), QuantizeLinear and DequantizeLinear around each layer (QDQ; Jacob et al. 2018).

Weights take 7 of their 8 bits: processors without VNNI add pairs of products of 8 by 8 bits in 16, which overflow, so
that the same graph would answer otherwise there than on other processors and in browsers.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Collection, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from sightline.compress.fold import fold_batch_norms
from sightline.compress.prelude import Ranges, quantized_input
from sightline.core.errors import MissingExtra
from sightline.core.task import Arrays

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Where the time goes. Recurrent layers are not among them: onnxruntime has no int8 LSTM on CPUs."""
AROUND = (
    "Add", "AveragePool", "Concat", "GlobalAveragePool", "MaxPool", "Mul", "Relu", "Resize", "Sigmoid", "Squeeze",
    "Transpose",
)  # fmt: skip
"""Quantized too where a quantized layer reads what they give: else each would cost two conversions."""
ACTIVATIONS = "activations"
"""Stands for `Mul` and `Sigmoid`, the two of SiLU, where layers to keep are named: in int8 fast, and less exact."""


class Quantizer:
    """One graph, its ranges measured on real inputs."""

    def __init__(self, graph: bytes, batches: Iterable[Arrays]) -> None:
        """batches: inputs of the graph to measure the ranges on, with batch axis. Raises MissingExtra without onnx."""
        need_onnx()
        with _quiet(), tempfile.TemporaryDirectory() as folder:
            self._model, known = _prepared(graph, Path(folder))
            self._ranges = _ranges(Path(folder), batches, known)
        weights = {tensor.name for tensor in self._model.graph.initializer}
        self._groups: dict[str, list[str]] = {}
        for node in self._model.graph.node:
            if node.op_type in LAYERS and node.input[1] in weights:
                self._groups.setdefault(node.input[1], []).append(node.name)

    @property
    def layers(self) -> list[str]:
        """Names of the weights that can be quantized, from input to output; a weight used twice counts once."""
        return list(self._groups)

    def quantized(self, kept: Collection[str] = ()) -> bytes:
        """The graph with all layers in int8 but those of `kept`, and `ACTIVATIONS` unless they are among them."""
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        chosen = {node for name, nodes in self._groups.items() if name not in kept for node in nodes}
        chosen |= _read_by(self._model, chosen, ("Mul", "Sigmoid") if ACTIVATIONS in kept else ())
        if not chosen:
            return self._model.SerializeToString()
        copy: Any = type(self._model)()
        copy.CopyFrom(self._model)
        with _quiet():
            quantizer: Any = QDQQuantizer(
                copy, True, True, QuantType.QInt8, QuantType.QUInt8, self._ranges, sorted(chosen), [],
                [*LAYERS, *AROUND], {"ForceQuantizeNoInputCheck": False},
            )  # fmt: skip
            quantizer.quantize_model()
        return quantizer.model.model.SerializeToString()


def need_onnx() -> None:
    """Raises MissingExtra where the package onnx is not installed."""
    try:
        import onnx  # pyright: ignore[reportUnusedImport] # noqa: F401
    except ImportError:
        raise MissingExtra("onnx", "train", "compress") from None


def _prepared(graph: bytes, folder: Path) -> tuple[Any, Ranges]:
    """The model with batch norms folded and constants computed, its shapes known, its nodes named; ranges known."""
    import onnx

    runtime: Any = onnxruntime
    settings = runtime.SessionOptions()
    settings.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    settings.optimized_model_filepath = str(folder / "basic.onnx")
    settings.log_severity_level = 3
    folded = onnx.load_from_string(graph)
    fold_batch_norms(folded)
    runtime.InferenceSession(folded.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    model = onnx.load(folder / "basic.onnx")
    known = quantized_input(model)
    model = onnx.shape_inference.infer_shapes(model)
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"
    onnx.save(model, folder / "model.onnx")
    return model, known


def _ranges(folder: Path, batches: Iterable[Arrays], known: Ranges) -> Any:
    """The smallest and the largest value of each tensor: the known ones, else as measured."""
    from onnxruntime.quantization import calibrate

    class Reader(calibrate.CalibrationDataReader):
        """One batch after the other."""

        def __init__(self) -> None:
            self._batches: Iterator[Arrays] = iter(batches)

        def get_next(self) -> Arrays | None:  # pyright: ignore[reportIncompatibleMethodOverride]
            return next(self._batches, None)

    make: Any = calibrate.create_calibrator  # pyright: ignore[reportUnknownVariableType]
    calibrator: Any = make(
        folder / "model.onnx", [*LAYERS, *AROUND], str(folder / "augmented.onnx"), calibrate.CalibrationMethod.MinMax
    )
    calibrator.collect_data(Reader())
    found = calibrator.compute_data()
    for name, (low, high) in known.items():
        found.data[name] = calibrate.TensorData(lowest=np.array(low, np.float32), highest=np.array(high, np.float32))
    return found


def _read_by(model: Any, layers: Collection[str], without: Collection[str]) -> set[str]:
    """Names of the nodes of `AROUND`, but of kinds `without`, whose outputs go to quantized layers only, directly
    or through each other."""
    weights = {tensor.name for tensor in model.graph.initializer}
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found: set[str] = set()
    for node in reversed(model.graph.node):  # in topological order, so that readers come first
        constant = node.op_type in ("Add", "Mul") and weights.intersection(node.input)  # slow in eight bits
        if node.op_type in AROUND and node.op_type not in without and not constant:
            reading = [reader for name in node.output for reader in readers.get(name, [])]
            if reading and all(reader.name in found or reader.name in layers for reader in reading):
                found.add(node.name)
    return found


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """The quantizer and the sessions that it opens warn of what does not concern a user."""
    runtime: Any = onnxruntime
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    runtime.set_default_logger_severity(3)
    try:
        yield
    finally:
        logging.disable(level)
        runtime.set_default_logger_severity(2)  # its own default
