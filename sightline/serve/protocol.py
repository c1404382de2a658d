"""HTTP/1.1 as uvicorn speaks it, with limits on the head of a request, and whole answers in one write."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sightline.serve.problem import MEDIA_TYPE, Problem

LONGEST_HEAD = 65_536
"""Bytes of it that arrive after the first piece."""
HEAD_SECONDS = 10.0
"""In which the head of a request must arrive once it, or the connection, has begun."""


LINGER = 2.0
"""Seconds in which what still comes is read and thrown away, after an answer that came before the request was whole."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A request is expected at once."""
        self.unread = self.ended = False
        super().connection_made(_Transport(transport, self))  # pyright: ignore[reportArgumentType]
        self._head = 0
        self._timer: asyncio.TimerHandle | None = None
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected any more."""
        self._came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request, or several requests."""
        if self.ended:
            return
        self._head += len(data)
        super().data_received(data)
        if self._timer and self._head > LONGEST_HEAD and not self.transport.is_closing():
            what = f"the head of the request is longer than {LONGEST_HEAD:,} bytes"
            self._refuse(Problem(431, "long-head", what, "send fewer or shorter headers"))

    def on_message_begin(self) -> None:
        """The first bytes of a request."""
        super().on_message_begin()
        self._head, self.unread = 0, True
        self._expect()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._came()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self.unread = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP."""
        self.unread = True
        self._refuse(Problem(400, "not-http", "this is not an HTTP request", "ask with http://, not https://"))

    def _expect(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _came(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        body = problem.body()
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _Transport:
    """What is written in one turn of the loop is sent at once: the head of an answer with its body.

    A connection that ends with the request half read is closed in two steps: otherwise the system would tell the client
    that it was reset, and drop the answer that says why.
    """

    def __init__(self, transport: asyncio.Transport, protocol: Protocol) -> None:
        self._transport, self._protocol = transport, protocol
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._protocol.loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        if self._protocol.unread and not self._protocol.ended and self._transport.can_write_eof():
            self._protocol.ended = True
            self._transport.write_eof()
            self._transport.resume_reading()
            self._protocol.loop.call_later(LINGER, self._transport.close)
        elif not self._protocol.ended:
            self._transport.close()

    def is_closing(self) -> bool:
        return self._protocol.ended or self._transport.is_closing()

    def _flush(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
