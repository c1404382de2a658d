"""The formulas of the manual, computed by hand as the page does, against the layers of the networks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from by_hand import CLOSE, ask, noise, weights
from manual import DOCS, PAGES, blocks, headings, is_quote, name_of, quoted_line
from support import ROOT, picture

from sightline.core.spec import Input, Spec

PAGE, TWIN = DOCS / "formula-to-code.md", DOCS / "formula-to-code.zh.md"
QUOTES = [(page, block) for page in PAGES for block in blocks(page) if is_quote(block)]


def made(network: str, size: tuple[int, int, int] = (11, 12, 3), **options: Any) -> tuple[Any, Spec]:
    """A network of classify with fresh weights, in evaluation mode, and its spec: 4 classes."""
    import torch

    from sightline.tasks.classify.learner import ClassifyLearner

    torch.manual_seed(3)
    classes = tuple("abcd")
    spec = Spec("classify", network, classes, {"image": Input("uint8", size)}, (127.5,) * 3, (64.0,) * 3, options)
    return ClassifyLearner().network(spec).eval(), spec


@pytest.mark.parametrize(("page", "block"), QUOTES, ids=lambda value: getattr(value, "title", ""))
def test_every_quoted_line_stands_in_the_code(page: Path, block: Any) -> None:
    path = ROOT / block.title.split(" ")[0]
    assert path.exists(), f"{name_of(page)} quotes {block.title}, which does not exist"
    text = path.read_text(encoding="utf-8")
    assert quoted_line(text, block.text), f"{name_of(page)}: these lines are not in {block.title}:\n{block.text}"


def test_a_changed_line_would_be_noticed() -> None:
    assert quoted_line("a = 1\n    b = 2\n    c = 3\n", "b = 2\nc = 3") == 2
    assert quoted_line("a = 1\n    b = 2\n    c = 3\n", "b = 2\nc = 4") is None


def test_the_chinese_twin_has_the_same_code_and_sections() -> None:
    assert blocks(PAGE) == blocks(TWIN)
    assert headings(PAGE) == headings(TWIN)


def test_normalisation(hand: SimpleNamespace) -> None:
    import torch

    from sightline.learn.deploy import normalise

    _, spec = made("cnn")
    pixels = picture("cross", 1)
    theirs = normalise(torch.from_numpy(pixels[None]), spec)[0].numpy()
    np.testing.assert_allclose(hand.normalise(pixels, spec.mean, spec.std), theirs, **CLOSE)


def test_convolution_is_cross_correlation(hand: SimpleNamespace) -> None:
    network, _ = made("cnn")
    layer, x = network.features[0], noise(3, 11, 12)
    theirs, w = ask(layer, x[None])[0].numpy(), weights(layer)
    np.testing.assert_allclose(hand.convolution(x, w["weight"], w["bias"]), theirs, **CLOSE)
    turned = hand.convolution(x, w["weight"][:, :, ::-1, ::-1], w["bias"])
    assert np.abs(turned - theirs).max() > 0.1, "a true convolution, with the filter turned, is another thing"


@pytest.mark.parametrize("pool", ["max", "avg"])
def test_pooling(hand: SimpleNamespace, pool: str) -> None:
    network, _ = made("cnn", pool=pool)
    x = noise(5, 11, 12)
    function = hand.max_pool if pool == "max" else hand.average_pool
    np.testing.assert_allclose(function(x), ask(network.features[2], x[None])[0].numpy(), **CLOSE)
    assert function(x).shape == (5, 5, 6)


def test_relu_and_silu() -> None:
    x = noise(2, 3, 8, 8)
    network, _ = made("cnn")
    np.testing.assert_allclose(np.maximum(x, 0), ask(network.features[1], x).numpy(), **CLOSE)
    residual, _ = made("auto", (16, 16, 3))
    np.testing.assert_allclose(x / (1 + np.exp(-x)), ask(residual.stem[-1], x.copy()).numpy(), **CLOSE)


def test_the_pool_of_auto_takes_the_strongest_response() -> None:
    network, _ = made("auto", (16, 16, 3))
    seen: dict[str, np.ndarray] = {}
    network.stages.register_forward_hook(lambda _m, _i, output: seen.update(out=output.numpy()))
    logits = ask(network, noise(2, 3, 16, 16)).numpy()
    strongest = seen["out"].max(axis=(2, 3))
    np.testing.assert_allclose(strongest @ weights(network.head)["weight"].T, logits, **CLOSE)


def test_dense(hand: SimpleNamespace) -> None:
    network, _ = made("cnn")
    x, w = noise(network.head.in_features), weights(network.head)
    np.testing.assert_allclose(hand.dense(x, w["weight"], w["bias"]), ask(network.head, x).numpy(), **CLOSE)


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_softmax_with_temperature(hand: SimpleNamespace, temperature: float) -> None:
    import dataclasses

    import torch

    from sightline.tasks.classify.learner import ClassifyLearner

    network, spec = made("cnn")
    images = noise(2, 3, 11, 12)
    spec = dataclasses.replace(spec, temperature=temperature)
    theirs = ClassifyLearner().answer(network, torch.from_numpy(images), spec)["probabilities"].detach().numpy()
    ours = [hand.softmax(z.astype(np.float64), temperature) for z in ask(network, images).numpy()]
    np.testing.assert_allclose(ours, theirs, **CLOSE)


def test_softmax_of_large_numbers_is_finite(hand: SimpleNamespace) -> None:
    np.testing.assert_allclose(hand.softmax(np.array([1000.0, 0.0, 1000.0])), [0.5, 0, 0.5])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(hand: SimpleNamespace, smoothing: float) -> None:
    import torch

    from sightline.tasks.classify.learner import ClassifyLearner

    network, spec = made("cnn", label_smoothing=smoothing)
    images, labels = noise(3, 3, 11, 12), np.array([2, 0, 3])
    targets = {"label": torch.from_numpy(labels)}
    loss = ClassifyLearner().loss(network, {"image": torch.from_numpy(images)}, targets, spec)["loss"]
    rows = zip(ask(network, images).numpy().astype(np.float64), labels, strict=True)
    ours = np.mean([hand.cross_entropy(z, label, smoothing) for z, label in rows])
    assert float(loss.detach()) == pytest.approx(ours, abs=1e-5)


def test_cross_entropy_has_the_costs_that_the_page_names(hand: SimpleNamespace) -> None:
    assert hand.cross_entropy(np.array([50.0, 0, 0]), 0) == pytest.approx(0, abs=1e-9)
    assert hand.cross_entropy(np.log([0.5, 0.25, 0.25]), 0) == pytest.approx(0.69, abs=0.005)
    assert hand.cross_entropy(np.array([50.0, 0, 0]), 1) == pytest.approx(50)


def test_binary_cross_entropy(hand: SimpleNamespace) -> None:
    import torch

    from sightline.tasks.multilabel.learner import MultilabelLearner

    network, spec = made("cnn")
    images, labels = noise(3, 3, 11, 12), np.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 0]], np.float32)
    targets = {"labels": torch.from_numpy(labels)}
    loss = MultilabelLearner().loss(network, {"image": torch.from_numpy(images)}, targets, spec)["loss"]
    logits = ask(network, images).numpy().astype(np.float64)
    ours = np.mean([hand.binary_cross_entropy(z, row) for z, row in zip(logits, labels, strict=True)])
    assert float(loss.detach()) == pytest.approx(ours, abs=1e-5)
    answers = MultilabelLearner().answer(network, torch.from_numpy(images), spec)["probabilities"].detach().numpy()
    np.testing.assert_allclose(hand.sigmoid(logits), answers, **CLOSE)


def test_batch_norm_in_training_and_in_use(hand: SimpleNamespace) -> None:
    import torch

    network, _ = made("auto", (16, 16, 3))
    layer = network.stem[-2]
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    x = noise(4, layer.num_features, 5, 6) * 3 + 2
    w = weights(layer)
    in_training = ask(layer.train(), x).numpy()
    np.testing.assert_allclose(hand.batch_norm(x, w["weight"], w["bias"]), in_training, **CLOSE)
    after = weights(layer)
    assert not np.allclose(after["running_mean"], w["running_mean"])
    ours = hand.batch_norm(x, w["weight"], w["bias"], after["running_mean"], after["running_var"])
    np.testing.assert_allclose(ours, ask(layer.eval(), x).numpy(), **CLOSE)


def sequence(cell: str) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Columns as `crnn` reads them, (steps, features); what its recurrent layer says of them; its weights."""
    network, _ = made("crnn", (12, 14, 3), cell=cell, units=5)
    seen: dict[str, Any] = {}
    network.recurrent.register_forward_hook(lambda _m, inputs, outputs: seen.update(x=inputs[0], h=outputs[0]))
    ask(network, noise(2, 3, 12, 14))
    return seen["x"][1].numpy().astype(np.float64), seen["h"][1].numpy(), weights(network.recurrent)


