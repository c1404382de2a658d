"""What OpenAPI says of each address: what goes in, what comes out."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from sightline.serve.guard import keyed
from sightline.serve.problem import MEDIA_TYPE
from sightline.serve.query import parameters
from sightline.serve.service import EXPLAIN, METHODS, PREDICT
from sightline.verbs.explain import ExplainOptions
from sightline.verbs.predict import PredictOptions

DESCRIPTION = (
    "Ask a model with the bytes of an image, or with a form of several. Where the server was started with a key file, "
    "send `Authorization: Bearer KEY`. Errors are problem documents (RFC 9457): `detail` says what was wrong, `fix` "
    "what to do, `code` is a short name that programs can rely on."
)
TEXT, ANY = {"type": "string"}, {"type": "object", "additionalProperties": True}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": TEXT, "title": TEXT, "status": {"type": "integer"}, "code": TEXT, "detail": TEXT, "fix": TEXT,
        "answers": {"type": "array", "items": ANY, "description": "to many images: what was wrong with each"},
    },
}  # fmt: skip
WRONG = {
    400: "the request is not as it must be",
    401: "no key, or none of this server's",
    403: "a page of another origin",
    404: "no such model or address",
    405: "another method is for this address",
    408: "the request took too long to arrive",
    413: "too long, or too many images",
    415: "not an image",
    421: "a host name that is not this server's",
    422: "no image can be read or explained",
    429: "too many images a second",
    431: "the head of the request is too long",
    500: "the server failed; its log says why",
    503: "too much to do, or about to end",
    504: "no answer in time",
}
ALWAYS = (400, 403, 405, 421, 431, 500, 503)
"""What any address may answer."""
SECONDS = {"description": "seconds after which to ask again", "schema": {"type": "integer", "minimum": 1}}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "how to send a key", "schema": TEXT}},
    405: {"Allow": {"description": "the methods that are", "schema": TEXT}},
    429: {"Retry-After": SECONDS},
    503: {"Retry-After": SECONDS},
}
KEY = {"type": "http", "scheme": "bearer", "description": "a line of the file that --key-file names"}


def document(app: FastAPI, keys: bool) -> dict[str, Any]:
    """FastAPI's document, with what the addresses share. keys: whether the server asks for one."""
    found = FastAPI.openapi(app)
    shared: dict[str, Any] = {"schemas": {"Problem": PROBLEM}}
    found["components"] = shared
    if keys:
        shared["securitySchemes"] = {"key": KEY}
        for path in filter(keyed, found["paths"]):
            for operation in found["paths"][path].values():
                operation["security"] = [{"key": []}]
                operation["responses"]["401"] = _wrong(401)
    return found


def _wrong(status: int) -> dict[str, Any]:
    headers = {name: {"required": True, **header} for name, header in HEADERS.get(status, {}).items()}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": WRONG[status], "content": content, **({"headers": headers} if headers else {})}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _docs(
    answer: dict[str, Any], wrong: tuple[int, ...], kind: str = "application/json", **more: Any
) -> dict[str, Any]:
    responses: dict[int, Any] = {200: {"description": "the answer", "content": {kind: {"schema": answer}}}}
    responses |= {status: _wrong(status) for status in sorted({*ALWAYS, *wrong})}
    return {"responses": responses, "openapi_extra": more}


NAME = {"name": "name", "in": "path", "required": True, "description": "the model, as /v1/models lists it",
        "schema": TEXT}  # fmt: skip
FILE = {"type": "string", "format": "binary"}
POST = (404, 408, 413, 415, 422, 429, 504)


def _body(form: dict[str, Any]) -> dict[str, Any]:
    content = {
        "image/*": {"schema": FILE},
        "multipart/form-data": {"schema": {**_object(image=form), "additionalProperties": False}},
    }
    return {"required": True, "description": "an image file, or a form with one or several", "content": content}


_OF_MODEL = {"model": TEXT, "version": {**TEXT, "description": "changes with the bundle"}}
_ANSWER = {
    **ANY, "required": ["image"], "properties": {"image": TEXT, "error": TEXT},
    "description": "as `sightline predict --json`: the name of the image, and the answer or an `error`",
}  # fmt: skip
PREDICT_DOCS = _docs(
    _object(**_OF_MODEL, answers={"type": "array", "items": _ANSWER}), POST,
    parameters=[NAME, *parameters(PredictOptions, PREDICT)],
    requestBody=_body({"type": "array", "minItems": 1, "items": FILE}),
)  # fmt: skip
_EXPLANATION = {
    **ANY, "required": ["image", "method", "label", "verdict", "heat"],
    "properties": {
        "image": TEXT, "method": TEXT, "label": TEXT, "verdict": TEXT,
        "heat": {**TEXT, "description": "a PNG as a data: address, to be laid over the image"},
    },
    "description": "as `sightline explain --json`",
}  # fmt: skip
_METHOD = [
    {**one, "schema": {**one["schema"], "enum": ["auto", *METHODS]}} if one["name"] == "method" else one
    for one in parameters(ExplainOptions, EXPLAIN)
]
EXPLAIN_DOCS = _docs(
    _object(**_OF_MODEL, explanation=_EXPLANATION), POST, parameters=[NAME, *_METHOD], requestBody=_body(FILE)
)
_MODEL = _object(
    name=TEXT, task=TEXT, network=TEXT, classes={"type": "array", "items": TEXT},
    input={"type": "array", "items": {"type": ["integer", "null"]}, "description": "height, width, channels"},
    version=TEXT, loaded={"type": "string", "format": "date-time"}, metrics=ANY,
    refused={"type": ["object", "null"], "description": "why the file that lies there now is not served"},
)  # fmt: skip
MODELS_DOCS = _docs(_object(models={"type": "array", "items": _MODEL}), ())
HEALTH_DOCS = _docs(_object(status=TEXT), ())
METRICS_DOCS = _docs(TEXT, (), "text/plain")
