"""The verbs on real data, where it is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sightline
from sightline.data.formats import open_data

pytestmark = pytest.mark.data


def test_mnist_is_read_as_it_is_published(shared_data: Path) -> None:
    dataset = open_data(shared_data / "mnist")
    assert [(dataset.splits == name).sum() for name in ("train", "test")] == [60_000, 10_000]
    counts = np.unique(dataset.targets[dataset.splits == "test"], return_counts=True)[1]
    assert counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.usefixtures("quick_export")
def test_a_little_of_mnist_is_learnt(shared_data: Path, here: Path) -> None:
    dataset = open_data(shared_data / "mnist")
    chosen = np.flatnonzero(dataset.splits == "train")[:800]
    images = np.stack([np.asarray(dataset.images.load(int(i))) for i in chosen])
    model = sightline.train(images, dataset.targets[chosen], network="cnn", epochs=3, workers=0)
    assert model.card["scores"]["test"]["metrics"]["accuracy"] > 0.6


def test_photos_in_a_zip_are_checked(shared_data: Path) -> None:
    dataset = open_data(shared_data / "cifar10" / "train.zip")
    assert len(dataset) == 50_000 and len(set(dataset.targets)) == 10
    small = dataset.take(np.arange(0, 50_000, 400))
    report = sightline.check(small, workers=0)
    assert report.count == 125 and report.sizes["width"] == {"min": 32, "median": 32, "max": 32}
