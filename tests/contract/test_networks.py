"""Every network of every task keeps the contract: it trains, exports, and answers alike in any company."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import NETWORK_SIZES
from tiny import CELLS, TINY

import sightline
from sightline.core.errors import SightlineError
from sightline.core.ragged import together
from sightline.core.spec import Spec
from sightline.data.formats import open_data
from sightline.data.image import read
from sightline.learn.deploy import PARITY
from sightline.run.bundle import Bundle, open_bundle
from sightline.run.runner import OnnxRunner
from sightline.verbs.common import task_named

ALONE = 1e-5
"""The most that an output may depend on what else is in its batch."""

pytestmark = pytest.mark.parametrize("bundle", CELLS, ids="-".join, indirect=True)


@pytest.fixture
def bundle(request: pytest.FixtureRequest, trained: Callable[..., Path]) -> Bundle:
    return open_bundle(trained(request.param[1], request.param[0]))


def tiny(bundle: Bundle) -> tuple[np.ndarray, list[Any]]:
    """Images, and their targets, that the network has not seen."""
    return TINY[bundle.spec.task].arrays(first=500)


@pytest.fixture
def batch(bundle: Bundle) -> np.ndarray:
    """Preprocessed images that the network has not seen."""
    task = task_named(bundle.spec.task)
    found = [task.preprocess(read(image), bundle.spec)["image"] for image in tiny(bundle)[0][:36]]
    return np.stack([one for one in found if one.shape == found[0].shape][:12])  # widths may differ


def test_it_trains_and_its_export_is_proven(bundle: Bundle) -> None:
    assert 0 <= bundle.card["parity"] <= PARITY
    assert bundle.card["best"]["epoch"] >= 1
    assert "model.safetensors" in bundle.members


def test_it_learns(bundle: Bundle) -> None:
    metric = task_named(bundle.spec.task).metric
    assert bundle.card["scores"]["val"]["metrics"][metric] >= TINY[bundle.spec.task].good


def test_an_answer_does_not_depend_on_its_batch(bundle: Bundle, batch: np.ndarray) -> None:
    runner = OnnxRunner(bundle.graph)
    whole = runner({"image": batch})
    for place in range(len(batch)):
        for company in ([place], [place, 0], [5, place, place, 7]):
            part = runner({"image": batch[company]})
            for name, values in part.items():
                row = company.index(place)
                largest = max(1.0, np.abs(whole[name]).max())
                assert np.abs(values[row] - whole[name][place]).max() <= ALONE * largest


def test_the_weights_in_the_bundle_are_those_of_the_graph(bundle: Bundle, batch: np.ndarray) -> None:
    import torch
    from safetensors.torch import load

    from sightline.learn.deploy import TorchRunner

    learner = task_named(bundle.spec.task).learner()
    network = learner.network(bundle.spec)
    network.load_state_dict(load(bundle.members["model.safetensors"]))
    ours = TorchRunner(network, learner, bundle.spec, torch.device("cpu"))({"image": batch})
    theirs = OnnxRunner(bundle.graph)({"image": batch})
    assert set(ours) == set(theirs)
    for name in ours:
        assert np.abs(ours[name] - theirs[name]).max() <= PARITY * max(1.0, np.abs(ours[name]).max())


def test_the_graph_takes_raw_bytes(bundle: Bundle) -> None:
    import onnx

    graph = onnx.load_from_string(bundle.graph).graph
    assert [(i.name, i.type.tensor_type.elem_type) for i in graph.input] == [("image", onnx.TensorProto.UINT8)]
    shape = graph.input[0].type.tensor_type.shape.dim
    side = NETWORK_SIZES[bundle.spec.network]
    assert shape[0].dim_param
    wanted = bundle.spec.inputs["image"].shape
    assert [d.dim_value or None for d in shape[1:]] == list(wanted) and max(length or 0 for length in wanted) >= side


def test_its_spec_survives_json(bundle: Bundle) -> None:
    spec = bundle.spec
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert spec.network in NETWORK_SIZES and spec.temperature > 0


def test_it_names_the_layer_for_grad_cam(bundle: Bundle, batch: np.ndarray) -> None:
    import torch

    from sightline.learn.deploy import normalise

    network = task_named(bundle.spec.task).learner().network(bundle.spec).eval()
    seen: list[torch.Tensor] = []
    network.cam_layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    network(normalise(torch.from_numpy(batch[:2]), bundle.spec))
    assert len(seen) == 1 and seen[0].ndim == 4 and len(seen[0]) == 2


def test_a_network_is_plain_and_its_loss_reaches_every_weight(bundle: Bundle, batch: np.ndarray) -> None:
    import torch

    from sightline.learn.deploy import normalise

    task = task_named(bundle.spec.task)
    network = task.learner().network(bundle.spec).train()
    values = open_data(tiny(bundle), kind=task.target).targets[: len(batch)]
    targets = [task.encode(value, (16, 16), bundle.spec) for value in values]
    encoded = {key: torch.from_numpy(together([one[key] for one in targets])[:]) for key in targets[0]}
    inputs = {"image": normalise(torch.from_numpy(batch), bundle.spec)}
    losses = task.learner().loss(network, inputs, encoded, bundle.spec)
    assert losses["loss"].shape == () and bool(torch.isfinite(losses["loss"]))
    losses["loss"].backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_a_graph_that_differs_from_the_network_never_becomes_a_bundle(
    bundle: Bundle, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph of a training with another seed stands for an export gone wrong."""
    monkeypatch.setattr("sightline.verbs.finish.export_graph", lambda *_: bundle.graph)
    network = bundle.spec.network
    options = {"network": network, "imgsz": NETWORK_SIZES[network], "epochs": 1, "batch": 8, "workers": 0, "seed": 99}
    options["task"] = bundle.spec.task
    with pytest.raises(SightlineError, match="the exported graph differs from the network"):
        sightline.train(*tiny(bundle), out="run", **options)
    assert not list(Path().rglob("*.sightline"))
