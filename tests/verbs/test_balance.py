"""--balance: what is done, what is said, and that a stopped training still ends with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stopping import OPTIONS, KilledError, at_step, bits, die
from support import Result, picture, save_image

Cli = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("quick_export")
QUICK = (*OPTIONS, "--epochs", "2", "--out", "run")


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 circles, 10 crosses, 8 squares."""
    root = tmp_path_factory.mktemp("uneven")
    for name, count in (("circle", 40), ("cross", 10), ("square", 8)):
        for i in range(count):
            save_image(root / name / f"{i}.png", picture(name, i))
    return root


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("auto", "classes are uneven 5.3:1: rare ones are drawn more often"),
        ("weights", "classes are uneven 5.3:1: rare ones count for more in the loss"),
        ("none", "classes are uneven 5.3:1: left as they are"),
    ],
)
def test_what_was_done_is_said_and_stands_in_the_card(cli: Cli, uneven: Path, way: str, told: str) -> None:
    done = cli("train", uneven, *QUICK, "--balance", way)
    assert done.code == 0 and told in done.err
    assert "recall by class: " in done.out and all(name in done.out for name in ("circle", "cross", "square"))
    card = cli("train", "--resume", "run", "--json").json
    assert card["balance"] == {"way": way if way != "auto" else "sampler", "why": told}
    assert card["options"]["balance"] == way


def test_even_data_is_left_alone_and_not_talked_about(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK)
    assert done.code == 0 and "uneven" not in done.err
    assert cli("train", shapes, *QUICK[:-1], "other", "--balance", "none").code == 0
    assert bits("run") == bits("other")


def test_the_network_is_shown_more_of_the_rare(cli: Cli, uneven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sightline.tasks.classify.learner import ClassifyLearner

    seen: dict[str, np.ndarray] = {}
    real = ClassifyLearner.loss

    def loss(self: Any, network: Any, inputs: Any, targets: Any, spec: Any) -> Any:
        weight = targets.get("weight", np.ones(len(targets["label"])))
        seen[way] = seen[way] + np.bincount(targets["label"].numpy(), weights=np.asarray(weight), minlength=3)
        return real(self, network, inputs, targets, spec)

    monkeypatch.setattr(ClassifyLearner, "loss", loss)
    for way in ("none", "weights", "sampler"):
        seen[way] = np.zeros(3)
        options = ("--epochs", "20", "--augment", "none", "--balance", way)
        assert cli("train", uneven, *QUICK[:-1], way, *options).code == 0
    shares = {way: count / count.sum() for way, count in seen.items()}
    wanted = np.sqrt([32, 8, 6]) / np.sqrt([32, 8, 6]).sum()
    assert np.abs(shares["none"] - np.array([32, 8, 6]) / 46).max() < 0.02
    assert np.abs(shares["weights"] - wanted).max() < 0.03 and np.abs(shares["sampler"] - wanted).max() < 0.03


@pytest.mark.parametrize("way", ["weights", "sampler"])
def test_a_stopped_training_ends_with_the_same_weights(
    cli: Cli, uneven: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    options = (*QUICK[:-2], "--epochs", "4", "--balance", way)  # with --augment strong: labels and weights are mixed
    assert cli("train", uneven, *options, "--out", "whole").code == 0
    with monkeypatch.context() as patch:
        at_step(patch, 13, die)
        with pytest.raises(KilledError):
            cli("train", uneven, *options, "--out", "run")
    assert cli("train", "--resume", "run").code == 0
    assert bits("run") == bits("whole")


def test_a_wrong_way_is_refused(cli: Cli, uneven: Path) -> None:
    done = cli("train", uneven, *QUICK, "--balance", "weigths")
    assert done.code == 2 and "choose one of: auto, weights, sampler, none" in done.err
