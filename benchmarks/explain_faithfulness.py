"""Do explanations show what the network looks at? Deletion and insertion beside chance, and randomised weights.

For right answers on CIFAR-10's held-out tenth, each method's map is scored by the area under the evidence while patches
are deleted, highest first (Petsiuk et al. 2018), beside the mean of five random orders. Then the same method explains
a network with the same names and random weights (Adebayo et al. 2018): the maps' rank correlation should be near 0.

    python explain_faithfulness.py BUNDLE [--npz cifar10.npz] [--images 100]
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from cifar_vs_resnet18 import write_npz
from measure import row, spread, title

from sightline.explain.explainer import Explainer
from sightline.explain.faithfulness import Faithfulness
from sightline.learn import machine
from sightline.run.bundle import open_bundle
from sightline.tables import EXPLAINERS
from sightline.verbs.common import task_named


def right_answers(explainer: Explainer, npz: Path, wanted: int) -> list[np.ndarray]:
    """The first images of the held-out part that the bundle answers rightly, in an order of chance."""
    with np.load(npz, allow_pickle=False) as data:
        images, labels = data["x_test"], data["y_test"]
    found: list[np.ndarray] = []
    for place in np.random.default_rng(0).permutation(len(images)):
        prediction = explainer.answer(images[place], (32, 32))[2]
        if prediction.to_dict()["label"] == labels[place]:
            found.append(images[place])
        if len(found) == wanted:
            break
    return found


def randomised(explainer: Explainer) -> Explainer:
    """The same bundle with fresh weights, as graph and as weights."""
    import torch
    from safetensors.torch import save

    from sightline.learn.deploy import export_graph

    torch.manual_seed(0)
    learner, spec = explainer.task.learner(), explainer.spec
    network = learner.network(spec).eval()
    weights = save({name: value.contiguous() for name, value in network.state_dict().items()})
    members = {**explainer.bundle.members, "model.safetensors": weights}
    members["model.onnx"] = export_graph(network, learner, spec)
    return Explainer(dataclasses.replace(explainer.bundle, members=members), explainer.task)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's, of two maps."""
    ranks = [values.ravel().argsort().argsort().astype(float) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def report(method: str, scores: list[Faithfulness], seconds: float, alike: list[float]) -> None:
    """Two lines for one method."""
    deletion, insertion, chance_out, chance_in = np.array([list(s.to_dict().values()) for s in scores]).T
    beats, rises = (deletion < chance_out).mean(), (insertion > chance_in).mean()
    row(method, f"deletion beats random {beats:.2f}", f"insertion {rises:.2f}", f"{seconds:.2f} s an image")
    row(
        "",
        f"deletion {deletion.mean():.3f} (random {chance_out.mean():.3f})",
        f"insertion {insertion.mean():.3f} (random {chance_in.mean():.3f})",
        f"rank correlation with random weights {spread(alike, digits=2)}",
    )


def main() -> None:
    """Prints a row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--npz", type=Path, help="as cifar_vs_resnet18.py cuts it (default: made from the data)")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--methods", default=",".join(EXPLAINERS))
    options = parser.parse_args()
    machine.prepare()
    bundle = open_bundle(options.bundle)
    explainer = Explainer(bundle, task_named(bundle.spec.task))
    with tempfile.TemporaryDirectory() as temporary:
        npz = options.npz or Path(temporary) / "cifar10.npz"
        if options.npz is None:
            write_npz(npz)
        images = right_answers(explainer, npz, options.images)
    other = randomised(explainer)
    title(
        f"explanations of {len(images)} right answers on CIFAR-10's held-out tenth", ("numpy", "onnxruntime", "torch")
    )
    for method in options.methods.split(","):
        found, alike, begun = [], [], time.perf_counter()
        for image in images:
            found.append(explainer.explain(image, (32, 32), method))
        seconds = (time.perf_counter() - begun) / len(images)
        for image, one in list(zip(images, found, strict=True))[:20]:
            alike.append(rank_correlation(one.map, other.explain(image, (32, 32), method).map))
        report(method, [one.scores for one in found], seconds, alike)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
