"""HTTP/1.1 as uvicorn speaks it, with limits on the head of a request, and whole answers in one write."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sightline.serve.problem import MEDIA_TYPE, Problem

CONNECTIONS = 900
"""At once: a process may often have 1024 files open, no more."""
PIPELINED = 32
"""Requests that may wait on one connection behind the one that is being answered."""
LONGEST_HEAD = 65_536
"""Bytes of the head of a request that arrive after the first piece; also of what is not body behind the head."""
HEAD_SECONDS = 10.0
"""In which the head of a request must arrive once it, or the connection, has begun."""
WRITE_SECONDS = 30.0
"""In which a client must take some of an answer that is too long to be sent at once."""
LINGER = 2.0
"""Seconds in which what still comes is read and thrown away, after an answer that came before the request was whole."""


class Protocol(HttpToolsProtocol):
    """One connection. `unread`: a request has begun to arrive and is not whole."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A request is expected at once."""
        self.unread = self.ended = self._heading = False
        super().connection_made(_Transport(transport, self))  # pyright: ignore[reportArgumentType]
        self._since = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._problem = Problem(400, "not-http", "this is not an HTTP request", "ask with http://, not https://")
        if len(self.connections) > CONNECTIONS:
            what = f"{CONNECTIONS} connections are open already"
            self._refuse(Problem(503, "busy", what, "ask again later", {"retry-after": "1"}))
        else:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected any more."""
        self._came()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request, or several requests."""
        if self.ended:
            return
        self._since += len(data)
        super().data_received(data)
        if self.unread and self._since > LONGEST_HEAD and not self.transport.is_closing():
            what = f"the head of the request is longer than {LONGEST_HEAD:,} bytes"
            self._refuse(Problem(431, "long-head", what, "send fewer or shorter headers"))
        elif not self.unread and (not self.cycle or self.cycle.response_complete):
            self._expect()  # these were empty lines: they do not keep a connection open

    def on_message_begin(self) -> None:
        """The first bytes of a request."""
        super().on_message_begin()
        self._since, self.unread, self._heading = 0, True, True
        self._expect()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head. What comes behind the body does not count: the head has been looked at by then."""
        if self._heading:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._came()
        self._heading = False
        if self.parser and self.parser.should_upgrade():  # the parser would not read the body, nor a further request
            self._problem = Problem(400, "not-http", "only HTTP/1.1 is spoken here", "ask without the header Upgrade")
            raise ValueError
        if len(self.pipeline) >= PIPELINED:
            what = f"more than {PIPELINED} requests wait on one connection"
            self._problem = Problem(400, "too-many-waiting", what, "wait for answers before you ask again")
            raise ValueError
        super().on_headers_complete()
        self.scope["sightline.request"] = self.cycle  # pyright: ignore[reportGeneralTypeIssues]

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._since = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self.unread = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP."""
        self.unread = True
        self._refuse(self._problem)

    def pause_writing(self) -> None:
        """The client does not take what is sent as fast as it comes."""
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken it."""
        super().resume_writing()
        if self._writing:
            self._writing.cancel()
            self._writing = None

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
        more = "".join(f"{name}: {value}\r\n" for name, value in problem.headers.items())
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            f"{more}connection: close\r\n\r\n"
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
        if self._protocol.ended:
            return
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

    def abort(self) -> None:
        self._parts.clear()
        self._transport.abort()

    def _flush(self) -> None:
        if self._parts and not self._transport.is_closing():
            self._transport.writelines(self._parts)
        self._parts = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
