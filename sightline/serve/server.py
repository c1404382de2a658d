"""The server itself: listens, watches the bundles, and on SIGTERM answers what it has accepted before it ends."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Generator, Sequence

import uvicorn

from sightline.core.errors import SightlineError
from sightline.serve.app import make_app
from sightline.serve.guard import Guard, is_loopback
from sightline.serve.keys import Keys
from sightline.serve.models import Served, open_all
from sightline.serve.pages import pages
from sightline.serve.protocol import Protocol
from sightline.serve.service import Service
from sightline.verbs.serve import ServeOptions

LOG = logging.getLogger("sightline.serve")
LINGER = 0.3
"""Seconds in which a client that has not heard of the end may still send a request on an open connection."""
WATCH = 1.0
"""Seconds between two looks at the bundles' files."""


def serve(paths: Sequence[str], options: ServeOptions, as_json: bool) -> int:
    """Serves the bundles until a signal ends it; the exit code. Raises SightlineError where it cannot begin."""
    warnings.simplefilter("ignore")  # `image.read` changes the filters while it reads, and here several threads do
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    keys = Keys(options.key_file) if options.key_file else None
    with listen(options.host, options.port) as listener:
        host, port = listener.getsockname()[:2]
        service = Service(open_all(paths, threads=1), options)
        if keys is None and not is_loopback(host):
            LOG.warning("anyone who reaches %s:%s may ask; to ask for a key: --key-file FILE", host, port)
        guard = make_app(service, pages(), keys, is_loopback(host))
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        greeting = f"serving {', '.join(service.models)} at {address}"
        if as_json:
            greeting = json.dumps({"address": address, "models": [*service.models]})
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(service, guard, keys, listener, greeting))
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """That of uvloop, where it is installed: it exists for Linux and macOS."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop


async def _run(service: Service, guard: Guard, keys: Keys | None, listener: socket.socket, greeting: str) -> None:
    service.start()
    config = uvicorn.Config(
        guard, log_level="critical", log_config=None, access_log=False, lifespan="off", http=Protocol, ws="none",
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=int(service.options.timeout) + 5,
    )  # fmt: skip
    watching = [asyncio.create_task(_watch(file)) for file in (*service.models.values(), *([keys] if keys else []))]
    await _Server(config, service, guard, greeting).serve([listener])
    for task in watching:
        task.cancel()
    service.stop()


async def _watch(file: Served | Keys) -> None:
    """Takes a file again whenever it was replaced, in a thread that nobody waits for at the end."""
    while True:
        await asyncio.sleep(WATCH)
        if file.changed():
            thread = threading.Thread(target=file.reload, name="reload", daemon=True)
            thread.start()
            while thread.is_alive():
                await asyncio.sleep(WATCH / 10)


class _Server(uvicorn.Server):
    """uvicorn's, which ends more gently, and with 0."""

    def __init__(self, config: uvicorn.Config, service: Service, guard: Guard, greeting: str) -> None:
        super().__init__(config)
        self._service, self._guard, self._greeting = service, guard, greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says where, once requests are taken."""
        await super().startup(sockets)
        print(self._greeting, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """First takes what waits at the door, then closes it; from then on every answer ends its connection.

        In this order: a client whose connection ends makes a new one, and must not find a door about to be closed.
        """
        self._service.draining = True
        for _ in range(3):  # each round of the loop takes all connections that the system has made for us
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        await asyncio.sleep(0.01)
        self._guard.draining = True
        LOG.info("ending: no new connections; %d are open", len(self.server_state.connections))
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
