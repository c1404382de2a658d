"""--baseline: what it says and writes, and where it refuses before anything is trained."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import Result
from tiny import TINY

from sightline.core.paired import Paired, mcnemar
from sightline.core.spec import Spec
from sightline.core.task import Comparison
from sightline.verbs.baseline import Baseline, answer
from sightline.verbs.common import task_named

Cli = Callable[..., Result]
QUICK = ("--network", "cnn", "--imgsz", "16", "--batch", "8", "--epochs", "2", "--workers", "0", "--out", "run")
pytestmark = pytest.mark.usefixtures("quick_export")


@pytest.mark.parametrize("kind", ["svm", "tree", "forest"])
def test_its_scores_stand_in_the_card_and_the_result(cli: Cli, shapes: Path, kind: str) -> None:
    pytest.importorskip("sklearn")
    done = cli("train", shapes, *QUICK, "--baseline", kind)
    assert done.code == 0, done.err
    card = cli("train", "--resume", "run", "--json").json
    assert list(card["baseline"]) == [kind]
    entry, ours = card["baseline"][kind], card["scores"]["test"]["metrics"]
    assert set(entry["metrics"]) - {"ece_uncalibrated"} == set(ours) - {"ece_uncalibrated"}
    assert entry["part"] == "test" and entry["count"] == card["data"]["counts"]["train"] and entry["seconds"] >= 0
    assert entry["difference"] == pytest.approx(ours["accuracy"] - entry["metrics"]["accuracy"])
    low, high = entry["intervals"]["accuracy"]
    assert low <= entry["metrics"]["accuracy"] <= high
    assert f"{kind} on HOG features: accuracy {entry['metrics']['accuracy']:.4f}; the network" in done.out
    assert entry["answer"] in done.out
    assert "What does the network buy?" in Path("run/report.html").read_text()
    assert not [path for path in Path("run").rglob("*") if path.suffix in (".pkl", ".joblib")]


def test_svm_learns_the_shapes_and_a_second_run_says_the_same(cli: Cli, shapes: Path) -> None:
    pytest.importorskip("sklearn")
    cards = []
    for seconds in ("", "again"):
        out = (*QUICK[:-1], f"run{seconds}")
        cards.append(cli("train", shapes, *out, "--baseline", "svm", "--json").json["baseline"]["svm"])
    assert cards[0]["metrics"] == cards[1]["metrics"] and cards[0]["metrics"]["accuracy"] >= 0.6


def test_without_it_nothing_is_said(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK, "--json")
    assert "baseline" not in done.json


def test_the_time_of_the_baseline_counts(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is planned after the baseline has been fitted."""
    pytest.importorskip("sklearn")
    from sightline.verbs import train
    from sightline.verbs.training import Training

    order: list[str] = []
    fitted, made = train.run_baseline, Training.__init__
    monkeypatch.setattr(train, "run_baseline", lambda *a: (order.append("baseline"), fitted(*a))[1])
    monkeypatch.setattr(Training, "__init__", lambda self, *a, **k: (order.append("network"), made(self, *a, **k))[1])
    assert cli("train", shapes, *QUICK, "--baseline", "tree").code == 0
    assert order == ["baseline", "network"]


@pytest.mark.parametrize("task", [name for name in TINY if not task_named(name).one_label])
def test_data_without_one_label_an_image_is_refused(cli: Cli, tmp_path: Path, task: str) -> None:
    quick = ["auto" if option == "cnn" else option for option in QUICK]  # every task has it
    done = cli("train", TINY[task].write(tmp_path / "data"), *quick, "--baseline", "svm")
    assert done.code == 2 and "--baseline needs one label an image; this data has" in done.err
    assert not Path("run").exists()


def test_without_sklearn_the_extra_is_named_before_the_training(
    cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "sklearn" else real(n, *a))
    done = cli("train", shapes, *QUICK, "--baseline", "svm")
    assert done.code == 2 and "pip install 'sightline[baseline]'" in done.err and "scikit-learn" in done.err
    assert not Path("run").exists()


def test_wrong_choices_are_refused(cli: Cli, shapes: Path) -> None:
    assert "choose one of: svm, tree, forest" in cli("train", shapes, *QUICK, "--baseline", "knn").err
    done = cli("train", shapes, *QUICK, "--baseline", "svm", "--folds", "3")
    assert done.code == 2 and "--folds has many" in done.err and not Path("run").exists()


def said(gain: Paired, part: str = "test") -> str:
    spec = Spec("classify", "cnn", ("a", "b"), {}, (), (), {})
    return answer(Baseline("svm", part, list[Comparison](), spec, 1.0, 10), "accuracy", 0.912, gain)


def test_the_answer_is_honest_both_ways() -> None:
    first, second = np.zeros(1000), np.zeros(1000)
    first[:912], second[:955] = 1, 1
    better, worse = mcnemar(first, second), mcnemar(second, first)
    text = said(better)
    assert text.startswith("svm on HOG features: accuracy 0.9120; the network buys 4.3 points (95 %: ")
    low, high = map(float, re.findall(r"(-?[\d.]+) to (-?[\d.]+)", text)[0])
    assert 0 < low < 4.3 < high
    assert "the network is 4.3 points worse (95 %: " in said(worse)
    assert re.findall(r"(-?[\d.]+) to (-?[\d.]+)", said(worse)) == re.findall(r"(-?[\d.]+) to (-?[\d.]+)", text)
    assert "has the same (95 %" in said(mcnemar(first, first))
    assert "do not show which is better" in said(Paired(0.01, [-0.02, 0.04], 0.5, "x"))
    assert "chose the network's best epoch" in said(better, "val") and "chose" not in said(better)
