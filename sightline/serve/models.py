"""The models that are served: a name each, and the bundle behind it, which may be replaced while the server runs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import SightlineError
from sightline.run.bundle import Bundle, headline, locate, open_bundle
from sightline.serve.stamp import stamp_of
from sightline.verbs.predict import Predictor

LOG = logging.getLogger("sightline.serve")


@dataclass(eq=False)
class Loaded:
    """One bundle, ready to answer.

    version: 12 hex digits of what is in it; facts: what a client may know of it, plain JSON; pace: seconds an image
    takes in a batch, as it was lately.
    """

    bundle: Bundle
    predictor: Predictor
    version: str
    facts: dict[str, Any]
    pace: float

    @staticmethod
    def of(path: Path, threads: int) -> Loaded:
        """Opens the bundle and has it answer once. Raises SightlineError where it cannot."""
        bundle = open_bundle(path)
        try:
            return _loaded(bundle, threads)
        except SightlineError:
            raise
        except Exception as error:  # a bundle whose sums are right may say anything
            why = str(error) or type(error).__name__
            raise SightlineError(f"the bundle cannot be served ({why[:200]})", str(path)) from None


def _loaded(bundle: Bundle, threads: int) -> Loaded:
    digest = hashlib.sha256()
    for name, data in sorted(bundle.members.items()):
        digest.update(name.encode() + hashlib.sha256(data).digest())
    # The weights are in the graph, too; nothing here needs them a second time.
    members = {name: data for name, data in bundle.members.items() if name != "model.safetensors"}
    bundle = dataclasses.replace(bundle, members=members)
    spec, card, version = bundle.spec, bundle.card, digest.hexdigest()[:12]
    facts = {
        "task": spec.task,
        "network": spec.network,
        "classes": list(spec.classes),
        "input": list(spec.inputs["image"].shape),
        "version": version,
        "loaded": instant(time.time()),
        "metrics": card["scores"][headline(card)]["metrics"],
    }
    predictor = Predictor(bundle, threads)
    height, width, *_ = (side or 32 for side in spec.inputs["image"].shape)
    black = np.zeros((height, width, 3), np.uint8)
    [answer] = predictor.batch([black])  # a first time: what is made at first use is made now
    if answer.prediction is None:
        raise SightlineError(f"the model cannot answer ({answer.error})", str(bundle.path))
    json.dumps([facts, answer.prediction.to_dict()], allow_nan=False)
    begun = time.thread_time()
    predictor.batch([black])
    return Loaded(bundle, predictor, version, facts, time.thread_time() - begun)


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
        except SightlineError as error:
            self.refused = {"error": error.what, "since": instant(time.time())}
            LOG.warning("%s: the new file is refused, version %s stays: %s", self.name, self.loaded.version, error.what)
            return
        LOG.info("%s: version %s replaces %s", self.name, loaded.version, self.loaded.version)
        self.loaded, self.refused = loaded, None

    def describe(self) -> dict[str, Any]:
        """What a client may know of it, plain JSON."""
        return {"name": self.name, **self.loaded.facts, "refused": self.refused}


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
