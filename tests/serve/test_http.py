"""What no HTTP library sends: refused as a problem, and nothing of it keeps a connection or memory."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from server import Server

from sightline.serve.protocol import CONNECTIONS

HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /v1/models/cnn/predict HTTP/1.1\r\n"
MODELS = b"GET /v1/models HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(bundle) as server:
        yield server


def raw(server: Server, data: bytes, times: int = 1) -> bytes:
    """What comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        try:
            for _ in range(times):
                connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):  # closed before all was sent
            assert times > 1
        found = b""
        try:
            while piece := connection.recv(65536):
                found += piece
        except ConnectionResetError:
            pass
        return found


CLOSE = b"Connection: close\r\n\r\n"
BODY = b"Content-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"hello\r\n\r\n", "400 not-http"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "400 not-http"),  # TLS
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 800_000, "431 long-head"),
        (POST + HOST + b"Content-Length: nine\r\n\r\n", "400 not-http"),
        (POST + HOST + b"Content-Length: -1\r\n\r\n", "400 not-http"),
        # two readings of one request: a proxy might take the other
        (POST + HOST + CHUNKED + BODY, "400 not-http"),
        (POST + HOST + b"Content-Length: 4\r\n" + BODY, "400 not-http"),
        (POST + HOST + b"Content-Length : 3\r\n\r\nabc", "400 not-http"),
        (POST + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "400 not-http"),
        (MODELS + HOST + b"X: a\r\n Content-Length: 3\r\n" + CLOSE, "400 not-http"),
        (MODELS + b"Host: example.org\r\n" + HOST + CLOSE, "400 not-http"),
        (POST + b"Host: example.org\r\n" + CHUNKED + b"Connection: close\r\n\r\n0\r\nHost: 127.0.0.1\r\n\r\n",
         "421 wrong-host"),
        (MODELS + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "400 not-http"),
        (POST + HOST + b"Upgrade: h2c\r\nConnection: Upgrade\r\n" + BODY, "400 not-http"),
        (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n" + HOST + b"\r\n", "400 not-http"),
        (MODELS + HOST + b"Origin: http://[\r\n" + CLOSE, "403 wrong-origin"),
        # the body is not waited for
        (b"GET /nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000000\r\n\r\nabc", "404 unknown-address"),
        (POST + HOST + b"Content-Length: 1000000000\r\n\r\nabc", "413 too-long"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_head_is_said(server: Server, data: bytes, expected: str) -> None:
    head, _, body = raw(server, data).partition(b"\r\n\r\n")
    status, _, code = expected.partition(" ")
    assert head.startswith(b"HTTP/1.1 " + status.encode()) and b"connection: close" in head
    assert b"content-type: application/problem+json" in head and b"x-content-type-options: nosniff" in head
    document = json.loads(body)
    assert (document["status"], document["code"]) == (int(status), code) and document["fix"]


def memory(server: Server) -> float:
    """MB that the server holds, as it says itself."""
    text = server.ask("GET", "/metrics")[2].decode()
    return float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)[1]) / 1e6  # type: ignore[index]


@pytest.mark.parametrize(
    "data",
    [
        b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n",  # without waiting for answers
        POST + HOST + CHUNKED + b"\r\n0\r\nX: " + b"x" * 60_000,  # behind the body
        POST + HOST + CHUNKED + b"\r\n1;" + b"x" * 60_000,  # beside a chunk
    ],
    ids=["requests", "trailer", "extension"],
)
def test_what_is_sent_without_end_takes_no_memory(server: Server, data: bytes) -> None:
    before = memory(server)
    raw(server, data + b"x" * 60_000 if b"Transfer" in data else data * 1000, 300)
    assert memory(server) < before + 30


def test_more_connections_than_there_is_room_for_are_told_so(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        try:
            for _ in range(CONNECTIONS):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
        except OSError:
            pytest.skip("this machine does not let a process open so many files")
        found = raw(server, b"")
    assert found.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in found and b'"code": "busy"' in found
    for _ in range(50):  # until it has noticed that they ended
        if server.ask("GET", "/healthz")[0] == 200:
            return
        time.sleep(0.1)
    raise AssertionError("still no room")


def test_the_metrics_have_no_line_for_each_name_that_somebody_makes_up(server: Server) -> None:
    for number in range(3):
        for method in ("GET", "POST"):
            assert server.ask(method, f"/v1/models/made-up-{number}/predict", b"")[0] in (404, 405)
    assert b"made-up" not in server.ask("GET", "/metrics")[2]
