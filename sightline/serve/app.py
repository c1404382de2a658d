"""The addresses of the server and what each does. FastAPI documents them; the hot one gets the bare request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

import sightline
from sightline.core.errors import unknown
from sightline.serve.body import images_in
from sightline.serve.crew import Crew, Full, Job
from sightline.serve.models import Served
from sightline.serve.problem import MEDIA_TYPE, Problem
from sightline.verbs.serve import ServeOptions

JSON = "application/json"


class Bare(APIRoute):
    """A documented address whose function takes the request and returns the response, with nothing in between."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself: no parameters are sought, no thread is asked."""
        return self.endpoint


class Service:
    """What the addresses share: the models and the crew that answers for them."""

    def __init__(self, models: dict[str, Served], options: ServeOptions) -> None:
        self.models, self.options = models, options
        self.draining = False

    def start(self) -> None:
        """To be called in the loop that serves."""
        options = self.options
        self.crew = Crew(options.crew, options.queue, options.latency / 1000, options.max_pixels)

    async def predict(self, request: Request) -> Response:
        """What the model sees in the images of the request."""
        begun = time.monotonic()
        served = self.named(request.path_params["name"])
        until = begun + self.options.timeout
        body = await self.read(request, until)
        images = images_in(request.headers.get("content-type", ""), body, self.options.max_images)
        future: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        job = Job(served.loaded, images, 5, 0.0, until, future)
        try:
            self.crew.submit(job)
        except Full as full:
            raise Problem(
                503, "queue-full", f"{self.crew.waiting} images are waiting already",
                f"ask again in {full.seconds} s", {"retry-after": str(full.seconds)},
            ) from None  # fmt: skip
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await future
        except TimeoutError:
            raise Problem(504, "timeout", f"no answer within {self.options.timeout:g} s", "ask again later") from None
        if job.failed:
            raise Problem(500, "failed", "the server failed at this request", "its log says why")
        if job.bad == len(job.rows):
            rows = [json.loads(row) for row in job.rows]
            what = rows[0]["error"] if len(rows) == 1 else f"none of the {len(rows)} images can be read"
            raise Problem(422, "unreadable", what, "send a JPEG, PNG, WebP, TIFF, GIF or BMP", answers=rows)
        text = (
            f'{{"model": {json.dumps(served.name)}, "version": "{job.loaded.version}", '
            f'"answers": [{", ".join(job.rows)}]}}'
        )
        return Response(text.encode(errors="backslashreplace"), media_type=JSON)

    def named(self, name: str) -> Served:
        """Raises Problem."""
        if name not in self.models:
            raise Problem.of(unknown("model", name, self.models), 404, "unknown-model")
        return self.models[name]

    async def read(self, request: Request, until: float) -> bytes:
        """The body, in memory. Raises Problem where it is too long, or too long on its way."""
        most = int(self.options.max_body * 2**20)
        if int(request.headers.get("content-length", 0)) > most:
            raise _too_long(self.options.max_body)
        body = bytearray()
        async with asyncio.timeout(until - time.monotonic()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise _too_long(self.options.max_body)
        return bytes(body)


def _too_long(most: float) -> Problem:
    return Problem(413, "too-long", f"the request is longer than {most:g} MiB", "send fewer or smaller images")


def _routed(error: HTTPException, request: Request) -> Problem:
    if error.status_code == 405:
        headers = dict(error.headers or {})
        what = f"{request.method} is not for this address"
        return Problem(405, "method-not-allowed", what, f"use {headers.get('Allow', 'another method')}", headers)
    return Problem(404, "unknown-address", "there is nothing at this address", "see /docs for those there are")


def make_app(service: Service) -> FastAPI:
    """The application."""
    app = FastAPI(title="Sightline", version=sightline.__version__, docs_url=None, redoc_url=None)
    app.router.route_class = Bare

    async def predict(request: Request) -> Response:
        """What the model sees in the images of the request."""
        return await service.predict(request)

    async def healthz(request: Request) -> Response:
        """Whether the server runs."""
        return Response(b'{"status": "ok"}', media_type=JSON)

    async def models(request: Request) -> Response:
        """The models that are served."""
        rows = [served.describe() for served in service.models.values()]
        return Response(json.dumps({"models": rows}, ensure_ascii=False), media_type=JSON)

    async def problem(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):  # of the router itself
            error = _routed(error, request)
        assert isinstance(error, Problem)
        return Response(error.body(), error.status, error.headers, MEDIA_TYPE)

    app.add_api_route("/v1/models/{name}/predict", predict, methods=["POST"])
    app.add_api_route("/v1/models", models, methods=["GET"])
    app.add_api_route("/healthz", healthz, methods=["GET"])
    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, problem)
    return app
