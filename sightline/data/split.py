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
