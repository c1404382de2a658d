"""The image and the unit: what they say is checked, and the image's steps are carried out without Docker."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from sightline.cli import main

DOCKERFILE, UNIT = ROOT / "Dockerfile", ROOT / "deploy" / "sightline.service"


def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile in order: word and rest."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def rest_of(word: str) -> list[str]:
    return [rest for one, rest in steps() if one == word]


def test_the_image_is_slim_has_no_torch_and_does_not_run_as_root() -> None:
    assert all("-slim" in rest for rest in rest_of("FROM"))
    assert re.findall(r"install .*\[(.*)\]", "\n".join(rest_of("RUN"))) == ["serve"]
    [user] = rest_of("USER")
    assert int(user.split(":")[0]) > 0 and [word for word, _ in steps()].index("USER") > steps().index(
        ("COPY", "--from=build /opt/sightline /opt/sightline")
    )
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for rest in rest_of("COPY") if "--from" not in rest for source in rest.split()[:-1]}
    assert copied == kept and all((ROOT / name).exists() for name in kept)


def test_the_unit_starts_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    [line] = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    program, verb, *rest = shlex.split(line.replace("$MODELS", "a.sightline").replace("${CREDENTIALS_DIRECTORY}", "."))
    assert Path(program).name == "sightline" and str(Path(program).parents[1]) in DOCKERFILE.read_text()
    assert main([verb, *rest]) == 2  # the options are understood; only the files are not there
    assert "the key file cannot be read" in capsys.readouterr().err
    if analyze := shutil.which("systemd-analyze"):
        done = subprocess.run([analyze, "verify", str(UNIT)], capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if UNIT.name in line and "is not executable" not in line]
        assert not said, said


def other_user(program: Path) -> dict[str, Any]:
    """That of the image, for root, where another user can start the program at all."""
    if os.geteuid():
        return {}
    user: dict[str, Any] = {"user": 10001, "group": 10001, "extra_groups": []}
    try:
        return {} if subprocess.run([program, "-c", ""], check=False, **user).returncode else user
    except PermissionError:
        return {}


@pytest.mark.slow
def test_the_steps_of_the_image_make_a_server(bundle: Path) -> None:
    """Needs a package index; takes a minute."""
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        source, place, models = root / "src", root / "opt" / "sightline", root / "models"
        for new in (source, models):
            new.mkdir()
        shutil.copy(bundle, models)
        for rest in rest_of("COPY"):
            for name in () if "--from" in rest else rest.split()[:-1]:
                (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, source / name)
        for rest in rest_of("RUN"):
            subprocess.run(rest.replace("/opt/sightline", str(place)), shell=True, cwd=source, env=plain, check=True)
        python = place / "bin" / "python"
        assert sum(file.lstat().st_size for file in place.rglob("*")) < 350e6
        assert subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode
        asks(root / "models", {**plain, "PATH": f"{place / 'bin'}:{plain['PATH']}"}, other_user(python))


def asks(models: Path, environment: dict[str, str], user: dict[str, Any]) -> None:
    """Starts what the image starts, looks after its health, and ends it."""
    [entry], [health] = rest_of("ENTRYPOINT"), re.findall(r"CMD (\[.*\])", rest_of("HEALTHCHECK")[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    command = [*json.loads(entry), "--host", "127.0.0.1", "--port", port, *(one.name for one in models.iterdir())]
    started: dict[str, Any] = {"cwd": models, "env": environment, **user}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **started)
    try:
        assert process.stdout and "serving cnn at" in process.stdout.readline()
        healthy = json.loads(health.replace("8000", port))
        assert subprocess.run(healthy, check=False, **started).returncode == 0
        for address in ("/healthz", "/docs", "/v1/models"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{address}") as answer:
                assert answer.status == 200
        if Path("/proc/self").exists():
            assert "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text()
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert subprocess.run(healthy, check=False, **started).returncode == 1
