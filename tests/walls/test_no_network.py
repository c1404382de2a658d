"""No verb talks to anybody: every one runs where all but loopback is refused, and nothing even tries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import environment
from tiny import write_boxed

from sightline.tables import VERBS

QUIET = {"CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY", "DO_NOT_TRACK"}
REFUSE = """
import os, socket
def refuse(what):
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(repr(what) + "\\n")
    raise OSError(f"no network: {what}")
def loopback(host):
    return host in (None, "", b"", "localhost", "::1") or str(host).startswith("127.")
class Socket(socket.socket):
    def connect(self, address):
        if self.family != getattr(socket, "AF_UNIX", None) and not loopback(address[0]):
            refuse(address)
        return super().connect(address)
    def connect_ex(self, address):
        if self.family != getattr(socket, "AF_UNIX", None) and not loopback(address[0]):
            refuse(address)
        return super().connect_ex(address)
    def sendto(self, data, *rest):
        if self.family != getattr(socket, "AF_UNIX", None) and not loopback(rest[-1][0]):
            refuse(rest[-1])
        return super().sendto(data, *rest)
def lookup(real):
    return lambda host, *rest, **more: real(host, *rest, **more) if loopback(host) else refuse(host)
socket.socket = Socket
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    setattr(socket, name, lookup(getattr(socket, name)))
"""

DRIVE = """
import contextlib, io, json, sys
from server import end_when_ready
from sightline.cli import main
codes = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        if arguments[0] == "serve":
            end_when_ready(out)
        code = main(arguments)
    codes.append([code, err.getvalue()])
print(json.dumps(codes))
"""


def run(code: str, *arguments: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs the code where the network is refused; and what was attempted."""
    (folder / "sitecustomize.py").write_text(REFUSE)
    (folder / "home").mkdir()
    env = environment(ATTEMPTS=str(folder / "attempts"), HOME=str(folder / "home"))
    # Libraries that report to their makers keep quiet, and out of sight, where these are set.
    env = {key: value for key, value in env.items() if key not in QUIET and not key.startswith("XDG_")}
    env["PYTHONPATH"] = f"{folder}:{env['PYTHONPATH']}:{Path(__file__).parent.parent}"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    attempts = folder / "attempts"
    return done, attempts.read_text().splitlines() if attempts.exists() else []


def test_no_verb_uses_the_network(bundle: Path, shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("two words\n")
    lines = {
        "version": ["version"],
        "networks": ["networks"],
        "formats": ["formats"],
        "check": ["check", str(shapes), "--workers", "2"],
        "evaluate": ["evaluate", str(bundle), str(shapes), "--workers", "2"],
        "predict": ["predict", str(bundle), str(shapes), "--workers", "2"],
        "explain": ["explain", str(bundle), str(next(shapes.rglob("*.png"))), "--method", "gradcam"],
        "convert": ["convert", str(write_boxed(tmp_path / "boxes", 3)), "--to", "coco", "--out", "converted"],
        "render": ["render", str(tmp_path / "text.txt"), "--out", "lines"],
        "compress": ["compress", str(bundle), str(shapes), "--workers", "2", "--max-drop", "100"],
        "export": ["export", str(bundle), "--to", "python", "--data", str(shapes)],
        "serve": ["serve", str(bundle), "--port", "0"],
        "train": ["train", str(shapes), "--network", "cnn", "--imgsz", "16", "--epochs", "1", "--workers", "2"],
    }
    assert set(lines) == set(VERBS)
    done, attempts = run(DRIVE, json.dumps(list(lines.values())), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {verb: tuple(row) for verb, row in zip(lines, json.loads(done.stdout), strict=True) if row[0]} == {}
    assert attempts == []
    left = [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert left == [], "nothing is kept in the home folder: no number of the machine, no reports to be sent"


@pytest.mark.parametrize(
    "code",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "socket.getaddrinfo('example.org', 443)",
        "urllib.request.urlopen('http://192.0.2.1/')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    ],
)
def test_the_wall_refuses_and_notes_what_tries(code: str, tmp_path: Path) -> None:
    done, attempts = run(f"import socket, urllib.request\n{code}", folder=tmp_path)
    assert done.returncode == 1 and "no network" in done.stderr
    assert len(attempts) == 1


def test_the_wall_lets_loopback_through(tmp_path: Path) -> None:
    code = (
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).sendall(b'hello')\nprint(server.accept()[0].recv(5).decode())"
    )
    done, attempts = run(code, folder=tmp_path)
    assert done.stdout.strip() == "hello", done.stderr
    assert attempts == []
