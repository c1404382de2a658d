"""export --to web: what it writes, what it asks for, and that nothing in it looks elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import PACKAGE, Result

from sightline.export import web


def package(folder: Path, version: str = web.VERSION, name: str = web.PACKAGE) -> Path:
    """A folder like that of the npm package, with other bytes in it."""
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": name, "version": version}))
    for theirs, _ in web.RUNTIME.values():
        (folder / theirs).write_bytes(theirs.encode())
    return folder


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose bytes are taken for the right ones."""
    files = {ours: (theirs, hashlib.sha256(theirs.encode()).hexdigest()) for ours, (theirs, _) in web.RUNTIME.items()}
    monkeypatch.setattr(web, "RUNTIME", files)
    return package(tmp_path / "pretended")


def test_it_is_written_where_node_is_not_and_says_so(
    cli: Callable[..., Result], bundle: Path, pretended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    done = cli("export", bundle, "--to", "web", "--runtime", pretended, "--out", "it")
    assert done.code == 0 and "its answers were not compared with Sightline's own: node is not installed" in done.err
    parity = json.loads(Path("it/parity.json").read_text())
    assert parity["passed"] is None and parity["why"] == "node is not installed"
    page = {path.relative_to(PACKAGE / "page").as_posix() for path in (PACKAGE / "page").rglob("*") if path.is_file()}
    written = {path.relative_to("it").as_posix() for path in Path("it").rglob("*") if path.is_file()}
    more = {"README.md", "model.json", "model.onnx", "ort/ort.js", "ort/ort.wasm", "parity.json", "spec.json"}
    assert written == page - {web.SERVERS} | more
    assert Path("it/backend.js").read_text() == web.BACKEND
    told = json.loads(Path("it/model.json").read_text())
    assert told["name"] == bundle.stem and told["task"] == "classify" and told["assets"] == []
    assert told["sha256"]["model.onnx"] == hashlib.sha256(Path("it/model.onnx").read_bytes()).hexdigest()


def test_the_runtime_is_found_in_node_modules(
    cli: Callable[..., Result], bundle: Path, pretended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)  # what is there is no runtime: node could not run it
    web.HERE.parent.mkdir()
    pretended.rename(web.HERE)
    done = cli("export", bundle, "--to", "web", "--out", "it", "--images", 1)
    assert done.code == 0 and Path("it/index.html").is_file()


def test_what_is_wrong_with_the_runtime_is_said(cli: Callable[..., Result], bundle: Path, tmp_path: Path) -> None:
    fix = f"npm install --no-save {web.PACKAGE}@{web.VERSION}"
    for folder, error in [
        (tmp_path / "nowhere", f"{web.PACKAGE} is not here"),
        (package(tmp_path / "old", "1.2.3"), f"this is {web.PACKAGE} 1.2.3, not {web.PACKAGE} {web.VERSION}"),
        (package(tmp_path / "altered"), "is not the one of"),
    ]:
        done = cli("export", bundle, "--to", "web", "--runtime", folder, "--out", "it", "--images", 1)
        assert done.code == 2 and error in done.err and fix in done.err, done.err
    (tmp_path / "altered" / "package.json").write_text("[]")
    done = cli("export", bundle, "--to", "web", "--runtime", tmp_path / "altered", "--images", 1)
    assert done.code == 2 and "not the folder of an npm package" in done.err
    done = cli("export", bundle, "--to", "web", "--images", 1)
    assert done.code == 2 and "node_modules" in done.err
    done = cli("export", bundle, "--runtime", tmp_path)
    assert done.code == 2 and "--runtime is not for onnx" in done.err


def test_the_page_names_no_other_address() -> None:
    for path in (PACKAGE / "page").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            found = {name for name in re.findall(r"https?://[^\s\"'`<>]+", text) if "www.w3.org" not in name}
            assert not found, f"{path.name}: {found}"
            assert len(text.splitlines()) <= 300, path.name
