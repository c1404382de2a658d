"""Ask a server that `sightline serve` has started: `Client(address).predict(model, images)`. Plain HTTP, no packages.

Answers are what `predict --json` and `explain --json` say, as typed dictionaries.
"""

from __future__ import annotations

import http.client
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast, overload
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from sightline.core.answers import Answer, Explained, ModelFacts
from sightline.core.errors import SightlineError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

Image: TypeAlias = "str | Path | bytes | NDArray[Any] | Picture"
"""A path, the bytes of a file, an array (height, width, channel), or a Pillow image."""
Many: TypeAlias = "list[Image] | tuple[Image, ...]"
TOGETHER = 32
"""Images in one request."""
LONGEST = 16 * 2**20
"""Bytes of images in one request, where it has more than one."""
EDGE = "sightline-7f3a9c51d2e84b06"


class ServerError(SightlineError):
    """The server has refused. status: of HTTP; code: its short name for the reason, such as `unknown-model`."""

    def __init__(self, status: int, code: str, what: str, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.status, self.code = status, code


class Client:
    """One connection, which is kept. For use by one thread at a time; `with Client(…) as client:` closes it."""

    def __init__(self, address: str = "http://127.0.0.1:8000", key: str | None = None, timeout: float = 60.0) -> None:
        """key: where the server asks for one. timeout: seconds for one request, in which a server that is busy is asked
        again when it says so. Raises SightlineError for what is no address."""
        parts, host, port = _split(address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.address, self.timeout = f"{parts.scheme}://{parts.netloc}", timeout
        self._prefix = parts.path.rstrip("/")
        self._connection = kind(host, port, timeout=timeout)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; another request makes a new one."""
        self._connection.close()

    def models(self) -> list[ModelFacts]:
        """The models that are served. Raises SightlineError."""
        return self._ask("GET", "/v1/models")["models"]

    def ready(self) -> bool:
        """Whether the server takes requests; False where it cannot be reached."""
        try:
            self._once("GET", "/readyz", None, "", time.monotonic() + self.timeout)
        except (SightlineError, OSError, http.client.HTTPException):
            self.close()
            return False
        return True

    @overload
    def predict(self, model: str, images: Many, *, top: int = 5, min_confidence: float = 0.0) -> list[Answer]: ...
    @overload
    def predict(self, model: str, images: Image, *, top: int = 5, min_confidence: float = 0.0) -> Answer: ...
    def predict(self, model: str, images: Image | Many, *, top: int = 5, min_confidence: float = 0.0) -> Any:
        """What a model sees: an answer for an image, a list of them for a list or tuple, sent in requests of 32.

        An image of a list that cannot be read has an `error`. Raises SightlineError where a single one cannot be read,
        the server refuses (ServerError) or cannot be reached.
        """
        query = {"top": top, "min_confidence": min_confidence}
        if not isinstance(images, list | tuple):
            return self._answers(model, [(_name(images, 1), _bytes(images))], query, single=True)[0]
        found: list[Answer] = []
        for part in _parts(images):
            found += self._answers(model, part, query, single=False)
        return found

    def explain(
        self, model: str, image: Image, *, method: str = "auto", label: str | None = None, item: int | None = None
    ) -> Explained:
        """What in one image a model's answer rests on. label or item (from 1): the answer to explain, the first by
        default. Raises SightlineError."""
        query = {"method": method, "label": label, "item": item}
        found = self._post(model, "explain", [_bytes(image)], query)["explanation"]
        return cast("Explained", {**found, "image": _name(image, 1)})

    def _answers(self, model: str, part: list[tuple[str, bytes]], query: dict[str, Any], single: bool) -> list[Answer]:
        try:
            found = self._post(model, "predict", [data for _, data in part], query)["answers"]
        except _UnreadableError as error:
            if single:
                raise ServerError(error.status, error.code, error.what, part[0][0], error.fix) from None
            found = error.answers
        # The server is not told what files are called.
        return [cast("Answer", {**one, "image": name}) for (name, _), one in zip(part, found, strict=True)]

    def _post(self, model: str, verb: str, images: list[bytes], query: dict[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in query.items() if value is not None}
        path = f"/v1/models/{quote(model, safe='')}/{verb}?{urlencode(known)}"
        if len(images) == 1:
            return self._ask("POST", path, images[0], "application/octet-stream")
        head = f'--{EDGE}\r\nContent-Disposition: form-data; name="image"\r\n\r\n'.encode()
        body = b"".join(part for data in images for part in (head, data, b"\r\n")) + f"--{EDGE}--\r\n".encode()
        return self._ask("POST", path, body, f"multipart/form-data; boundary={EDGE}")

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> dict[str, Any]:
        """A good answer. Asks again where the server says when, and where a kept connection has ended."""
        until = time.monotonic() + self.timeout
        while True:
            kept = self._connection.sock is not None
            try:
                return self._once(method, path, body, kind, until)
            except _BusyError as busy:
                if time.monotonic() + busy.seconds >= until:
                    raise
                time.sleep(busy.seconds)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if kept and not isinstance(error, TimeoutError):
                    continue
                why = f"no answer within {self.timeout:g} s" if isinstance(error, TimeoutError) else str(error)
                fix = "is it running? start one: sightline serve MODEL.sightline"
                raise SightlineError(f"the server cannot be asked ({why or 'it hung up'})", self.address, fix) from None

    def _once(self, method: str, path: str, body: bytes | None, kind: str, until: float) -> dict[str, Any]:
        connection, headers = self._connection, {**self._headers, **({"Content-Type": kind} if kind else {})}
        connection.timeout = max(0.01, until - time.monotonic())
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        try:
            connection.request(method, self._prefix + path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            if body is None:
                raise
            # It may have answered without waiting for all of the body.
        response = connection.getresponse()
        try:
            said: dict[str, Any] = json.loads(response.read())
            what = "" if response.status == 200 else said["detail"]
        except (ValueError, KeyError, TypeError):  # something between us and the server
            said, what = {}, f"what answers is not Sightline: {response.status} {response.reason}"
        if not what:
            return said
        facts = (response.status, said.get("code", "unknown"), what, self.address, said.get("fix", ""))
        if "answers" in said:
            raise _UnreadableError(*facts, answers=said["answers"])
        after = response.headers.get("Retry-After", "")
        raise _BusyError(*facts, seconds=int(after)) if after.isdecimal() else ServerError(*facts)


def _split(address: str) -> tuple[SplitResult, str, int | None]:
    try:
        parts = urlsplit(address if "//" in address else f"http://{address}")
        if parts.hostname and parts.scheme in ("http", "https"):
            return parts, parts.hostname, parts.port
    except ValueError:  # a port that is no number, a bracket that is not closed
        pass
    raise SightlineError("this is no server's address", address, "give one such as http://127.0.0.1:8000")


class _UnreadableError(ServerError):
    def __init__(self, *facts: Any, answers: list[dict[str, Any]]) -> None:
        super().__init__(*facts)
        self.answers = answers


class _BusyError(ServerError):
    def __init__(self, *facts: Any, seconds: int) -> None:
        super().__init__(*facts)
        self.seconds = seconds


def _name(image: Image, number: int) -> str:
    return str(image) if isinstance(image, str | Path) else f"image {number}"


def _bytes(image: Image) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | Path):
        try:
            return Path(image).read_bytes()
        except OSError as error:
            raise SightlineError(f"the image cannot be read ({error.strerror})", str(image)) from None
    from sightline.data.image import to_image  # only here are numpy and Pillow needed

    file = io.BytesIO()
    to_image(image).save(file, "PNG")
    return file.getvalue()


def _parts(images: Many) -> Iterator[list[tuple[str, bytes]]]:
    part: list[tuple[str, bytes]] = []
    for number, image in enumerate(images, 1):
        data = _bytes(image)
        if part and (len(part) == TOGETHER or sum(len(one) for _, one in part) + len(data) > LONGEST):
            yield part
            part = []
        part.append((_name(image, number), data))
    if part:
        yield part
