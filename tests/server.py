"""`sightline serve` in a process of its own, for tests that ask it."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from support import command, environment


class Server:
    """with Server(bundle, "--queue", 4) as server: server.post(…). Its log is `server.log` once it has ended."""

    def __init__(self, *arguments: object, cwd: Path | None = None, port: int = 0) -> None:
        self.process = subprocess.Popen(
            command("serve", *arguments, "--port", port, "--json"), cwd=cwd, env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.communicate()[1])
        self.address: str = json.loads(line)["address"]
        self.port = int(self.address.rpartition(":")[2])
        self.log = ""

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal and waits; the exit code."""
        self.process.send_signal(number)
        _, self.log = self.process.communicate(timeout=60)
        return self.process.returncode

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON document."""
        status, _, body = self.ask("GET", path, headers=headers)
        return status, json.loads(body)

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """Status and JSON document."""
        status, _, answer = self.ask("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        return status, json.loads(answer)


def form(*images: tuple[str, bytes], field: str = "image") -> tuple[bytes, str]:
    """A multipart body of named files, and its content type."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in images
    ]
    return b"".join(parts) + b"--edge--\r\n", "multipart/form-data; boundary=edge"


def end_when_ready(out: io.StringIO) -> None:
    """For a server in this process, whose stdout is `out`: asks it once it is ready, then has it end."""

    def watch() -> None:
        end = time.monotonic() + 30
        while "http://" not in out.getvalue() and time.monotonic() < end:
            time.sleep(0.02)
        try:
            urllib.request.urlopen(out.getvalue().split()[-1] + "/healthz", timeout=5).read()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
