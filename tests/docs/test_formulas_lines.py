"""The formulas of the manual about lines of text, CTC and its decoding, against the layers and the decoders."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from by_hand import CLOSE, ask, noise, weights
from manual import DOCS

from sightline.core.spec import Spec

PAGE = DOCS / "formula-to-code.md"


def reader(network: str, **options: Any) -> tuple[Any, Any, Spec]:
    """A network of read with fresh weights, in evaluation mode; its learner and its spec: lines 16 px high, `abc`."""
    import torch

    from sightline.tasks.read.inputs import line_input
    from sightline.tasks.read.learner import ReadLearner

    torch.manual_seed(3)
    spec = Spec("read", network, tuple("abc"), line_input(16), (127.5,), (64.0,), options)
    return ReadLearner().network(spec).eval(), ReadLearner(), spec


def test_lstm_over_the_columns_of_a_line(hand: SimpleNamespace) -> None:
    network, _, _ = reader("crnn", cell="lstm", units=5, width=4)
    seen: dict[str, Any] = {}
    network.features.register_forward_hook(lambda _m, _i, output: seen.update(map=output))
    network.recurrent.register_forward_hook(lambda _m, inputs, outputs: seen.update(x=inputs[0], h=outputs[0]))
    logits = ask(network, noise(2, 1, 16, 32)).numpy()
    xs, w, head = seen["x"][1].numpy().astype(np.float64), weights(network.recurrent), weights(network.head)
    for column in range(seen["map"].shape[3]):
        np.testing.assert_array_equal(seen["map"][1, :, :, column].flatten(), seen["x"][1, column])
    there, back = (
        (w[f"weight_hh_l0{way}"], w[f"weight_ih_l0{way}"], w[f"bias_ih_l0{way}"] + w[f"bias_hh_l0{way}"])
        for way in ("", "_reverse")
    )
    states = hand.both_ways(xs, there, back)
    assert states.shape == (8, 10), "four columns of pixels are a step"
    np.testing.assert_allclose(states, seen["h"][1].numpy(), **CLOSE)
    ours = [hand.dense(h, head["weight"][..., 0], head["bias"]) for h in states]
    np.testing.assert_allclose(ours, logits[1], **CLOSE)


def chances(hand: SimpleNamespace, steps: int, seed: int = 0) -> np.ndarray:
    """(steps, 3) probabilities."""
    return np.stack([hand.softmax(row.astype(np.float64)) for row in noise(steps, 3, seed=seed)])


@pytest.mark.parametrize("text", [[], [1], [1, 2], [2, 2], [1, 1, 2], [2, 1, 2]])
def test_ctc(hand: SimpleNamespace, text: list[int]) -> None:
    import torch

    p = chances(hand, 5)
    logs = torch.from_numpy(np.log(p))[:, None]
    text_there = torch.tensor([text], dtype=torch.int64)
    theirs = float(torch.nn.functional.ctc_loss(logs, text_there, (5,), (len(text),), reduction="sum"))
    assert hand.ctc(p, text) == pytest.approx(theirs, abs=1e-6)
    assert hand.ctc_forward(p, text) == pytest.approx(theirs, abs=1e-6)


def test_ctc_of_a_longer_line(hand: SimpleNamespace) -> None:
    import torch

    p, text = chances(hand, 60, seed=1), np.random.default_rng(1).integers(1, 3, 20)
    logs = torch.from_numpy(np.log(p))[:, None]
    theirs = torch.nn.functional.ctc_loss(logs, torch.from_numpy(text)[None], (60,), (20,), reduction="sum")
    assert hand.ctc_forward(p, text) == pytest.approx(float(theirs), abs=1e-6)


def test_ctc_needs_a_step_between_equal_letters(hand: SimpleNamespace) -> None:
    with np.errstate(divide="ignore"):
        assert hand.ctc(chances(hand, 2), [1, 1]) == hand.ctc_forward(chances(hand, 2), [1, 1]) == np.inf
    assert hand.ctc_forward(chances(hand, 3), [1, 1]) < np.inf


def test_the_loss_of_a_reader_is_ctc_a_letter(hand: SimpleNamespace) -> None:
    import torch

    network, learner, spec = reader("crnn", units=5, width=4)
    lines, texts = noise(3, 1, 16, 32), [[1, 2, 2], [3], [1, 1, 1, 1, 1]]  # the last needs 9 steps, and there are 8
    padded = np.array([text + [0] * (6 - len(text)) for text in texts])
    given = {"image": torch.from_numpy(lines)}, {"text": torch.from_numpy(padded)}
    loss = learner.loss(network, *given, spec)["loss"].item()
    p = [np.stack([hand.softmax(z) for z in line]) for line in ask(network, lines).numpy().astype(np.float64)]
    ours = [hand.ctc_forward(p[i], texts[i]) / len(texts[i]) for i in (0, 1)]
    assert loss == pytest.approx(sum(ours) / 3, abs=1e-5), "what no path fits counts as 0"


def test_greedy_decoding(hand: SimpleNamespace) -> None:
    from sightline.tasks.read.ctc import greedy

    for seed in range(20):
        p = chances(hand, 30, seed).astype(np.float32)
        found = greedy(p)
        assert hand.greedy(p) == [one.index for one in found]
        assert all((p[one.begin : one.end].argmax(axis=1) == one.index).all() for one in found)
    path = [1, 1, 0, 2, 2, 3]  # cc–aat
    assert hand.greedy(np.eye(4)[path]) == [1, 2, 3]


def test_the_best_path_need_not_be_the_best_text(hand: SimpleNamespace) -> None:
    from sightline.tasks.read.ctc import Search, beam_search

    p = np.array([[0.6, 0.4], [0.6, 0.4]])
    assert hand.greedy(p) == []
    assert np.exp(-hand.ctc(p, [])) == pytest.approx(0.36)
    assert np.exp(-hand.ctc_forward(p, [1])) == pytest.approx(0.64)
    assert beam_search(p.astype(np.float32), "a", lambda text, character: 0.0, Search(bonus=0)) == "a"
