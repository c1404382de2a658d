"""Being written."""

from pathlib import Path


def sniff(path: Path) -> bool:
    """Not yet."""
    return False
