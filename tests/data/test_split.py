"""Splits: what stays together, what stays as it is, and that order means nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import SightlineError
from sightline.data.dataset import no_splits
from sightline.data.split import assign, fingerprint


def hashes(count, seed=0):
    return np.random.default_rng(seed).integers(1, 2**63, count).astype(np.uint64)


def strata(count, classes=10):
    return (np.arange(count) % classes).astype(np.int64)


def share(splits, name):
    return float((splits == name).mean())


def test_all_open_gives_80_10_10_in_every_class():
    labels = strata(2000)
    splits = assign(no_splits(2000), labels, hashes(2000), None, 0)
    for label in range(10):
        part = splits[labels == label]
        assert [(part == name).sum() for name in ("train", "val", "test")] == [160, 20, 20]


def test_three_of_a_class_are_enough_for_each_part():
    splits = assign(no_splits(30), strata(30), hashes(30), None, 0)
    for label in range(10):
        assert sorted(splits[strata(30) == label]) == ["test", "train", "val"]


def test_same_for_any_order_and_other_for_another_seed():
    labels, keys = strata(500), hashes(500)
    groups = np.array([f"g{i // 3}" if i % 2 else "" for i in range(500)])
    splits = assign(no_splits(500), labels, keys, groups, 7)
    order = np.random.default_rng(1).permutation(500)
    assert np.array_equal(assign(no_splits(500), labels[order], keys[order], groups[order], 7), splits[order])
    assert not np.array_equal(assign(no_splits(500), labels, keys, groups, 8), splits)


def test_an_added_image_moves_few_others():
    labels, keys = strata(1001, 1), hashes(1001)
    before = assign(no_splits(1000), labels[:1000], keys[:1000], None, 0)
    after = assign(no_splits(1001), labels, keys, None, 0)[:1000]
    assert (before != after).mean() < 0.01


@pytest.mark.parametrize("seed", [-1, 2**63, 2**80])
def test_any_seed_serves(seed):
    assert set(assign(no_splits(50), strata(50), hashes(50), None, seed)) == {"train", "val", "test"}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_equal_pixels_and_groups_never_straddle(data):
    count = data.draw(st.integers(3, 60))
    keys = np.array(data.draw(st.lists(st.integers(1, 30), min_size=count, max_size=count)), np.uint64)
    groups = np.array(data.draw(st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=count, max_size=count)))
    labels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)), np.int64)
    splits = assign(no_splits(count), labels, keys, groups, data.draw(st.integers(0, 5)))
    for key in np.unique(keys):
        assert len(set(splits[keys == key])) == 1
    for group in set(groups) - {""}:
        assert len(set(splits[groups == group])) == 1
    assert (splits == "train").any()


def test_groups_linked_by_a_duplicate_stay_together():
    keys = hashes(40)
    groups = np.array([f"patient{i // 4}" for i in range(40)])
    keys[4] = keys[0]
    splits = assign(no_splits(40), strata(40, 1), keys, groups, 0)
    assert len(set(splits[:8])) == 1


def test_five_large_groups_leave_no_part_empty():
    groups = np.repeat([f"patient{i}" for i in range(5)], 20)
    for labels in (strata(100, 1), strata(100), np.repeat(np.arange(5), 20)):
        splits = assign(no_splits(100), labels, hashes(100), groups, 0)
        assert [(splits == name).sum() for name in ("train", "val", "test")] == [60, 20, 20]


def test_many_classes_of_two_leave_no_part_empty():
    splits = assign(no_splits(200), strata(200, 100), hashes(200), None, 0)
    assert share(splits, "val") == share(splits, "test") == 0.1


def test_one_group_is_all_train():
    assert set(assign(no_splits(20), strata(20), hashes(20), np.full(20, "one"), 0)) == {"train"}


def test_given_parts_stay():
    given = np.array(["train", "val", "test", "train"] * 25)
    splits = assign(given, strata(100), hashes(100), None, 3)
    assert np.array_equal(splits, given)


def test_missing_val_comes_from_train_alone():
    given = np.array(["train"] * 200 + ["test"] * 50)
    splits = assign(given, strata(250), hashes(250), None, 0)
    assert (splits[200:] == "test").all()
    assert (splits[:200] == "val").sum() == 20 and (splits[:200] == "train").sum() == 180


def test_only_train_given_has_no_test():
    splits = assign(np.full(100, "train"), strata(100), hashes(100), None, 0)
    assert share(splits, "val") == 0.1 and share(splits, "test") == 0


def test_empty_among_given_counts_as_train():
    given = np.array([""] * 50 + ["test"] * 10 + ["val"] * 10)
    assert (assign(given, strata(70), hashes(70), None, 0)[:50] == "train").all()


def test_given_is_not_written_to():
    given = no_splits(100)
    assign(given, strata(100), hashes(100), None, 0)
    assert (given == "").all()


def test_errors():
    with pytest.raises(SightlineError, match="unknown split 'dev'"):
        assign(np.array(["train", "dev"]), strata(2), hashes(2), None, 0)
    with pytest.raises(SightlineError, match="no train part"):
        assign(np.array(["test", "test"]), strata(2), hashes(2), None, 0)


def test_fingerprint_ignores_order_and_sees_targets():
    keys, targets = hashes(20), np.array([str(i % 3) for i in range(20)])
    order = np.random.default_rng(2).permutation(20)
    assert fingerprint(keys, targets) == fingerprint(keys[order], targets[order]) != fingerprint(keys, targets[order])
    assert len(fingerprint(keys, targets)) == 32
