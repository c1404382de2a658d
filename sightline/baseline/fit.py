"""scikit-learn's classifiers on HOG features. Nothing of them is kept but their answers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.baseline.hog import features
from sightline.core.errors import MissingExtra, SightlineError
from sightline.data.parallel import cpus
from sightline.data.scan import Scan

KERNEL_MOST = 10_000
"""Training images up to which the support vector machine has a kernel: its time grows with their square."""
MOST = 60_000
"""More training images are not used: a sample of them says what such a model can do, and fits into memory."""
AT_ONCE = 256
FLOOR = 1e-3
"""Below this a tree's probability counts as this: a leaf without a class is no proof against it."""

Floats = NDArray[np.float32]
Decide = Callable[[Floats], NDArray[np.float64]]


def need_sklearn() -> None:
    """Raises MissingExtra where scikit-learn is not installed; does not import it."""
    if importlib.util.find_spec("sklearn") is None:
        raise MissingExtra("scikit-learn", "baseline", "--baseline")


def features_of(scan: Scan) -> Floats:
    """(n, features) of the preprocessed images that the scan holds under `image`."""
    return np.concatenate([features(inputs["image"]) for _, inputs in scan.batches(AT_ONCE)])


def sample(count: int, seed: int) -> NDArray[np.int64]:
    """The places of the training images that are used: all, or MOST of them by chance, in order."""
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.Generator(np.random.Philox(seed)).permutation(count)[:MOST])


def fit(kind: str, inputs: Floats, labels: NDArray[np.int64], classes: int, seed: int) -> Decide:
    """A function from (n, features) to (n, classes) logits, fitted on `inputs` and class numbers `labels`.

    kind: svm, tree or forest. The logits are the decision values of an svm and the logarithms of a tree's or forest's
    probabilities; a class without a training image gets -inf. Softmax makes probabilities of them, with a temperature
    that is fitted on val. Raises SightlineError where all labels are equal.
    """
    if len(np.unique(labels)) < 2:
        raise SightlineError("--baseline needs images of two classes or more in the training part")
    model: Any = _make(kind, len(inputs), seed % 2**32)
    model.fit(inputs, labels)
    present = np.asarray(model.classes_, np.int64)

    def decide(some: Floats) -> NDArray[np.float64]:
        """(n, classes) logits."""
        if hasattr(model, "decision_function"):
            values = np.asarray(model.decision_function(some), np.float64)
            values = np.stack([-values, values], axis=1) if values.ndim == 1 else values
        else:
            values = np.log(np.maximum(np.asarray(model.predict_proba(some), np.float64), FLOOR))
        logits = np.full((len(some), classes), -np.inf)
        logits[:, present] = values
        return logits

    return decide


def _make(kind: str, count: int, seed: int) -> Any:
    """The untuned model of that kind for `count` training images."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, LinearSVC
    from sklearn.tree import DecisionTreeClassifier

    if kind == "tree":
        return DecisionTreeClassifier(min_samples_leaf=2, random_state=seed)
    if kind == "forest":
        return RandomForestClassifier(200, n_jobs=cpus(), random_state=seed)
    # A small C for the linear one: with a thousand features and more it fits as well, and is much sooner done.
    machine = SVC(C=10.0, cache_size=500) if count <= KERNEL_MOST else LinearSVC(C=0.01, tol=1e-3, random_state=seed)
    return Pipeline([("scale", StandardScaler()), ("machine", machine)])


def softmax(logits: NDArray[np.float64], temperature: float = 1.0) -> Floats:
    """(n, classes) probabilities."""
    values = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
