"""Every network of every task can be explained by every method, and both halves of `evidence` agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import picture
from tiny import CELLS, TINY

from sightline.core.errors import SightlineError
from sightline.data.image import read
from sightline.explain.explainer import Explainer
from sightline.run.bundle import Bundle, open_bundle
from sightline.run.runner import OnnxRunner
from sightline.tables import EXPLAINERS
from sightline.verbs.common import task_named

pytestmark = pytest.mark.parametrize("bundle", CELLS, ids="-".join, indirect=True)


@pytest.fixture
def bundle(request: pytest.FixtureRequest, trained: Callable[..., Path]) -> Bundle:
    return open_bundle(trained(request.param[1], request.param[0]))


def test_both_halves_of_the_evidence_agree(bundle: Bundle) -> None:
    """The torch half is the log-odds of the numpy half, for every item, over all views, and has a gradient."""
    import torch
    from safetensors.torch import load

    from sightline.learn.deploy import normalise

    task, spec = task_named(bundle.spec.task), bundle.spec
    learner = task.learner()
    network = learner.network(spec).eval()
    network.load_state_dict(load(bundle.members["model.safetensors"]))
    batch = np.stack(
        [task.preprocess(read(image), spec)["image"] for image in TINY[spec.task].arrays(first=500)[0][:4]]
    )
    outputs = OnnxRunner(bundle.graph)({"image": batch})
    reference = {name: values[0] for name, values in outputs.items()}
    images = normalise(torch.from_numpy(batch), spec).requires_grad_()
    raw = torch.stack([network(view(images)) for view in learner.views(spec)]).mean(0)
    prediction = task.postprocess(reference, (16, 16), spec)
    for number in range(1, 1 + min(3, len(spec.classes) or 1)):
        item = task.item(prediction, spec, None, number)
        numpy_half = task.evidence(outputs, reference, item, spec)
        torch_half = learner.evidence(raw, reference, item, spec)
        assert numpy_half.shape == tuple(torch_half.shape) == (len(batch),) and numpy_half.dtype == np.float64
        assert numpy_half.min() >= 0 and numpy_half.max() <= 1
        assert np.abs(torch.sigmoid(torch_half).detach().numpy() - numpy_half).max() <= 1e-4
        (gradient,) = torch.autograd.grad(torch_half.sum(), images, retain_graph=True)
        assert bool(torch.isfinite(gradient).all()) and float(gradient.abs().sum()) > 0


def test_a_view_is_its_own_inverse(bundle: Bundle) -> None:
    import torch

    images = torch.arange(2 * 3 * 5 * 7.0).reshape(2, 3, 5, 7)
    for view in task_named(bundle.spec.task).learner().views(bundle.spec):
        assert view(images).shape == images.shape and torch.equal(view(view(images)), images)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_every_method_explains_every_network(bundle: Bundle, method: str) -> None:
    explainer = Explainer(bundle, task_named(bundle.spec.task))
    pixels = np.concatenate([picture("cross", 700)] * 2)  # 16 wide, 32 high: not the network's own shape
    found = explainer.explain(pixels, (16, 32), method)
    assert found.map.dtype == np.float32 and found.map.shape == (32, 16) and np.isfinite(found.map).all()
    assert found.map.std() > 0, "the map says something"
    assert all(0 <= value <= 1 for value in found.scores.to_dict().values())
    assert found.overlay().mode == "RGB"
    again = explainer.explain(pixels, (16, 32), method)
    assert np.array_equal(again.map, found.map) and again.scores == found.scores, "the same question, the same answer"


def test_every_network_can_be_asked_for_features(bundle: Bundle) -> None:
    import torch
    from safetensors.torch import load

    from sightline.learn.deploy import TorchRunner

    task, spec = task_named(bundle.spec.task), bundle.spec
    learner = task.learner()
    network = learner.network(spec)
    network.load_state_dict(load(bundle.members["model.safetensors"]))
    batch = np.stack(
        [task.preprocess(read(image), spec)["image"] for image in TINY[spec.task].arrays(first=500)[0][:4]]
    )
    plain, more = (TorchRunner(network, learner, spec, torch.device("cpu"), features=on) for on in (False, True))
    answers, with_features = plain({"image": batch}), more({"image": batch})
    features = with_features.pop("features")
    assert features.ndim == 2 and np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    assert len(np.unique(features.round(5), axis=0)) > 1
    assert {k: v.tolist() for k, v in answers.items()} == {k: v.tolist() for k, v in with_features.items()}


def test_what_does_not_exist_is_refused(bundle: Bundle) -> None:
    explainer = Explainer(bundle, task_named(bundle.spec.task))
    pixels = picture("cross", 700)
    for wrong in ({"label": "nobody"}, {"item": 0}, {"item": 10_000}, {"method": "magic"}, {"layer": "x"}):
        with pytest.raises(SightlineError):
            explainer.explain(pixels, (16, 16), **wrong)  # type: ignore[arg-type]
