"""The images in a request: its body as it is, or the parts of a multipart form. All of it stays in memory."""

from __future__ import annotations

import re

from sightline.serve.problem import Problem

Images = list[tuple[str, bytes]]
"""A name that the client chose, or `image N`, and the bytes of the file."""
LONGEST_NAME = 255
LONGEST_HEAD = 4096
FIELDS = ("", "image", "images", "file", "files")
"""What a part may be called that has no file name: another one is taken for an option that strayed into the form."""
PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
AGAIN = "let your HTTP library write the form"


def images_in(content_type: str, body: bytes, most: int) -> Images:
    """The images of a body, at most `most`. Raises Problem."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        boundary = _parameters(content_type).get("boundary", "").encode("latin-1", "replace")
        found = [_image(part, number) for number, part in enumerate(_parts(body, boundary, most), 1)]
    elif kind in ("application/json", "text/plain", "text/html"):
        raise Problem(
            415, "not-an-image", f"the body is {kind}, not an image",
            "send the bytes of an image file, or a multipart form with one or more of them",
        )  # fmt: skip
    else:  # whatever it is called: what curl sends without being told is a form by name
        found = [("image 1", body)] if body else []
    if not found:
        raise Problem(400, "no-image", "the request holds no image", "send the bytes of an image file as the body")
    return found


def _parts(body: bytes, boundary: bytes, most: int) -> list[bytes]:
    """The head and the body of each part, as RFC 2046 (5.1.1) has them: between lines that are `--boundary`."""
    if not boundary:
        raise Problem(400, "bad-form", "the form's content type names no boundary", AGAIN)
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, most + 2)[1:]
    if len(parts) > most + 1:
        raise Problem(
            413, "too-many-images", f"the request holds more than {most} images", "send them in several requests"
        )
    if not parts or not parts.pop().startswith(b"--"):
        raise Problem(400, "bad-form", "the form is cut short, or its boundary is another one", AGAIN)
    return parts


def _image(part: bytes, number: int) -> tuple[str, bytes]:
    line, _, rest = part.partition(b"\r\n")  # the boundary's own line
    head, mark, data = (b"\r\n" + rest).partition(b"\r\n\r\n")
    if line.strip() or not mark or len(head) > LONGEST_HEAD:
        raise Problem(400, "bad-form", f"part {number} of the form has no head, or a damaged one", AGAIN)
    for one in head.decode(errors="replace").split("\r\n"):
        name, _, value = one.partition(":")
        if name.strip().lower() == "content-disposition":
            options = _parameters(value)
            field = options.get("name", "")
            if "filename" not in options and field.removesuffix("[]") not in FIELDS:
                raise Problem(
                    400, "not-an-image", f"the form's field {field[:LONGEST_NAME]!r} is not an image",
                    "call images `image`; options belong into the address: …?top=3",
                )  # fmt: skip
            return options.get("filename", "")[:LONGEST_NAME] or f"image {number}", data
    raise Problem(400, "bad-form", f"part {number} of the form has no Content-Disposition", AGAIN)


def _parameters(header: str) -> dict[str, str]:
    r"""What follows the first `;` of a header. In a form only \" is an escape (and browsers write %22 instead)."""
    return {
        found[1].lower(): found[3] if found[2] is None else found[2].replace('\\"', '"')
        for found in PARAMETER.finditer(header)
    }
