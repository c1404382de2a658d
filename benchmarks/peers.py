"""Virtual environments for what Sightline is compared with: made once, outside the project, and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = "SIGHTLINE_PEERS"
"""Environment variable: the folder that holds the virtual environments."""


def folder() -> Path:
    """Where the environments are: $SIGHTLINE_PEERS, or a cache in the home folder."""
    return Path(os.environ.get(FOLDER) or Path.home() / ".cache" / "sightline-bench")


def environment(name: str, packages: list[str], needs_gib: float = 1.0) -> Path:
    """The Python of a virtual environment that holds `packages`, made with plain pip where it is not there yet.

    Ends the program where the disk has less than `needs_gib` left, or where pip fails.
    """
    place = folder() / name
    python = place / "bin" / "python"
    done = place / "installed.txt"
    wanted = "\n".join(packages) + "\n"
    if done.exists() and done.read_text() == wanted:
        return python
    place.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place.parent).free / 2**30
    if free < needs_gib:
        sys.exit(f"the environment {name!r} needs {needs_gib:g} GiB, but {free:.1f} are free; set {FOLDER}=FOLDER")
    print(f"making the environment {name!r} ({', '.join(packages)}) …", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
    installed = subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=False)
    if installed.returncode:
        sys.exit(f"pip could not install {' '.join(packages)}")
    done.write_text(wanted)
    return python


def versions(python: Path | str, packages: list[str]) -> str:
    """`name version, …` of what is installed beside that Python."""
    code = (
        "import sys, platform; from importlib.metadata import version; "
        "print(', '.join(['python ' + platform.python_version()] + [p + ' ' + version(p) for p in sys.argv[1:]]))"
    )
    found = subprocess.run([str(python), "-c", code, *packages], check=True, capture_output=True, text=True)
    return found.stdout.strip()
