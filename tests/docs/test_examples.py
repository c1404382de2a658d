"""The worked examples of the manual, done to a copy of the package as the pages say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from manual import DOCS, blocks, patched
from support import ROOT, picture, save_image


def apply(page: Path, root: Path) -> None:
    """Makes the page's new files and changes below `root`, a copy of the package and what its tests need."""
    for folder in ("sightline", "tests"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for block in blocks(page):
        if block.title.startswith("new: "):
            (root / block.title.removeprefix("new: ")).write_text(block.text, encoding="utf-8")
        elif block.language == "diff":
            path = root / block.title
            path.write_text(patched(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")


def start(root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs Python with the changed package in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, *map(str, arguments)]
    return subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=False)


def run(root: Path, *arguments: object, module: str = "sightline") -> str:
    """Runs a module of the changed package; its stdout."""
    done = start(root, "-m", module, *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def with_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("network")
    apply(DOCS / "add-a-network.md", root)
    return root


@pytest.fixture(scope="module")
def with_format(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("format")
    apply(DOCS / "add-a-format.md", root)
    for number in range(15):
        for name in ("circle", "cross"):
            save_image(root / "pets" / f"{name}_{number}.png", picture(name, number))
        save_image(root / "camera" / f"IMG_{number:04d}.png", picture("cross", number))
    return root


def test_the_network_of_the_manual_passes_the_contract_suite(with_network: Path) -> None:
    suite = ("tests/contract/test_networks.py", "-k", "convmixer", "-p", "no:cacheprovider")
    out = run(with_network, *suite, module="pytest")
    assert " passed" in out and "skipped" not in out


def test_the_network_of_the_manual_is_listed_and_checks_its_options(with_network: Path) -> None:
    assert "--patch 2" in run(with_network, "networks")
    done = start(with_network, "-m", "sightline", "train", "digits", "--network", "convmixer", "--patch", 9)
    assert done.returncode == 2 and "use a smaller --patch" in done.stderr


def test_the_format_of_the_manual_is_recognised(with_format: Path) -> None:
    assert "names" in run(with_format, "formats")
    report = json.loads(run(with_format, "check", "pets", "--json"))
    assert report["format"] == "names"
    assert sorted(report["classes"]) == ["circle", "cross"]


def test_the_format_of_the_manual_leaves_other_folders_alone(with_format: Path) -> None:
    code = (
        "from pathlib import Path; from sightline.data.formats import names; "
        "print([names.sniff(Path(p)) for p in ('pets', 'camera', '.', 'nowhere')])"
    )
    done = start(with_format, "-c", code)
    assert done.stdout.strip() == "[True, False, False, False]"


def test_one_can_train_on_the_format_of_the_manual(with_format: Path) -> None:
    result = json.loads(run(with_format, "train", "pets", "--network", "cnn", "--epochs", 1, "--imgsz", 16, "--json"))
    assert result["data"]["format"] == "names"


@pytest.mark.parametrize("page", ["add-a-network.md", "add-a-format.md"])
def test_the_code_of_the_manual_is_clean(page: str, with_network: Path, with_format: Path) -> None:
    root = with_network if "network" in page else with_format
    files = [b.title.removeprefix("new: ") for b in blocks(DOCS / page) if b.title.startswith("new: ")]
    run(root, "check", *files, module="ruff")
    run(root, "format", "--check", *files, module="ruff")
