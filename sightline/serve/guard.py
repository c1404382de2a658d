"""What every request passes: who may ask, whence and how often; and what every answer carries."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sightline.serve.keys import Keys, Rates
from sightline.serve.metrics import Metrics
from sightline.serve.problem import MEDIA_TYPE, Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CLOSED: Headers = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
]
"""On answers for programs."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
OPEN: Headers = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), usb=(), payment=()"),
    (b"x-frame-options", b"DENY"),
]
"""On pages: own modules, wasm, and images that the page made itself; nothing from elsewhere, in no frame."""


class Guard:
    """Wraps the application. `draining`: every answer ends its connection."""

    def __init__(self, apps: Mapping[tuple[str, str], App], other: App, keys: Keys | None, rates: Rates,
                 metrics: Metrics, loopback: bool, models: Collection[str] = ()) -> None:  # fmt: skip
        """apps: by method and path; other: for the rest; loopback: the server is reached from this machine alone."""
        self._models = models
        self._apps, self._other, self._keys, self._rates, self._metrics = apps, other, keys, rates, metrics
        self._local = loopback and keys is None
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        begun, statuses, request = time.monotonic(), list[int](), scope["sightline.request"]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                headers: Headers = message["headers"]
                html = any(name == b"content-type" and value[:9] == b"text/html" for name, value in headers)
                headers.extend(OPEN if html else CLOSED)
                if self.draining or request.more_body:  # what would still come of the request is not waited for
                    headers.append((b"connection", b"close"))
            await send(message)

        headers = dict[bytes, bytes](scope["headers"])
        try:
            self._check(scope, headers)
        except Problem as problem:
            await answer(sent, problem.status, problem.body(), MEDIA_TYPE, problem.headers)
        else:
            await self._apps.get((scope["method"], scope["path"]), self._other)(scope, receive, sent)
        status = statuses[0] if statuses else 500
        name = scope.get("path_params", {}).get("name", "")
        model = name if name in self._models else ""  # not what anybody asks for: each would be a line in the metrics
        address = getattr(scope.get("route"), "path", "other")
        self._metrics.count(address, model, status, time.monotonic() - begun)

    def _check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        if len(headers) < len(scope["headers"]) and sum(name == b"host" for name, _ in scope["headers"]) > 1:
            raise Problem(400, "not-http", "the request names more than one host", "send the header Host once")
        host = headers.get(b"host", b"").decode("latin-1")
        if self._local and not _is_local(host):
            # A page elsewhere may have its own name lead here (DNS rebinding); without keys the name must be ours.
            raise Problem(
                421, "wrong-host", f"this server answers for this machine alone, not for {host[:100]!r}",
                "ask 127.0.0.1 or localhost, or start it with --key-file",
            )  # fmt: skip
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and _netloc(origin) != host:
            raise Problem(
                403, "wrong-origin", f"a page of {origin[:100]!r} may not ask this server",
                "open the page that the server has, or ask from a program",
            )  # fmt: skip
        path: str = scope["path"]
        if keyed(path):
            client = scope["client"][0] if scope.get("client") else ""
            if self._keys:
                client = self._keys.client(headers.get(b"authorization", b"").decode("latin-1"))
            if scope["method"] == "POST":
                self._rates.ask(client)
            scope["sightline.client"] = client


def keyed(path: str) -> bool:
    """Whether an address asks for a key, where the server has keys."""
    return path.startswith("/v1") or path == "/metrics"


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


@lru_cache(64)
def _is_local(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or is_loopback(name)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def answer(send: Send, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
    """A whole answer."""
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in (more or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
