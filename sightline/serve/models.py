"""The models that are served: a name each, and the bundle behind it, which may be replaced while the server runs."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import SightlineError
from sightline.run.bundle import Bundle, headline, locate, open_bundle
from sightline.verbs.predict import Predictor

LOG = logging.getLogger("sightline.serve")


@dataclass(eq=False)
class Loaded:
    """One bundle, ready to answer.

    version: 12 hex digits of what is in it; since: seconds since the epoch; pace: seconds an image takes in a batch,
    as it was lately.
    """

    bundle: Bundle
    predictor: Predictor
    version: str
    since: float
    pace: float

    @staticmethod
    def of(path: Path, threads: int) -> Loaded:
        """Opens the bundle and has it answer once. Raises SightlineError where it cannot."""
        bundle = open_bundle(path)
        predictor = Predictor(bundle, threads)
        shape = [side or 32 for side in bundle.spec.inputs["image"].shape]
        black = np.zeros((shape[0], shape[1], 3), np.uint8)
        [answer] = predictor.batch([black])  # a first time: what is made at first use is made now
        if answer.error:
            raise SightlineError(f"the model cannot answer ({answer.error})", str(path))
        begun = time.thread_time()
        predictor.batch([black])
        pace = time.thread_time() - begun
        digest = hashlib.sha256()
        for name, data in sorted(bundle.members.items()):
            digest.update(name.encode() + hashlib.sha256(data).digest())
        return Loaded(bundle, predictor, digest.hexdigest()[:12], time.time(), pace)


Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """What changes when a file is replaced: time, size, inode; None where there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 (once a second for each model)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Served:
    """A model under its name. `loaded` is replaced as a whole: who has taken it keeps what it took.

    refused: why the file that lies there now is not served, and since when; None where it is.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Raises SightlineError where the bundle cannot be served."""
        self._threads = threads
        self.path = locate(path)
        self._stamp = stamp_of(self.path)
        self.loaded = Loaded.of(self.path, threads)
        self.name = self.path.stem
        self.refused: dict[str, Any] | None = None

    def changed(self) -> bool:
        """Whether another file lies there than when it was last looked at."""
        return stamp_of(self.path) != self._stamp

    def reload(self) -> None:
        """Takes the file that lies there now; where it cannot be served, the one that was loaded stays, and it is said.

        Requests that are on their way get their answers from what they began with.
        """
        self._stamp = stamp_of(self.path)
        try:
            loaded = Loaded.of(self.path, self._threads)
        except Exception as error:  # a bundle that is not ours may fail in any way; the server goes on
            why = error.what if isinstance(error, SightlineError) else str(error) or type(error).__name__
            self.refused = {"error": why, "since": instant(time.time())}
            LOG.warning("%s: the new file is refused, version %s stays: %s", self.name, self.loaded.version, why)
            return
        LOG.info("%s: version %s replaces %s", self.name, loaded.version, self.loaded.version)
        self.loaded, self.refused = loaded, None

    def describe(self) -> dict[str, Any]:
        """What a client may know of it, plain JSON."""
        loaded = self.loaded
        spec, card = loaded.bundle.spec, loaded.bundle.card
        return {
            "name": self.name,
            "task": spec.task,
            "network": spec.network,
            "classes": list(spec.classes),
            "input": list(spec.inputs["image"].shape),
            "version": loaded.version,
            "loaded": instant(loaded.since),
            "metrics": card["scores"][headline(card)]["metrics"],
            "refused": self.refused,
        }


def instant(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 writes them, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def open_all(paths: Sequence[str], threads: int) -> dict[str, Served]:
    """The models by name, the bundle's file name without its suffix. Raises SightlineError where two have the same."""
    found: dict[str, Served] = {}
    for path in paths:
        served = Served(Path(path), threads)
        if served.name in found:
            raise SightlineError(
                f"two models would both be called {served.name!r}", f"{found[served.name].path} and {served.path}",
                "copy one of them to a file of another name",
            )  # fmt: skip
        found[served.name] = served
    return found
