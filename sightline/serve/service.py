"""What the server does with the images of a request: predict and explain."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request

from sightline.core.errors import SightlineError, unknown
from sightline.explain.explainer import Explainer
from sightline.explain.picture import layer
from sightline.serve.body import Images, images_in
from sightline.serve.crew import Crew, Full, Job
from sightline.serve.keys import Rates
from sightline.serve.metrics import Line
from sightline.serve.models import Loaded, Served
from sightline.serve.problem import Problem
from sightline.serve.query import asked, in_address
from sightline.tables import EXPLAINERS
from sightline.verbs.explain import ExplainOptions, look
from sightline.verbs.predict import PredictOptions
from sightline.verbs.serve import ServeOptions

PREDICT = ("top", "min_confidence")
EXPLAIN = ("method", "label", "item")
FORMATS_FIX = "send a JPEG, PNG, WebP, TIFF, GIF or BMP"
METHODS = [name for name, entry in EXPLAINERS.items() if not entry.weights]
"""Ways to explain for which PyTorch is not loaded."""
EXPLAINING = 8
"""Explanations on their way or waiting: they take seconds, one after the other."""
HELD = 8
"""The bodies in memory are together at most as long as so many of the longest allowed."""


class Service:
    """The models, the crew that answers for them, and the limits."""

    def __init__(self, models: dict[str, Served], options: ServeOptions) -> None:
        self.models, self.options = models, options
        self.rates = Rates(options.rate)
        self.longest = int(options.max_body * 2**20)
        self.draining = False
        self._held = self._explaining = 0

    def start(self) -> None:
        """To be called in the loop that serves."""
        options = self.options
        self._crew = Crew(options.crew, options.queue, options.latency / 1000, options.max_pixels)
        self._explainer = ThreadPoolExecutor(1, "explain")

    def stop(self) -> None:
        """Once nothing is on its way."""
        self._crew.stop()
        self._explainer.shutdown()

    def named(self, request: Request) -> Served:
        """The model that the address names. Raises Problem."""
        name = request.path_params["name"]
        if name not in self.models:
            raise Problem.of(unknown("model", name, self.models), 404, "unknown-model")
        return self.models[name]

    async def predict(self, request: Request) -> str:
        """The answers of a model, a JSON text. Raises Problem."""
        until = time.monotonic() + self.options.timeout
        served, options = self.named(request), asked(PredictOptions, PREDICT, request.scope["query_string"])
        async with _Held(self) as held:
            images = await held.images(request, until)
            future: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
            job = Job(served.loaded, images, options.top, options.min_confidence, until, future)
            try:
                self._crew.submit(job)
            except Full as full:
                raise _busy(f"{self._crew.waiting} images are waiting already", full.seconds) from None
            await self._in_time(future, until)
        if job.failed:
            raise Problem(500, "failed", "the server failed at this request", "its log says why")
        if job.bad == len(job.rows):
            rows = [json.loads(row) for row in job.rows]
            what = rows[0]["error"] if len(rows) == 1 else f"none of the {len(rows)} images can be read"
            raise _unreadable(what, answers=rows)
        return f'{_opening(served, job.loaded)}"answers": [{", ".join(job.rows)}]}}'

    async def explain(self, request: Request) -> str:
        """Why a model answers so about one image, a JSON text. Raises Problem."""
        until = time.monotonic() + self.options.timeout
        served, options = self.named(request), asked(ExplainOptions, EXPLAIN, request.scope["query_string"])
        if options.label is not None and options.item is not None:
            raise Problem(400, "bad-option", "label and item exclude each other", "give one of them")
        if options.method not in (None, "auto", *METHODS):
            what = f"{options.method} needs PyTorch, which the server does not load"
            raise Problem(400, "bad-option", what, f"take one of: {', '.join(METHODS)}")
        async with _Held(self) as held:
            images = await held.images(request, until)
            if len(images) != 1:
                raise Problem(400, "too-many-images", "explain takes one image", "ask once for each")
            if self._explaining >= EXPLAINING:
                raise _busy(f"{self._explaining} explanations are on their way already", 5)
            self._explaining += 1
            try:
                loaded = served.loaded  # another bundle may come meanwhile
                work = partial(self._explain, loaded, *images[0], options, until)
                row = await self._in_time(asyncio.wrap_future(self._explainer.submit(work)), until)
            except SightlineError as error:
                raise Problem.of(in_address(error), 422, "unexplained") from None
            finally:
                self._explaining -= 1
        return f'{_opening(served, loaded)}"explanation": {json.dumps(row, ensure_ascii=False)}}}'

    def _explain(self, loaded: Loaded, name: str, data: bytes, options: ExplainOptions, until: float) -> dict[str, Any]:
        """What `explain --json` says, and the map as a picture to be laid over the image."""
        if time.monotonic() > until:  # nobody waits any more
            return {}
        explainer = Explainer(loaded.bundle, loaded.predictor.task, loaded.predictor.runner)
        try:
            pixels, size = look(explainer, data, self.options.max_pixels)
        except SightlineError as error:
            raise _unreadable(error.what) from None
        found = explainer.explain(pixels, size, options.method or "auto", options.label, options.item)
        file = io.BytesIO()
        layer(found.map).save(file, "PNG")
        heat = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
        return {"image": name, **found.to_dict(), "verdict": found.scores.verdict, "heat": heat}

    async def _in_time(self, future: asyncio.Future[Any], until: float) -> Any:
        try:
            async with asyncio.timeout(until - time.monotonic()):
                return await future
        except TimeoutError:
            raise Problem(504, "timeout", f"no answer within {self.options.timeout:g} s", "ask again later") from None

    def describe(self) -> list[dict[str, Any]]:
        """The models, plain JSON."""
        return [served.describe() for served in self.models.values()]

    def lines(self) -> list[Line]:
        """What is counted here."""
        crew = self._crew
        return [
            ("sightline_images_total", "counter", "Images answered.", crew.images),
            ("sightline_batches_total", "counter", "Batches that they came in.", crew.batches),
            ("sightline_waiting_images", "gauge", "Images that wait for a worker.", crew.waiting),
            ("sightline_explaining", "gauge", "Explanations on their way or waiting.", self._explaining),
            ("sightline_held_bytes", "gauge", "Bodies of requests in memory.", self._held),
            ("sightline_models", "gauge", "Models served.", len(self.models)),
            ("sightline_models_refused", "gauge", "Models whose file was replaced by one that cannot be served.",
             sum(served.refused is not None for served in self.models.values())),
        ]  # fmt: skip


class _Held:
    """The body of a request for as long as it is needed: all of them together have a limit."""

    def __init__(self, service: Service) -> None:
        self._service, self._bytes = service, 0

    async def __aenter__(self) -> _Held:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._service._held -= self._bytes  # pyright: ignore[reportPrivateUsage]

    def _hold(self, count: int) -> None:
        service = self._service
        if self._bytes + count > service.longest:
            most = service.options.max_body
            raise Problem(413, "too-long", f"the request is longer than {most:g} MiB", "send fewer or smaller images")
        if service._held + count > HELD * service.longest:  # pyright: ignore[reportPrivateUsage]
            raise _busy("the requests on their way fill the memory that they may", 1)
        service._held += count  # pyright: ignore[reportPrivateUsage]
        self._bytes += count

    async def images(self, request: Request, until: float) -> Images:
        """The images of the request, in memory. Raises Problem."""
        options = self._service.options
        announced = int(request.headers.get("content-length") or 0)
        self._hold(announced)
        chunks: list[bytes] = []
        length = 0
        try:
            async with asyncio.timeout(until - time.monotonic()):
                async for chunk in request.stream():
                    chunks.append(chunk)
                    length += len(chunk)
                    if length > self._bytes:
                        self._hold(length - self._bytes)
        except TimeoutError:
            what = f"the request did not arrive within {options.timeout:g} s"
            raise Problem(408, "too-slow", what, "send it again", {"connection": "close"}) from None
        except ClientDisconnect:
            raise Problem(400, "cut-short", "the request is cut short", "send it again") from None
        found = images_in(request.headers.get("content-type", ""), b"".join(chunks), options.max_images)
        self._service.rates.charge(request.scope["sightline.client"], len(found))
        return found


def _unreadable(what: str, **more: Any) -> Problem:
    large = "more than the limit" in what
    return Problem(422, "unreadable", what, "send a smaller one" if large else FORMATS_FIX, **more)


def _busy(what: str, seconds: int) -> Problem:
    return Problem(503, "busy", what, f"ask again in {seconds} s", {"retry-after": str(math.ceil(seconds))})


def _opening(served: Served, loaded: Loaded) -> str:
    return f'{{"model": {json.dumps(served.name, ensure_ascii=False)}, "version": "{loaded.version}", '
