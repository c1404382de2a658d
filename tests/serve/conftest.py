"""What the tests of the server share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def image(strangers: Path) -> bytes:
    """One that no model was trained on."""
    return next(iter(sorted(strangers.rglob("*.png")))).read_bytes()
