"""The server itself: listens, and on SIGTERM answers what it has accepted before it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import warnings
from collections.abc import Generator, Sequence

import uvicorn

from sightline.core.errors import SightlineError
from sightline.serve.app import Service, make_app
from sightline.serve.models import open_all
from sightline.verbs.serve import ServeOptions

LINGER = 0.3
"""Seconds in which a client that has not heard of the end may still send a request on an open connection."""


def serve(paths: Sequence[str], options: ServeOptions, as_json: bool) -> int:
    """Serves the bundles until a signal ends it; the exit code. Raises SightlineError where it cannot begin."""
    warnings.simplefilter("ignore")  # `image.read` changes the filters while it reads, and here several threads do
    listener = listen(options.host, options.port)
    with listener:
        service = Service(open_all(paths, threads=1), options)
        asyncio.run(_run(service, listener, as_json))
    return 0


async def _run(service: Service, listener: socket.socket, as_json: bool) -> None:
    service.start()
    config = uvicorn.Config(
        make_app(service), log_level="warning", access_log=False, lifespan="off", http="httptools", ws="none",
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=int(service.options.timeout) + 5,
    )  # fmt: skip
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    said = f"serving {', '.join(service.models)} at {address}"
    server = _Server(
        config, service, json.dumps({"address": address, "models": [*service.models]}) if as_json else said
    )
    await server.serve([listener])
    service.crew.stop()


class _Server(uvicorn.Server):
    """uvicorn's, which ends more gently, and with 0."""

    def __init__(self, config: uvicorn.Config, service: Service, greeting: str) -> None:
        super().__init__(config)
        self._service, self._greeting = service, greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says where, once requests are taken."""
        await super().startup(sockets)
        print(self._greeting, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """First takes what waits at the door, then closes it; every answer now ends its connection."""
        self._service.draining = True
        for _ in range(3):  # each round of the loop takes all connections that the system has made for us
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        end = asyncio.get_running_loop().time() + LINGER
        while self.server_state.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The first signal asks for an end, a second one is not waited for. Nothing is raised afterwards."""
        before = {number: signal.signal(number, self._asked) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked(self, *_: object) -> None:
        self.force_exit, self.should_exit = self.should_exit, True


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises SightlineError for an address that is taken or not this machine's."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SightlineError(
            f"cannot listen ({error.strerror or error})", f"{host}:{port}", "name another one: --host HOST --port PORT"
        ) from None
