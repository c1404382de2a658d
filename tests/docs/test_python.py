"""The Python of the manual runs as it stands there."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest
from manual import DOCS, blocks
from support import picture, save_image


def script(page: str, folder: Path) -> Path:
    """The page's Python blocks, one after the other, as one program."""
    path = folder / "program.py"
    text = "\n".join(b.text for b in blocks(DOCS / page) if b.language == "python" and not b.title)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_python_page_runs(here: Path, shapes: Path, strangers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, source in (("photos", shapes), ("other-photos", strangers), ("new-photos", strangers)):
        shutil.copytree(source, here / name)
    save_image(here / "cat.jpg", picture("cross", 5))
    names = runpy.run_path(str(script("python.md", here)))
    assert (here / "runs" / "photos" / "photos.sightline").exists()
    assert names["model"].spec.classes == ("bright", "dark")
    assert "the bundle does not exist" in capsys.readouterr().out


def test_a_bundle_answers_without_sightline(here: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sightline

    (here / "runs" / "digits").mkdir(parents=True)
    shutil.copy(bundle, here / "runs" / "digits" / "digits.sightline")
    save_image(here / "docs" / "pictures" / "seven.png", picture("square", 900))
    text = script("bundle.md", here).read_text(encoding="utf-8")
    assert "sightline" not in text.replace("runs/digits/digits.sightline", ""), "the page promises to do without"
    runpy.run_path(str(here / "program.py"))
    label, probability = capsys.readouterr().out.split()
    theirs = sightline.load(bundle).predict("docs/pictures/seven.png")
    assert label == theirs.label
    assert float(probability) == pytest.approx(theirs.confidence, abs=1e-5)
