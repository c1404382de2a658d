"""Folds: shared out alike, nothing that belongs together is torn apart, order means nothing."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import SightlineError
from sightline.data.split import folds


def hashes(count, seed=0):
    return np.random.default_rng(seed).integers(1, 2**63, count).astype(np.uint64)


@given(st.lists(st.integers(2, 40), min_size=1, max_size=6), st.integers(2, 7), st.integers(0, 5))
def test_every_class_is_shared_out_to_within_one_image(counts, k, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    if k > min(counts):
        with pytest.raises(SightlineError, match=f"--folds {k} is above the smallest class, which has {min(counts)}"):
            folds(labels, hashes(len(labels)), None, seed, k)
        return
    found = folds(labels, hashes(len(labels)), None, seed, k)
    assert found.dtype == np.int64 and set(found.tolist()) == set(range(k))
    for label in range(len(counts)):
        sizes = np.bincount(found[labels == label], minlength=k)
        assert sizes.max() - sizes.min() <= 1
    sizes = np.bincount(found, minlength=k)
    assert sizes.max() - sizes.min() <= 1 + len(counts) // 2


@settings(max_examples=200)
@given(st.data())
def test_equal_pixels_and_groups_share_a_fold_and_no_fold_is_empty(data):
    count, k = data.draw(st.integers(8, 60)), data.draw(st.integers(2, 4))
    keys = np.array(data.draw(st.lists(st.integers(1, 40), min_size=count, max_size=count)), np.uint64)
    groups = np.array(data.draw(st.lists(st.sampled_from(["", "", "a", "b", "c"]), min_size=count, max_size=count)))
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), np.int64)
    try:
        found = folds(labels, keys, groups, 0, k)
    except SightlineError as error:
        smallest = np.unique(labels, return_counts=True)[1].min()
        assert k > smallest if "above the smallest class" in str(error) else "groups" in str(error)
        return
    assert set(found.tolist()) == set(range(k))
    for key in np.unique(keys):
        assert len(set(found[keys == key])) == 1
    for group in set(groups) - {""}:
        assert len(set(found[groups == group])) == 1


@given(st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_the_examples_means_nothing(random, grouped):
    labels, keys = np.arange(60) % 4, hashes(60)
    groups = np.array([f"g{i // 3}" for i in range(60)]) if grouped else None
    order = np.array(random.sample(range(60), 60))
    found = folds(labels, keys, groups, 1, 5)
    assert np.array_equal(
        folds(labels[order], keys[order], None if groups is None else groups[order], 1, 5), found[order]
    )


def test_another_seed_gives_other_folds():
    labels, keys = np.arange(100) % 4, hashes(100)
    assert (folds(labels, keys, None, 0, 5) != folds(labels, keys, None, 1, 5)).mean() > 0.5


def test_patients_of_one_class_each_are_shared_out_by_class():
    groups = np.repeat([f"patient{i}" for i in range(20)], 5)
    labels = np.repeat(np.arange(20) % 2, 5)
    found = folds(labels, hashes(100), groups, 0, 5)
    for label in (0, 1):
        assert np.bincount(found[labels == label]).tolist() == [10] * 5


def test_what_makes_no_sense_is_refused():
    labels = np.repeat([0, 1], [50, 4])
    with pytest.raises(SightlineError, match="--folds 5 is above the smallest class, which has 4 images") as caught:
        folds(labels, hashes(54), None, 0, 5)
    assert caught.value.fix == "type: --folds 4"
    for k in (1, 0, -3):
        with pytest.raises(SightlineError, match="too few"):
            folds(labels, hashes(54), None, 0, k)
    labels, groups = np.repeat([0, 1], 20), np.repeat([*"abcdefgh"], 5)
    groups[20:] = np.repeat(["x", "y"], 10)
    with pytest.raises(SightlineError, match="above the groups of the smallest class, which has 2") as caught:
        folds(labels, hashes(40), groups, 0, 4)
    assert caught.value.fix == "type: --folds 2"
    with pytest.raises(SightlineError, match="above the number of groups, 2"):
        folds(labels, hashes(54), np.repeat(["a", "b"], 27), 0, 3)


def test_as_balanced_as_scikit_learns():
    """With groups of several sizes and classes, no class is shared out worse than by StratifiedGroupKFold."""
    model_selection = pytest.importorskip("sklearn.model_selection")
    random = np.random.default_rng(0)
    for _ in range(5):
        sizes = random.integers(1, 9, 80)
        groups = np.repeat([f"g{i}" for i in range(80)], sizes)
        labels = random.choice(3, size=sizes.sum(), p=[0.7, 0.2, 0.1])
        theirs = np.zeros(len(labels), np.int64)
        splitter = model_selection.StratifiedGroupKFold(5)
        for number, (_, test) in enumerate(splitter.split(labels, labels, groups)):
            theirs[test] = number
        ours = folds(labels, hashes(len(labels)), groups, 0, 5)

        def spread(found, labels=labels):
            shares = [np.bincount(found[labels == c], minlength=5) / (labels == c).sum() for c in range(3)]
            return float(np.std(shares, axis=1).mean())

        assert spread(ours) <= spread(theirs) + 0.02


def test_sixty_thousand_images_take_seconds():
    begun = time.perf_counter()
    folds(np.arange(60_000) % 10, hashes(60_000), None, 0, 5)
    assert time.perf_counter() - begun < 20
