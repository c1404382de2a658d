"""The tutorial, typed from its first command to its last: takes minutes, and scikit-image for its photos."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from manual import DOCS, blocks
from support import ROOT

SESSIONS = [block.text for block in blocks(DOCS / "tutorial.md") if block.language == "console"]


def steps(session: str) -> list[tuple[str, str]]:
    """(command, what the page shows of its output) in order."""
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in session.split("$ ") if part]


def test_the_tutorial_shows_its_commands_with_their_output() -> None:
    verbs = {command.split()[1] for session in SESSIONS for command, _ in steps(session) if command[:9] == "sightline"}
    assert verbs >= {"check", "train", "evaluate", "predict"}
    assert all(shown.strip() for session in SESSIONS for command, shown in steps(session) if command[:2] != "rm")


@pytest.mark.slow
def test_the_tutorial_runs(here: Path) -> None:
    pytest.importorskip("skimage", reason="the tutorial's photos come with scikit-image")
    runpy.run_path(str(DOCS / "make_photos.py"))["main"](here / "ground")
    shutil.copytree(DOCS / "pictures", here / "docs" / "pictures")
    tool = here / "bin" / "sightline"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m sightline "$@"\n', encoding="utf-8")
    tool.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}"}
    for command, shown in (step for session in SESSIONS for step in steps(session)):
        done = subprocess.run(
            ["bash", "-c", command], cwd=here, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        if command.startswith("sightline check"):  # what depends on no weights must be just what the page shows
            assert done.stdout.strip() == shown.strip()