def test_recurrent_cell(hand: SimpleNamespace) -> None:
    xs, theirs, w = sequence("rnn")
    b = w["bias_ih_l0"] + w["bias_hh_l0"]
    np.testing.assert_allclose(hand.recurrent(xs, w["weight_hh_l0"], w["weight_ih_l0"], b), theirs, **CLOSE)
    assert len(xs) > 1


def test_gru(hand: SimpleNamespace) -> None:
    xs, theirs, w = sequence("gru")
    ours = hand.gru(xs, w["weight_hh_l0"], w["weight_ih_l0"], w["bias_ih_l0"], w["bias_hh_l0"])
    np.testing.assert_allclose(ours, theirs, **CLOSE)


def test_lstm(hand: SimpleNamespace) -> None:
    xs, theirs, w = sequence("lstm")
    b = w["bias_ih_l0"] + w["bias_hh_l0"]
    np.testing.assert_allclose(hand.lstm(xs, w["weight_hh_l0"], w["weight_ih_l0"], b), theirs, **CLOSE)


def test_a_step_is_one_column() -> None:
    network, _ = made("crnn", (12, 14, 3))
    seen: dict[str, Any] = {}
    network.features.register_forward_hook(lambda _m, _i, output: seen.update(map=output))
    network.recurrent.register_forward_hook(lambda _m, inputs, _o: seen.update(steps=inputs[0]))
    ask(network, noise(1, 3, 12, 14))
    for column in range(seen["map"].shape[3]):
        np.testing.assert_array_equal(seen["map"][0, :, :, column].flatten(), seen["steps"][0, column])


def test_all_of_it_together_answers_as_the_bundle_does(hand: SimpleNamespace, bundle: Path) -> None:
    from safetensors.numpy import load

    from sightline.run.bundle import open_bundle
    from sightline.run.runner import OnnxRunner

    opened = open_bundle(bundle)
    spec, layers = opened.spec, load(opened.members["model.safetensors"])
    images = np.stack([picture(name, 77) for name in ("circle", "square")])
    theirs = OnnxRunner(opened.graph)({"image": images})["probabilities"]
    ours = [hand.predict(image, layers, spec.mean, spec.std, spec.temperature) for image in images]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
