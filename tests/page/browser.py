"""Folders of the page behind an address, and a browser that looks at them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests read what pytest says."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a plain static host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class Visit:
    """A page that is looked at; `heard` is what it said on the console and what it asked of other addresses."""

    def __init__(self, browser: Any, address: str, ready: str = "body[data-ready]", **options: Any) -> None:
        """ready: what is there once the page can be used; options: of the browser's context."""
        options = {"viewport": {"width": 1280, "height": 860}, "locale": "en", **options}
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.heard: list[str] = []
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("request", lambda request: self._request(request.url, address))
        self.page.goto(address)
        self.page.wait_for_selector(ready, timeout=60_000)

    def _request(self, url: str, address: str) -> None:
        origin = "/".join(address.split("/")[:3])
        if not url.startswith((address, f"blob:{origin}/")):
            self.heard.append(url)

    def take(self, *files: Path) -> None:
        """Chooses files, and waits for the answer of the first of them."""
        self.page.set_input_files("#files", [str(path) for path in files])
        self.page.wait_for_selector("#answer .rows, #problem:not([hidden])", timeout=60_000)

    def until(self, condition: str, seconds: float = 60) -> None:
        """Waits until an expression is true; by asking, as the page's policy lets no text run in it."""
        for _ in range(int(20 * seconds)):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {condition}")

    def texts(self, selector: str) -> list[str]:
        """What stands in all elements of a kind."""
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]
