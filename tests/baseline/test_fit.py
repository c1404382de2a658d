"""The classical models: what they learn, classes they never saw, the same answers with the same seed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sightline.baseline import fit
from sightline.core.errors import SightlineError

KINDS = ("svm", "tree", "forest")


def blobs(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Points around three far centres; of four classes, number 2 has none."""
    labels = np.array([0, 1, 3])[np.arange(count) % 3]
    random = np.random.default_rng(0)
    return (random.normal(0, 0.3, (count, 2)) + 4 * np.stack([labels, labels % 2], 1)).astype(np.float32), labels


@pytest.mark.parametrize("kind", KINDS)
def test_far_classes_are_told_apart_and_an_unseen_one_gets_nothing(kind: str) -> None:
    inputs, labels = blobs()
    logits = fit.fit(kind, inputs, labels, 4, seed=2**63 - 1)(inputs)
    found = fit.softmax(logits, 0.5)
    assert logits.shape == (90, 4) and (found.argmax(axis=1) == labels).mean() > 0.97
    assert not found[:, 2].any() and np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(logits, fit.fit(kind, inputs, labels, 4, seed=2**63 - 1)(inputs))


@pytest.mark.parametrize("kind", KINDS)
def test_two_classes(kind: str) -> None:
    inputs, labels = blobs()
    two = labels != 3
    logits = fit.fit(kind, inputs[two], labels[two], 2, seed=0)(inputs[two])
    assert logits.shape == (60, 2) and (logits.argmax(axis=1) == labels[two]).mean() > 0.97


def test_the_kernel_ends_where_it_would_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(fit._make("svm", 10_000, 0)[-1]).__name__ == "SVC"
    assert type(fit._make("svm", 10_001, 0)[-1]).__name__ == "LinearSVC"
    monkeypatch.setattr(fit, "KERNEL_MOST", 10)
    inputs, labels = blobs()
    assert (fit.fit("svm", inputs, labels, 4, 0)(inputs).argmax(axis=1) == labels).mean() > 0.9


def test_one_class_is_refused() -> None:
    with pytest.raises(SightlineError, match="two classes or more"):
        fit.fit("tree", np.zeros((3, 2), np.float32), np.ones(3, np.int64), 2, 0)


def test_of_very_many_images_a_sample_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fit.sample(5, 0).tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setattr(fit, "MOST", 10)
    places = fit.sample(100, 1)
    assert len(set(places.tolist())) == 10 and places.tolist() == sorted(places.tolist())
    assert places.tolist() != fit.sample(100, 2).tolist()
