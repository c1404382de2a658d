"""MNIST: the tutorials' CNN in Keras (10 epochs, batch 32, Adam) against `sightline train`, start to saved model.

For each seed, in turns: Keras; ours at each of a few budgets, short to long; ours with the time that Keras just took.
"As accurate as Keras" is the first budget whose mean test accuracy over the seeds is at least Keras's mean. The test
accuracy comes from the bundle's card, where nothing was chosen by it; choosing the budget by it is the question asked.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import HERE, data, last_json, ratios, row, spread, timed, title
from peers import environment, versions


def keras(python: Path, epochs: int, seed: int) -> dict[str, float]:
    """Seconds and test accuracy of one Keras training."""
    with tempfile.TemporaryDirectory() as place:
        words = [data("mnist"), Path(place) / "model.keras", "--epochs", str(epochs), "--seed", str(seed)]
        found = last_json(timed([python, HERE / "peer_keras_cnn.py", *words])[1])
    first = found["first_batch_began"]
    return {
        "whole": found["saved"],
        "from first batch to model": found["saved"] - first,
        "first batch to last": found["epochs_done"][-1] - first,
        "accuracy": found["accuracy"],
    }


def ours(network: str, budget: str, seed: int, extra: list[str]) -> dict[str, float]:
    """Seconds and test accuracy of one `sightline train`; a budget is a number of epochs or a time such as 30s."""
    limit = ["--epochs" if budget.isdecimal() else "--time", budget]
    with tempfile.TemporaryDirectory() as place:
        words = ["train", data("mnist"), "--network", network, *limit, "--seed", str(seed), *extra]
        out = timed([sys.executable, HERE / "stopwatch.py", *words, "--out", Path(place) / "run", "--json"])[1]
    watch, card = last_json(out), last_json(out.strip().rsplit("\n", 1)[0])
    begun = watch["begun"]
    return {
        "whole": watch["ended"],
        "from first batch to model": watch["ended"] - begun[0],
        "first batch to last": begun[-1] - begun[0],
        "accuracy": card["scores"]["test"]["metrics"]["accuracy"],
    }


SPANS = ("whole", "from first batch to model", "first batch to last")


def column(runs: list[dict[str, float]], name: str) -> list[float]:
    """One figure of all seeds."""
    return [run[name] for run in runs]


def report(name: str, runs: list[dict[str, float]]) -> None:
    """One line for one contestant."""
    accuracy = column(runs, "accuracy")
    row(name, spread(column(runs, "whole"), "s", 1), f"{statistics.mean(accuracy):.4f} ({spread(accuracy, digits=4)})")


def main() -> None:
    """Prints seconds, accuracies and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each")
    parser.add_argument("--repeat", type=int, default=1, help="the whole comparison so many times, with further seeds")
    parser.add_argument("--keras-epochs", type=int, default=10)
    parser.add_argument("--network", default="auto")
    parser.add_argument(
        "--budgets", default="20s,30s,45s", help="epochs or times of ours, short to long, such as 1,2,30s"
    )
    parser.add_argument("--no-same-time", action="store_true", help="leave out ours with the time that Keras took")
    options, extra = parser.parse_known_args()
    python = environment("keras", ["tensorflow-cpu"], 3)
    theirs: list[dict[str, float]] = []
    found: dict[str, list[dict[str, float]]] = {}

    def run(name: str, one: dict[str, float], into: list[dict[str, float]]) -> None:
        into.append(one)
        print(f"  {name}: {one['whole']:.1f} s, accuracy {one['accuracy']:.4f}", file=sys.stderr, flush=True)

    for seed in range(options.seeds * options.repeat):
        run(f"seed {seed}, Keras", keras(python, options.keras_epochs, seed), theirs)
        for budget in options.budgets.split(","):
            run(f"seed {seed}, ours {budget}", ours(options.network, budget, seed, extra), found.setdefault(budget, []))
        if not options.no_same_time:
            budget = f"{theirs[-1]['whole']:.0f}s"
            same = found.setdefault("same time", [])
            run(f"seed {seed}, ours {budget}", ours(options.network, budget, seed, extra), same)
    tell(options, python, theirs, found)


def tell(options: Any, python: Path, theirs: list[dict[str, float]], found: dict[str, list[dict[str, float]]]) -> None:
    """The table, then the ratios at the budget that first reaches Keras's accuracy."""
    text = f"MNIST, {len(theirs)} seeds: seconds from process start to saved model; test accuracy, mean (spread)"
    title(text, ("numpy", "torch", "onnxruntime"))
    print(f"  peer: {versions(python, ['tensorflow-cpu', 'keras', 'numpy'])}")
    report(f"Keras, {options.keras_epochs} epochs, batch 32", theirs)
    for budget, runs in found.items():
        report(f"ours, {options.network}, {budget + ' epochs' if budget.isdecimal() else budget}", runs)
    wanted = statistics.mean(column(theirs, "accuracy"))
    good = [b for b, runs in found.items() if b != "same time" and statistics.mean(column(runs, "accuracy")) >= wanted]
    if not good:
        print(f"  none of the budgets reaches {wanted:.4f}: give longer ones with --budgets")
        return
    print(f"  as accurate as Keras ({wanted:.4f}) from: {good[0]}")
    for span in SPANS:
        name = "process start to saved model" if span == "whole" else span
        row(f"times sooner, {name}", spread(ratios(column(theirs, span), column(found[good[0]], span)), "x"))


if __name__ == "__main__":
    main()
