"""A load generator that costs little: one thread, plain sockets, each client asks again once it has its answer."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

EDGE = b"edge-of-the-load"


@dataclass
class Load:
    """What came back. seconds: of each answer, in the order of arrival; lost: connections that ended without one."""

    took: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    wrong: int = 0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.statuses[200] / self.took

    def percentile(self, percent: int) -> float:
        """Milliseconds."""
        return 1000 * statistics.quantiles(self.seconds, n=100)[percent - 1]


def request(path: str, image: bytes, field: str = "image") -> bytes:
    """One image in a form, as browsers and HTTP libraries send it."""
    head = f'Content-Disposition: form-data; name="{field}"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = b"--%s\r\n%s%s\r\n--%s--\r\n" % (EDGE, head.encode(), image, EDGE)
    lines = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary={EDGE.decode()}\r\n"
    )
    return f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Connection:
    def __init__(self, port: int) -> None:
        self.port = port
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer, self.wanted = b"", 0

    def read(self) -> bool:
        """Whether the answer is whole. Raises ConnectionError where there is no more."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError
        self.answer += piece
        if not self.wanted:
            end = self.answer.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = self.answer[:end].lower()
            place = head.find(b"content-length:")
            if place < 0:
                raise ValueError(f"an answer without a length: {head!r}")
            self.wanted = end + 4 + int(head[place + 15 :].split(b"\r\n", 1)[0])
        return len(self.answer) >= self.wanted


def drive(
    port: int, requests: Sequence[bytes], clients: int, seconds: float = 0, count: int = 0,
    right: Callable[[int, int, bytes], bool] | None = None,
) -> Load:  # fmt: skip
    """`clients` ask in turn all of `requests`, for so many seconds or until `count` were asked.

    right(place, status, body): whether that is the answer to requests[place].
    """
    load, poll, asked = Load(), select.epoll(), 0
    connections = {one.socket.fileno(): one for one in (_Connection(port) for _ in range(clients))}
    pending: dict[int, tuple[int, float]] = {}
    begun = time.perf_counter()

    def ask(number: int) -> None:
        nonlocal asked
        if (count and asked >= count) or (seconds and time.perf_counter() - begun >= seconds):
            pending.pop(number, None)
            return
        connection = connections[number]
        connection.answer, connection.wanted = b"", 0
        place, asked = asked % len(requests), asked + 1
        pending[number] = (place, time.perf_counter())
        with contextlib.suppress(ConnectionError):  # it is told when the answer is read
            connection.socket.sendall(requests[place])

    for number in connections:
        poll.register(number, select.EPOLLIN)
        ask(number)
    while pending:
        for number, _ in poll.poll(60):
            connection = connections[number]
            if number not in pending:
                poll.unregister(number)
                continue
            try:
                whole = connection.read()
            except ConnectionError:
                load.lost += 1
                poll.unregister(number)
                del pending[number], connections[number]
                connection.socket.close()
                with contextlib.suppress(OSError):
                    connection.connect()
                    number = connection.socket.fileno()
                    connections[number] = connection
                    poll.register(number, select.EPOLLIN)
                    ask(number)
                continue
            if whole:
                place, since = pending[number]
                load.seconds.append(time.perf_counter() - since)
                status = int(connection.answer[9:12])
                load.statuses[status] += 1
                head, _, body = connection.answer.partition(b"\r\n\r\n")
                if right and not right(place, status, body):
                    load.wrong += 1
                if b"connection: close" in head.lower():
                    poll.unregister(number)
                    del pending[number], connections[number]
                    connection.socket.close()
                    connection.connect()
                    number = connection.socket.fileno()
                    connections[number] = connection
                    poll.register(number, select.EPOLLIN)
                ask(number)
    load.took = time.perf_counter() - begun
    for connection in connections.values():
        connection.socket.close()
    return load


@contextlib.contextmanager
def serving(command: Sequence[object], port: int, ready: bytes, **environment: str) -> Iterator[tuple[float, int]]:
    """A server in a process of its own: the seconds from its start until it answers `ready` with 200, and its number.

    Ends the program where it ends by itself or takes longer than a minute.
    """
    with tempfile.TemporaryFile("w+") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], stdout=log, stderr=log, env={**os.environ, **environment},
            start_new_session=True,
        )  # fmt: skip
        try:
            while not _answers(port, ready):
                if process.poll() is not None or time.perf_counter() - begun > 60:
                    log.seek(0)
                    sys.exit(f"the server does not answer: {' '.join(map(str, command))}\n{log.read()[-3000:]}")
                time.sleep(0.02)
            yield time.perf_counter() - begun, process.pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def _answers(port: int, ready: bytes) -> bool:
    try:
        return drive(port, [ready], 1, count=1).statuses[200] == 1
    except (OSError, ValueError):
        return False


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
