"""The torch half of classify: its loss and what the graph puts out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from support import pictures
from torch import nn

import sightline
from sightline.core.spec import Input, Spec
from sightline.learn.deploy import normalise
from sightline.run.bundle import open_bundle
from sightline.run.runner import OnnxRunner
from sightline.tasks.classify.learner import ClassifyLearner

SPEC = Spec("classify", "cnn", ("a", "b", "c"), {"image": Input("uint8", (8, 8, 1))}, (10.0,), (20.0,))
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 0.0, 3.0]])


class Fixed(nn.Module):
    """A network that says the same of any images."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return LOGITS


def loss(spec: Spec = SPEC, **targets: torch.Tensor) -> float:
    inputs = {"image": torch.zeros(2, 1, 8, 8)}
    return float(ClassifyLearner().loss(Fixed(), inputs, {"label": torch.tensor([0, 2]), **targets}, spec)["loss"])


def cross_entropy(labels: list[int], smoothing: float = 0.0) -> float:
    """As the textbook has it."""
    logs = LOGITS.double().numpy()
    logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    truth = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    return float(-(truth * logs).sum(axis=1).mean())


def test_the_loss_is_the_cross_entropy() -> None:
    assert loss() == pytest.approx(cross_entropy([0, 2]), abs=1e-6)


def test_labels_are_smoothed_as_asked() -> None:
    smoothed = dataclasses.replace(SPEC, options={"label_smoothing": 0.2})
    assert loss(smoothed) == pytest.approx(cross_entropy([0, 2], 0.2), abs=1e-6)


def test_mixed_images_share_their_loss() -> None:
    mixed = loss(mixed_label=torch.tensor([1, 0]), share=torch.tensor(0.7))
    assert mixed == pytest.approx(0.7 * cross_entropy([0, 2]) + 0.3 * cross_entropy([1, 0]), abs=1e-6)


def test_pixels_are_normalised_by_the_spec() -> None:
    images = torch.full((1, 8, 8, 1), 50, dtype=torch.uint8)
    found = normalise(images, SPEC)
    assert found.shape == (1, 1, 8, 8) and found.dtype == torch.float32
    assert torch.allclose(found, torch.full_like(found, 2.0))


def softmax(logits: np.ndarray) -> np.ndarray:
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_outputs_are_probabilities_at_the_temperature(temperature: float) -> None:
    spec = dataclasses.replace(SPEC, temperature=temperature)
    found = ClassifyLearner().answer(Fixed(), torch.zeros(2, 1, 8, 8), spec)
    assert list(found) == ["probabilities"] and found["probabilities"].dtype == torch.float32
    expected = softmax(LOGITS.double().numpy() / temperature)
    assert np.abs(found["probabilities"].numpy() - expected).max() < 1e-6


def test_an_answer_may_be_the_mean_over_both_mirror_views() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    images = torch.rand(4, 1, 8, 8)
    mirrored = dataclasses.replace(SPEC, extra={"mirror": True})
    plain, mean, turned = (
        ClassifyLearner().answer(network, view, spec)["probabilities"].detach().numpy()
        for view, spec in ((images, SPEC), (images, mirrored), (images.flip(3), mirrored))
    )
    logits = (network(images) + network(images.flip(3))).detach().double().numpy() / 2
    assert np.abs(mean - softmax(logits)).max() < 1e-6 and np.abs(mean - turned).max() < 1e-6
    assert np.abs(mean - plain).max() > 1e-3


def test_the_temperature_is_fitted_before_the_export(
    shapes: Path, here: Path, monkeypatch: pytest.MonkeyPatch, quick_export: None
) -> None:
    from sightline.tasks.classify.task import Classify
    from sightline.verbs import finish

    exported: list[float] = []
    real = finish.export_graph

    def export(network: nn.Module, learner: ClassifyLearner, spec: Spec, *more: bool) -> bytes:
        exported.append(spec.temperature)
        return real(network, learner, spec, *more)

    monkeypatch.setattr(finish, "export_graph", export)
    monkeypatch.setattr(
        Classify,
        "calibrate",
        lambda _self, _outputs, _targets, spec, _sizes: dataclasses.replace(spec, temperature=3.0),
    )
    model = sightline.train(str(shapes), network="cnn", imgsz=16, epochs=1, batch=8, workers=0)
    assert exported == [3.0] and model.spec.temperature == 3.0


def test_the_graph_answers_as_the_weights_and_the_spec_say(bundle: Path) -> None:
    from safetensors.torch import load

    whole = open_bundle(bundle)
    network = ClassifyLearner().network(whole.spec).eval()
    network.load_state_dict(load(whole.members["model.safetensors"]))
    images = pictures(4, first=700)[0]
    with torch.no_grad():
        logits = network(normalise(torch.from_numpy(images), whole.spec)).double().numpy()
    found = OnnxRunner(whole.graph)({"image": images})["probabilities"]
    assert np.abs(found - softmax(logits / whole.spec.temperature)).max() < 1e-4


@pytest.mark.parametrize("mixed", [False, True])
def test_the_weight_of_an_example_multiplies_its_loss(mixed: bool) -> None:
    others = {"mixed_label": torch.tensor([2, 1]), "share": torch.tensor(0.7)} if mixed else {}
    each = [cross_entropy_of(row, [0, 2][row]) for row in (0, 1)]
    if mixed:
        each = [0.7 * each[row] + 0.3 * cross_entropy_of(row, [2, 1][row]) for row in (0, 1)]
    for weights in ([1.0, 1.0], [1.9, 0.1], [2.0, 0.0]):
        weight = torch.tensor(weights)
        found = loss(weight=weight, **others, **({"mixed_weight": weight} if mixed else {}))
        assert found == pytest.approx((weights[0] * each[0] + weights[1] * each[1]) / 2, rel=1e-5)


def cross_entropy_of(row: int, label: int) -> float:
    """Of one of the two rows."""
    logs = LOGITS.double().numpy()[row]
    return float(np.log(np.exp(logs).sum()) - logs[label])
