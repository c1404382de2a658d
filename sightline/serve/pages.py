"""Files that a browser gets: read once at the start, so that no address of a request ever names a place on the disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}
"""What is handed out; a file of another kind in those folders is not."""


@dataclass(frozen=True)
class Page:
    """One file. tag: what it holds, for `If-None-Match`."""

    body: bytes
    kind: str
    tag: str


def pages() -> dict[str, Page]:
    """Address to file: the page of the folder `sightline/page` at `/`, where there is one, and the API's at `/docs`."""
    root = files("sightline")
    found = {**_under(root / "page", "/"), **_under(root / "serve" / "docs", "/docs/")}
    for address in ("/", "/docs"):
        index = f"{address.rstrip('/')}/index.html"
        if index in found:
            found[address] = found[index]
    return found


def _under(folder: Traversable, address: str) -> dict[str, Page]:
    found: dict[str, Page] = {}
    for entry in folder.iterdir() if folder.is_dir() else ():
        suffix = entry.name[entry.name.rfind(".") :]
        if entry.is_dir():
            found |= _under(entry, f"{address}{entry.name}/")
        elif suffix in TYPES:
            body = entry.read_bytes()
            found[address + entry.name] = Page(body, TYPES[suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return found
