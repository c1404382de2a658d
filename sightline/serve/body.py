"""The images in a request: its body as it is, or the parts of a multipart form. All of it stays in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sightline.serve.problem import Problem

Images = list[tuple[str, bytes]]
"""A name that the client chose, or `image N`, and the bytes of the file."""
LONGEST_NAME = 255
FIELDS = ("", "image", "images", "file", "files")
"""What a part may be called that has no file name: another one is taken for an option that strayed into the form."""


@dataclass(slots=True)
class _Part:
    header: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    chunks: list[bytes] = field(default_factory=list[bytes])


def images_in(content_type: str, body: bytes, most: int) -> Images:
    """The images of a body, at most `most`. Raises Problem."""
    kind, options = parse_options_header(content_type)
    if kind == b"multipart/form-data":
        found = _named(_parts(body, options.get(b"boundary", b""), most))
    elif kind in (b"application/json", b"text/plain", b"text/html"):
        raise Problem(
            415, "not-an-image", f"the body is {kind.decode()}, not an image",
            "send the bytes of an image file, or a multipart form with one or more of them",
        )  # fmt: skip
    else:  # whatever it is called: what curl sends without being told is a form by name
        found = [("image 1", body)] if body else []
    if not found:
        raise Problem(400, "no-image", "the request holds no image", "send the bytes of an image file as the body")
    return found


def _named(parts: list[_Part]) -> Images:
    found: Images = []
    for number, part in enumerate(parts, 1):
        _, options = parse_options_header(part.headers.get(b"content-disposition", b"").decode("latin-1"))
        field_name = options.get(b"name", b"").decode(errors="replace")
        name = options.get(b"filename", b"").decode(errors="replace")[:LONGEST_NAME]
        if b"filename" not in options and field_name.rstrip("[]") not in FIELDS:
            raise Problem(
                400, "not-an-image", f"the form's field {field_name[:LONGEST_NAME]!r} is not an image",
                "call images `image`; options belong into the address: …?top=3",
            )  # fmt: skip
        found.append((name or f"image {number}", b"".join(part.chunks)))
    return found


def _parts(body: bytes, boundary: bytes, most: int) -> list[_Part]:
    parts: list[_Part] = []
    ended: list[bool] = []

    def begin() -> None:
        if len(parts) >= most:
            raise too_many(most)
        parts.append(_Part())

    def header_field(data: bytes, start: int, end: int) -> None:
        parts[-1].header += data[start:end].lower()

    def header_value(data: bytes, start: int, end: int) -> None:
        headers, name = parts[-1].headers, parts[-1].header
        headers[name] = headers.get(name, b"") + data[start:end]

    def header_end() -> None:
        parts[-1].header = b""

    def data(data: bytes, start: int, end: int) -> None:
        parts[-1].chunks.append(data[start:end])

    if not boundary:
        raise Problem(400, "bad-form", "the form's content type names no boundary", "let your HTTP library write it")
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin, "on_header_field": header_field, "on_header_value": header_value,
                "on_header_end": header_end, "on_part_data": data, "on_end": lambda: ended.append(True),
            },
        )  # fmt: skip
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Problem(400, "bad-form", f"the form cannot be read ({error})", "let your HTTP library write it") from None
    if not ended:
        raise Problem(400, "bad-form", "the form is cut short", "send it again")
    return parts


def too_many(most: int) -> Problem:
    """The problem of a request with more than `most` images."""
    return Problem(
        413, "too-many-images", f"the request holds more than {most} images", "send them in several requests"
    )
