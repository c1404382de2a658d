"""Train, val and test: given ones are used; missing ones are a function of seed, group and pixel hash alone."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.data.dataset import SPLITS, Indices

SHARES = {"val": 0.1, "test": 0.1}
Splits = NDArray[np.str_]


def assign(
    given: Splits, strata: NDArray[np.int64], hashes: NDArray[np.uint64], groups: NDArray[np.str_] | None, seed: int
) -> Splits:
    """(n,) "train", "val" or "test" for each example.

    given: what the data says; "" is open. Where all is open: 80/10/10. Where train is given without val, 10 % of
    train become val. A given test part stays as it is and selects nothing. Examples with an empty split among given
    ones count as train. strata: the class of each example, so that each is shared out alike. Equal pixels and
    members of a group stay together.
    """
    bad = sorted(set(np.unique(given)) - {*SPLITS, ""})
    if bad:
        raise SightlineError(f"unknown split {str(bad[0])!r}", fix="a split is train, val or test")
    splits = given.astype("<U5")
    if (splits == "").all():
        everything = np.arange(len(splits))
        _share_out(splits, everything, strata, _units(hashes, groups), seed, SHARES)
        return splits
    splits[splits == ""] = "train"
    if not (splits == "train").any():
        raise SightlineError("the data has no train part", fix="name one folder or split value `train`")
    if not (splits == "val").any():
        train = np.flatnonzero(splits == "train")
        units = _units(hashes[train], None if groups is None else groups[train])
        _share_out(splits, train, strata[train], units, seed, {"val": SHARES["val"]})
    return splits


def folds(
    strata: NDArray[np.int64], hashes: NDArray[np.uint64], groups: NDArray[np.str_] | None, seed: int, k: int
) -> NDArray[np.int64]:
    """(n,) the number of the fold, 0 to k - 1, that each example is tested in (k-fold cross-validation).

    strata: (n,) the class of each example; each fold gets a like share of every class. hashes: (n,) pixel hashes;
    equal images, and members of a group (groups: (n,), "" is none), share a fold. A function of seed, hashes and
    groups alone, not of the order. Greedy, the largest groups first, as scikit-learn's StratifiedGroupKFold is; each
    goes where the sum over classes of squared shares grows least. Raises SightlineError where k is below 2, above
    the images or the groups of the smallest class, or above the number of groups.
    """
    if k < 2:
        raise SightlineError(f"--folds {k} is too few: each fold is tested by what the others teach", fix="--folds 5")
    classes, column, totals = np.unique(strata, return_inverse=True, return_counts=True)
    smallest = int(totals.min()) if len(totals) else 0
    if k > smallest:
        least = f"type: --folds {smallest}" if smallest >= 2 else "each class needs two images or more"
        raise SightlineError(f"--folds {k} is above the smallest class, which has {smallest} images", fix=least)
    gathered: dict[bytes, list[int]] = {}
    keys = _units(hashes, groups)
    for place, key in enumerate(keys):
        gathered.setdefault(key, []).append(place)
    if k > len(gathered):
        raise SightlineError(f"--folds {k} is above the number of groups, {len(gathered)}", fix="name fewer folds")
    fewest = min(len({keys[i] for i in np.flatnonzero(column == kind)}) for kind in range(len(classes)))
    if fewest < k and groups is not None and (groups != "").any():
        least = f"type: --folds {fewest}" if fewest >= 2 else "each class needs two groups or more"
        raise SightlineError(f"--folds {k} is above the groups of the smallest class, which has {fewest}", fix=least)
    found = np.zeros(len(strata), np.int64)
    held, sizes = np.zeros((k, len(classes))), np.zeros(k)
    for _, _, places in sorted((-len(places), _order(key, seed), places) for key, places in gathered.items()):
        kinds = column[places]
        growth = (held[:, kinds] / totals[kinds] ** 2).sum(axis=1)
        fold = int(np.lexsort((sizes, growth))[0])
        found[places] = fold
        np.add.at(held[fold], kinds, 1)
        sizes[fold] += len(places)
    return found


def shares(strata: NDArray[np.int64], hashes: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """(n,) a number from 0 to below 1 for each example: those below s are a share s of every class.

    So subsets of several shares lie within each other. The first of each class has 0: no class is ever left out.
    """
    found = np.zeros(len(strata), np.float64)
    keys = np.array([_order(b"h%016x" % int(value), seed) for value in hashes])
    for stratum in np.unique(strata):
        places = np.flatnonzero(strata == stratum)
        found[places[np.argsort(keys[places], kind="stable")]] = np.arange(len(places)) / len(places)
    return found


def _units(hashes: NDArray[np.uint64], groups: NDArray[np.str_] | None) -> list[bytes]:
    """A key per example, equal for what must stay together: the least of all keys that are linked with each other."""
    keys = [b"h%016x" % int(value) for value in hashes]
    if groups is None:
        return keys
    parent: dict[bytes, bytes] = {}

    def root(key: bytes) -> bytes:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for key, group in zip(keys, groups, strict=True):
        if group:
            first, second = sorted((root(key), root(b"g" + str(group).encode())))
            parent[second] = first
    return [root(key) for key in keys]


def _share_out(
    splits: Splits,
    members: Indices,
    strata: NDArray[np.int64],
    units: list[bytes],
    seed: int,
    shares: dict[str, float],
) -> None:
    """Writes val and test into `splits` at `members`; the rest becomes train."""
    gathered: dict[bytes, list[int]] = {}
    for place, key in enumerate(units):
        gathered.setdefault(key, []).append(place)
    by_stratum: dict[int, list[tuple[bytes, list[int]]]] = {}
    for key, places in gathered.items():
        stratum = int(np.bincount(strata[places]).argmax())
        by_stratum.setdefault(stratum, []).append((_order(key, seed), places))
    splits[members] = "train"
    for group in by_stratum.values():
        total = sum(len(places) for _, places in group)
        wanted = {name: max(1, round(total * share)) if total >= 3 else 0 for name, share in shares.items()}
        given: dict[str, int] = dict.fromkeys(wanted, 0)
        left: list[list[int]] = []
        for _, places in sorted(group):
            for name in wanted:
                if given[name] + len(places) <= wanted[name]:
                    splits[members[places]] = name
                    given[name] += len(places)
                    break
            else:
                left.append(places)
        # Where every unit is larger than its share (five patients, 10 %), the smallest stands in: no part stays empty.
        left.sort(key=len, reverse=True)
        for name in wanted:
            if wanted[name] and not given[name] and len(left) > 1:
                splits[members[left.pop()]] = name
    # Where each class is too small to give anything away, or one unit, they are shared out as if they were one class.
    if len(by_stratum) > 1 and len(gathered) > len(shares) and not set(shares) <= set(splits[members].tolist()):
        _share_out(splits, members, np.zeros_like(strata), units, seed, shares)


def _order(key: bytes, seed: int) -> bytes:
    return hashlib.blake2b(key, digest_size=8, key=(seed % 2**64).to_bytes(8, "little")).digest()


def fingerprint(hashes: NDArray[np.uint64], targets: NDArray[np.str_] | list[str]) -> str:
    """32 hex digits that say whether two datasets hold the same images with the same targets, in any order."""
    keys = sorted(b"%016x %s" % (int(h), str(t).encode()) for h, t in zip(hashes, targets, strict=True))
    return hashlib.blake2b(b"\n".join(keys), digest_size=16).hexdigest()
