"""What went wrong with a request, as RFC 9457 says it: application/problem+json."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from sightline.core.errors import SightlineError

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 (the name that the standard gives it)
    """An answer other than the one asked for.

    status: of HTTP; code: a short name that programs can rely on; detail: what was wrong; fix: what to do; headers:
    of the answer, besides the usual ones; more: further members of the document, plain JSON.
    """

    def __init__(
        self, status: int, code: str, detail: str, fix: str = "", headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.fix = status, code, detail, fix
        self.headers, self.more = headers or {}, more

    @staticmethod
    def of(error: SightlineError, status: int, code: str) -> Problem:
        """The same error for a client; where it happened on this machine is not told."""
        return Problem(status, code, error.what, error.fix)

    @property
    def title(self) -> str:
        """That of the status."""
        return HTTPStatus(self.status).phrase

    def body(self) -> bytes:
        """The document. `type` is about:blank, so `title` is that of the status; `code` tells one from another."""
        document = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **({"fix": self.fix} if self.fix else {}),
            **self.more,
        }
        return json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace")
