"""The addresses of the server and what each does. FastAPI documents them; each function gets the bare request."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

import sightline
from sightline.serve.documents import (
    DESCRIPTION,
    EXPLAIN_DOCS,
    HEALTH_DOCS,
    METRICS_DOCS,
    MODELS_DOCS,
    PREDICT_DOCS,
    document,
)  # fmt: skip
from sightline.serve.guard import App, Guard, Receive, Scope, Send
from sightline.serve.keys import Keys
from sightline.serve.metrics import MEDIA_TYPE as METRICS_TYPE
from sightline.serve.metrics import Metrics
from sightline.serve.pages import Page
from sightline.serve.problem import MEDIA_TYPE, Problem
from sightline.serve.service import Service

LOG = logging.getLogger("sightline.serve")
Function = Callable[[Request], Coroutine[Any, Any, Response]]


class Bare(APIRoute):
    """A documented address whose function takes the request and returns the response, with nothing in between."""

    def get_route_handler(self) -> Function:
        """The function itself: no parameters are sought, no thread is asked."""
        return self.endpoint


def make_app(service: Service, files: dict[str, Page], keys: Keys | None, loopback: bool) -> Guard:
    """The application: its addresses, and the guard before them."""
    app = FastAPI(
        title="Sightline", version=sightline.__version__, description=DESCRIPTION, docs_url=None, redoc_url=None
    )
    app.router.route_class, app.router.redirect_slashes = Bare, False
    metrics = Metrics()

    async def predict(request: Request) -> Response:
        """What the model sees in the images of the request."""
        return _json(await service.predict(request))

    async def explain(request: Request) -> Response:
        """What in one image the model's answer rests on."""
        return _json(await service.explain(request))

    async def models(request: Request) -> Response:
        """The models that are served."""
        return _json(json.dumps({"models": service.describe()}, ensure_ascii=False))

    async def healthz(request: Request) -> Response:
        """Whether the server runs."""
        return _json('{"status": "ok"}')

    async def readyz(request: Request) -> Response:
        """Whether requests are taken."""
        if service.draining:
            raise Problem(503, "ending", "the server is about to end", "ask another one", {"retry-after": "5"})
        return _json('{"status": "ready"}')

    async def counted(request: Request) -> Response:
        """What was counted, for Prometheus."""
        return Response(metrics.text(service.lines()), media_type=METRICS_TYPE)

    for method, path, function, docs in (
        ("POST", "/v1/models/{name}/predict", predict, PREDICT_DOCS),
        ("POST", "/v1/models/{name}/explain", explain, EXPLAIN_DOCS),
        ("GET", "/v1/models", models, MODELS_DOCS),
        ("GET", "/healthz", healthz, HEALTH_DOCS),
        ("GET", "/readyz", readyz, HEALTH_DOCS),
        ("GET", "/metrics", counted, METRICS_DOCS),
    ):
        app.add_api_route(path, function, methods=[method], operation_id=function.__name__, **docs)
    for path, function in (("/healthz", healthz), ("/readyz", readyz)):  # as some load balancers ask
        app.add_route(path, function, ["HEAD"], include_in_schema=False)
    app.openapi = lambda: document(app, keys is not None)
    for path, page in files.items():
        app.add_route(path, _page(page), ["GET"], include_in_schema=False)
    for kind in (Problem, HTTPException, Exception):
        app.add_exception_handler(kind, _problem)
    route = next(route for route in app.routes if isinstance(route, APIRoute) and route.endpoint is predict)
    direct = {
        ("POST", f"/v1/models/{name}/predict"): _straight(predict, {"route": route, "path_params": {"name": name}})
        for name in service.models
    }
    return Guard(direct, app, keys, service.rates, metrics, loopback, service.models)


def _straight(function: Function, found: dict[str, Any]) -> App:
    """Past FastAPI's layers, which cost more than all the rest that the loop does for a prediction; found: what its
    router would find."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope.update(found)
        request = Request(scope, receive)
        try:
            response = await function(request)
        except Exception as error:
            response = await _problem(request, error)
        await response(scope, receive, send)

    return app


def _json(text: str) -> Response:
    body = text.encode(errors="backslashreplace")  # a name that is no text becomes an escape, which JSON knows too
    return Response(body, headers={"cache-control": "no-store"}, media_type="application/json")


def _page(page: Page) -> Function:
    async def get(request: Request) -> Response:
        headers = {"etag": page.tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == page.tag:
            # With its type: the guard's headers go by it, and those of a 304 replace what the browser has kept.
            return Response(status_code=304, headers=headers, media_type=page.kind)
        return Response(page.body, headers=headers, media_type=page.kind)

    return get


async def _problem(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):  # of the router itself
        error = _routed(error, request)
    elif not isinstance(error, Problem):
        LOG.error("a request failed", exc_info=error)
        error = Problem(500, "failed", "the server failed at this request", "its log says why")
    return Response(error.body(), error.status, {"cache-control": "no-store", **error.headers}, MEDIA_TYPE)


def _routed(error: HTTPException, request: Request) -> Problem:
    if error.status_code == 405:
        headers = dict(error.headers or {})
        what = f"{request.method} is not for this address"
        return Problem(405, "method-not-allowed", what, f"use {headers.get('Allow', 'another method')}", headers)
    return Problem(404, "unknown-address", "there is nothing at this address", "see /docs for those there are")
