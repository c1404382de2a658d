"""The formulas of the manual, as functions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from manual import DOCS, run_blocks


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The functions of the page's blocks called `by hand`."""
    return SimpleNamespace(**run_blocks(DOCS / "formula-to-code.md", tmp_path_factory.mktemp("hand"), "by hand"))
