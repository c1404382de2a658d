"""Graphs in eight bits: folding, which layers stay in float, the temperature, and the choice between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import TensorProto, helper, numpy_helper

from sightline.compress.fold import fold_batch_norms
from sightline.compress.half import halved
from sightline.compress.prelude import quantized_input
from sightline.compress.quantize import Quantizer
from sightline.compress.search import by_sensitivity, choose
from sightline.compress.temperature import with_temperature
from sightline.run.bundle import open_bundle
from sightline.run.runner import OnnxRunner


def graph_of(nodes: list, values: dict[str, np.ndarray], output: str = "out") -> onnx.ModelProto:
    """A model from `image`, float32 (batch, 3, 8, 8)."""
    made = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def pooled(negative: bool = False) -> onnx.ModelProto:
    """Conv, MaxPool, BatchNormalization, where one scale may be negative; the weight is used twice."""
    random = np.random.default_rng(0)
    scale = random.uniform(0.5, 2, 4).astype(np.float32)
    scale[1] *= -1 if negative else 1
    values = {"w": random.normal(size=(4, 3, 3, 3)), "scale": scale, "b": random.normal(size=4),
              "mean": random.normal(size=4), "var": random.uniform(0.5, 2, 4)}  # fmt: skip
    nodes = []
    for i in "12":
        nodes += [
            helper.make_node("Conv", ["image", "w"], [f"c{i}"], pads=[1, 1, 1, 1]),
            helper.make_node("MaxPool", [f"c{i}"], [f"p{i}"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("BatchNormalization", [f"p{i}", "scale", "b", "mean", "var"], [f"n{i}"]),
        ]
    nodes.append(helper.make_node("Add", ["n1", "n2"], ["out"]))
    return graph_of(nodes, {name: np.asarray(value, np.float32) for name, value in values.items()})


@pytest.mark.parametrize("negative", [False, True])
def test_batch_norms_are_folded_across_a_pool_where_that_is_the_same(negative: bool) -> None:
    model = pooled(negative)
    inputs = {"image": np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)}
    before = OnnxRunner(model.SerializeToString())(inputs)["out"]
    fold_batch_norms(model)
    left = [node.op_type for node in model.graph.node].count("BatchNormalization")
    assert left == (2 if negative else 0)
    assert np.abs(OnnxRunner(model.SerializeToString())(inputs)["out"] - before).max() < 1e-4
    if not negative:
        assert len({node.input[1] for node in model.graph.node if node.op_type == "Conv"}) == 1


def batch(seed: int = 0, count: int = 16) -> list[dict[str, np.ndarray]]:
    return [{"image": np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3), np.uint8)}]


def test_layers_that_are_kept_stay_in_float(bundle: Path) -> None:
    graph = open_bundle(bundle).graph
    quantizer = Quantizer(graph, iter(batch()))
    assert len(quantizer.layers) >= 3
    want = OnnxRunner(graph)(batch(1)[0])["probabilities"]
    whole, none = (
        OnnxRunner(quantizer.quantized(kept))(batch(1)[0])["probabilities"] for kept in ((), quantizer.layers)
    )
    assert 0 < np.abs(whole - want).max() < 0.2 and np.abs(none - want).max() < 5e-3
    first, some = quantizer.layers[0], quantizer.quantized(quantizer.layers[:1])
    names = {one.name for one in onnx.load_from_string(some).graph.initializer}
    assert first in names and f"{first}_quantized" not in names
    assert f"{quantizer.layers[1]}_quantized" in names


def test_recurrent_layers_stay_in_float(trained) -> None:
    run = trained("crnn", "read")
    quantizer = Quantizer(open_bundle(run).graph, [{"image": np.full((2, 16, 64, 1), 200, np.uint8)}])
    nodes = onnx.load_from_string(quantizer.quantized()).graph.node
    makers = {name: node.op_type for node in nodes for name in node.output}
    recurrent = [node for node in nodes if node.op_type in ("LSTM", "GRU", "RNN")]
    assert recurrent and all(makers.get(name) != "DequantizeLinear" for node in recurrent for name in node.input[1:])


def test_the_temperature_is_found_and_changed(bundle: Path) -> None:
    opened = open_bundle(bundle)
    old = opened.spec.temperature
    hot = with_temperature(opened.graph, old, 2 * old)
    assert hot is not None and with_temperature(hot, old, 1.0) is None
    first, second = (OnnxRunner(graph)(batch()[0])["probabilities"] for graph in (opened.graph, hot))
    roots = np.sqrt(first)
    assert np.abs(second - roots / roots.sum(axis=1, keepdims=True)).max() < 1e-5


class Counted:
    """Stands for a quantizer of five layers; the graph is the list of those kept."""

    layers = ("a", "b", "c", "d", "e")

    def quantized(self, kept=()) -> bytes:
        return ",".join(kept).encode()


@pytest.mark.parametrize(
    ("needed", "met", "kept"),
    [(0, True, 0), (1, True, 1), (2, True, 2), (3, True, 3), (4, True, 4), (5, True, 5), (6, False, 5)],
)
def test_as_few_layers_as_it_takes_stay(monkeypatch, needed: int, met: bool, kept: int) -> None:
    monkeypatch.setattr("sightline.compress.search.by_sensitivity", lambda *_: list("edcba"))

    def score(graph: bytes) -> float:
        return len(graph.decode().split(",")) if graph else 0

    chosen = choose(Counted(), score, [], b"", needed)  # type: ignore[arg-type]
    assert (chosen.met, len(chosen.kept), chosen.score) == (met, kept, kept)
    assert chosen.kept == ("activations", *"edcba")[:kept]


def test_weights_take_seven_bits(bundle: Path) -> None:
    """So that sums of two products of 8 bits fit into 16, in which processors without VNNI add them."""
    graph = onnx.load_from_string(Quantizer(open_bundle(bundle).graph, iter(batch())).quantized())
    weights = [numpy_helper.to_array(one) for one in graph.graph.initializer if one.data_type == TensorProto.INT8]
    weights = [one for one in weights if one.ndim > 1]
    assert weights and max(int(np.abs(one.astype(int)).max()) for one in weights) <= 64
    assert max(int(np.abs(one.astype(int)).max()) for one in weights) > 32


def test_sensitivity_orders_all_layers(bundle: Path) -> None:
    graph = open_bundle(bundle).graph
    quantizer = Quantizer(graph, iter(batch()))
    order = by_sensitivity(quantizer, batch(2), graph)
    assert sorted(order) == sorted(quantizer.layers)


def test_half_precision_is_half_as_large_and_nearly_as_exact(bundle: Path) -> None:
    graph = open_bundle(bundle).graph
    half = halved(graph)
    assert len(half) < 0.6 * len(graph)
    first, second = (OnnxRunner(one)(batch()[0])["probabilities"] for one in (graph, half))
    assert second.dtype == np.float32 and np.abs(first - second).max() < 0.02


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_normalisation_becomes_a_scale(mirrored: bool) -> None:
    values = {"mean": np.full(3, 127.5), "factor": np.full(3, 1 / 64), "w": np.full((2, 3, 3, 3), 0.02)}
    nodes = [
        helper.make_node("Cast", ["image"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["cast", "mean"], ["sub"]),
        helper.make_node("Mul", ["sub", "factor"], ["mul"]),
        helper.make_node("Transpose", ["mul"], ["turned"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["turned", "w"], ["out" if not mirrored else "c1"]),
    ]
    integers = {}
    if mirrored:
        integers = {name: np.array([value]) for name, value in {"s": -1, "e": -(2**40), "a": 3, "d": -1}.items()}
        nodes += [
            helper.make_node("Slice", ["turned", "s", "e", "a", "d"], ["flipped"]),
            helper.make_node("Conv", ["flipped", "w"], ["c2"]),
            helper.make_node("Add", ["c1", "c2"], ["out"]),
        ]
    model = graph_of(nodes, {**{k: np.asarray(v, np.float32) for k, v in values.items()}, **integers})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    for axis, side in zip(model.graph.input[0].type.tensor_type.shape.dim[1:], (8, 8, 3), strict=True):
        axis.dim_value = side
    before = OnnxRunner(model.SerializeToString())(batch(3)[0] | {"image": batch(3)[0]["image"][:, :8, :8]})["out"]
    known = quantized_input(model)
    assert set(known) == ({"turned", "flipped"} if mirrored else {"turned"})
    assert all(abs(low + 2) < 1e-6 and abs(high - 127 / 64) < 1e-6 for low, high in known.values())
    kinds = [node.op_type for node in model.graph.node]
    assert not {"Cast", "Sub", "Mul"} & set(kinds) and kinds.count("DequantizeLinear") == len(known)
    after = OnnxRunner(model.SerializeToString())({"image": batch(3)[0]["image"][:, :8, :8]})["out"]
    assert np.abs(after - before).max() < 1e-4
    assert quantized_input(model) == {}, "there is nothing left to do"


def test_means_that_differ_stay_as_they_are() -> None:
    values = {"mean": np.array([120, 121, 122.0]), "factor": np.full(3, 1 / 64)}
    nodes = [
        helper.make_node("Cast", ["image"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["cast", "mean"], ["sub"]),
        helper.make_node("Mul", ["sub", "factor"], ["mul"]),
        helper.make_node("Transpose", ["mul"], ["out"], perm=[0, 3, 1, 2]),
    ]
    model = graph_of(nodes, {k: np.asarray(v, np.float32) for k, v in values.items()})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    assert quantized_input(model) == {} and len(model.graph.node) == 4
