"""check: what the column `group` says beside the splits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import Result, save_image

Cli = Callable[..., Result]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for number in range(16):
        save_image(tmp_path / f"{number}.png", random.integers(0, 256, (16, 16, 3), np.uint8))
    return tmp_path


def table(folder: Path, header: str, rows: list[str]) -> Path:
    path = folder / "it.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def codes(done: Result) -> dict[str, dict]:
    return {finding["code"]: finding for finding in done.json["findings"]}


def test_a_group_in_two_splits_is_a_leak(cli: Cli, photos: Path) -> None:
    rows = [f"{i}.png,{['cat', 'dog'][i % 2]},{'train' if i < 10 else 'test'},g{i % 10}" for i in range(16)]
    found = codes(cli("check", table(photos, "image,label,split,group", rows), "--json", "--workers", 0))
    assert found["group_leak"]["level"] == "warning" and found["group_leak"]["count"] == 6


def test_one_group_alone_cannot_be_shared_out(cli: Cli, photos: Path) -> None:
    rows = [f"{i}.png,{['cat', 'dog'][i % 2]},one" for i in range(16)]
    path = table(photos, "image,label,group", rows)
    done = cli("check", path, "--json", "--workers", 0)
    assert done.code == 1 and codes(done)["one_group"]["level"] == "error"
    refused = cli("train", path, "--epochs", 1)
    assert refused.code == 2 and "all images are of one group, 'one'" in refused.err


def test_the_odd_cell_among_zeros_and_ones_is_named(cli: Cli, photos: Path) -> None:
    rows = [f"{i}.png,{i % 2},{2 if i == 9 else 1 - i % 2}" for i in range(16)]
    done = cli("check", table(photos, "image,cat,dog", rows))
    assert done.code == 2 and "'2' is neither 0 nor 1" in done.err and "line 11, column 'dog'" in done.err
