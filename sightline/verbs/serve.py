"""serve: bundles behind an address."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.core.errors import MissingExtra, SightlineError
from sightline.core.options import duration, option, resolve
from sightline.data.parallel import cpus


@dataclass(frozen=True)
class ServeOptions:
    """Options of `serve`."""

    host: str = option("127.0.0.1", "the address to listen on; 0.0.0.0 is all of this machine's")
    port: int = option(8000, "the port; 0 takes a free one", low=0, high=65535)
    key_file: Path | None = option(None, "who may ask: a file with a key a line (default: whoever reaches the address)")
    rate: float = option(0.0, "images a second for each key, or for each address without keys; 0 sets no limit", low=0)
    max_body: float = option(32.0, "largest request, in MiB", above=0)
    max_images: int = option(64, "most images in a request", low=1)
    max_pixels: int = option(50_000_000, "largest image that is decoded, in pixels", low=1)
    latency: float = option(100.0, "milliseconds that a batch may take", above=0)
    queue: int = option(256, "images that may wait before others are refused", low=1)
    timeout: float = option(30.0, "seconds after which a request is given up, as 30s or 2m", above=0, parse=duration)
    workers: int | None = option(None, "threads that read images and answer (default: one a processor)", low=1)

    @property
    def crew(self) -> int:
        """How many workers there are."""
        return self.workers or cpus()


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline serve MODEL…`: until it is told to stop; then what was accepted is still answered."""
    options = resolve(ServeOptions, given)
    if not target:
        raise SightlineError("serve takes one bundle or several", fix="type: sightline serve MODEL.sightline")
    for package in ("fastapi", "uvicorn", "httptools"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "serve", "sightline serve")
    from sightline.serve.server import serve

    return serve(target, options, as_json)
