"""Grad-CAM, integrated gradients and activations against networks whose maps are known in closed form."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.core.errors import SightlineError
from sightline.data.image import resize_map
from sightline.explain import activations, gradcam, integrated_gradients
from sightline.explain.subject import Subject
from sightline.tasks.classify.learner import ClassifyLearner


class Pooled(nn.Module):
    """Feature maps, their means, a linear layer: Grad-CAM of it is the class activation map of Zhou et al. (2016)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(1, 6, 3, 4, 1), nn.ReLU())
        self.head = nn.Linear(6, 2, bias=False)
        self.cam_layer = self.body

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images).mean((2, 3)))


class TwoClasses:
    """A task whose evidence is that of classify."""

    def learner(self) -> ClassifyLearner:
        return ClassifyLearner()

    def infer(self, runner: Any, inputs: dict[str, np.ndarray], spec: Any) -> dict[str, np.ndarray]:
        return runner(inputs)

    def evidence(self, outputs: Any, reference: Any, item: int, spec: Any) -> np.ndarray:
        return outputs["brightness"].astype(np.float64)


@pytest.fixture
def network() -> Pooled:
    return Pooled().eval()


@pytest.fixture
def subject(make_subject: Callable[..., Subject], network: Pooled) -> Subject:
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 1)).astype(np.uint8)
    return make_subject(image, TwoClasses(), lambda: network)


def mirrored(subject: Subject) -> Subject:
    return dataclasses.replace(subject, spec=dataclasses.replace(subject.spec, extra={"mirror": True}))


def maps_of(network: Pooled, image: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network.body(torch.from_numpy(image[None, ..., 0][None].astype(np.float32) / 255))[0].numpy()


def cam_by_hand(network: Pooled, image: np.ndarray, item: int) -> np.ndarray:
    weights = network.head.weight.detach().numpy()
    return np.maximum(np.tensordot(weights[item] - weights[1 - item], maps_of(network, image), 1), 0) / 36


@pytest.mark.parametrize("item", [0, 1])
def test_grad_cam_is_the_class_activation_map_of_a_pooled_network(subject: Subject, network: Pooled, item: int) -> None:
    values = gradcam.explain(dataclasses.replace(subject, item=item)).values
    by_hand = cam_by_hand(network, subject.image, item)
    assert by_hand.max() > 0
    assert np.allclose(values, resize_map(by_hand.astype(np.float32), (24, 24)), atol=1e-6)


def test_grad_cam_brings_the_mirror_view_back(subject: Subject, network: Pooled) -> None:
    values = gradcam.explain(mirrored(subject)).values
    both = cam_by_hand(network, subject.image, 0) + cam_by_hand(network, subject.image[:, ::-1].copy(), 0)[:, ::-1]
    # Each view has half of the weight in the mean of the logits, and their maps are averaged.
    assert np.allclose(values, resize_map((both / 4).astype(np.float32), (24, 24)), atol=1e-6)


def test_integrated_gradients_of_a_linear_network_are_weight_times_difference(subject: Subject) -> None:
    torch.manual_seed(1)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(576, 2))
    linear = linear.eval()
    chosen = dataclasses.replace(subject, network=lambda: linear)
    found = integrated_gradients.explain(chosen)
    weights = (linear[1].weight[0] - linear[1].weight[1]).detach().numpy().reshape(24, 24)
    by_hand = weights * (subject.image[..., 0].astype(float) - subject.stand_in[..., 0]) / 255
    assert np.allclose(found.values, by_hand, atol=1e-5)


def test_integrated_gradients_add_up_to_what_is_explained(subject: Subject) -> None:
    found = integrated_gradients.explain(mirrored(subject))
    assert abs(found.facts["completeness_gap"]) <= 0.05 * abs(float(found.values.sum()))
    assert np.abs(found.values).sum() > 0


def test_activations_are_the_feature_maps_those_that_vary_most_first(subject: Subject, network: Pooled) -> None:
    found = activations.explain(subject)
    maps = maps_of(network, subject.image)
    order = np.argsort(-maps.reshape(6, -1).std(axis=1), kind="stable")
    assert found.facts == {"layer": "body", "feature_maps": 6, "map_size": [6, 6], "shown": order.tolist()}
    assert found.tiles is not None and np.allclose(found.tiles, maps[order])
    length = np.sqrt((maps**2).sum(axis=0)).astype(np.float32)
    assert np.allclose(found.values, resize_map(length, (24, 24)), atol=1e-5)


@pytest.mark.parametrize("method", [gradcam, activations])
def test_a_layer_can_be_named(subject: Subject, method: Any) -> None:
    first = method.explain(dataclasses.replace(subject, layer="body.0"))
    assert first.values.shape == (24, 24) and np.isfinite(first.values).all()
    assert first.facts["layer"] == "body.0" and method.explain(subject).facts["layer"] == "body"
    with pytest.raises(SightlineError, match=r"no layer 'body.9'") as caught:
        method.explain(dataclasses.replace(subject, layer="body.9"))
    assert "body.0" in caught.value.fix
    with pytest.raises(SightlineError) as caught:
        method.explain(dataclasses.replace(subject, layer="nonsense"))
    assert caught.value.fix == "it has, among others: body.0"
    with pytest.raises(SightlineError, match="gives no feature maps"):
        method.explain(dataclasses.replace(subject, layer="head"))
