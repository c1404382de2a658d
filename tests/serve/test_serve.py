"""`sightline serve`: answers, and errors that say what was wrong and what to do."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from server import Server, form
from support import Result

from sightline.core.errors import SightlineError
from sightline.verbs.serve import command


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that serves the same bundle as `cnn` and as `other`."""
    other = shutil.copy(bundle, tmp_path_factory.mktemp("models") / "other.sightline")
    with Server(bundle, other, "--max-body", "0.1", "--max-images", 20, "--max-pixels", 10_000) as server:
        yield server


@pytest.fixture
def files(strangers: Path) -> list[Path]:
    return sorted(strangers.rglob("*.png"))


def test_many_images_are_answered_in_order_as_predict_does(
    server: Server, bundle: Path, files: list[Path], cli: Callable[..., Result]
) -> None:
    body, kind = form(*((str(file), file.read_bytes()) for file in files))
    status, found = server.post("/v1/models/cnn/predict", body, content_type=kind)
    assert status == 200 and found["model"] == "cnn" and len(found["version"]) == 12
    for ours, theirs in zip(found["answers"], cli("predict", bundle, *files, "--json").lines, strict=True):
        assert ours["image"] == theirs["image"] and ours["label"] == theirs["label"]
        assert ours["confidence"] == pytest.approx(theirs["confidence"], abs=2e-5)


def test_a_bad_image_does_not_spoil_the_others(server: Server, files: list[Path]) -> None:
    body, kind = form(("good", files[0].read_bytes()), ("bad", b"no image"), ("cut", files[1].read_bytes()[:60]))
    status, found = server.post("/v1/models/other/predict", body, content_type=kind)
    assert status == 200
    good, bad, cut = found["answers"]
    assert good["label"] and bad == {"image": "bad", "error": "this is no image, or of an unknown format"}
    assert cut["error"].startswith("the image is damaged")


def problem(found: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    """Status and code of an answer that is a problem document."""
    status, headers, body = found
    document = json.loads(body)
    assert headers["content-type"] == "application/problem+json" and document["status"] == status
    assert document["detail"] and document["fix"]
    return status, document["code"]


def test_problems_say_what_was_wrong(server: Server, files: list[Path]) -> None:
    image, kind = files[0].read_bytes(), {"content-type": "multipart/form-data; boundary=edge"}
    many = form(*[("a", image)] * 21)[0]
    path = "/v1/models/cnn/predict"
    for address, body, headers, expected in (
        ("/v1/models/cn/predict", image, {}, (404, "unknown-model")),
        ("/v1/models/..%2Fcnn/predict", image, {}, (404, "unknown-address")),
        (path, b"", {}, (400, "no-image")),
        (path, b"no image", {}, (422, "unreadable")),
        (path, bytes(110_000), {}, (413, "too-long")),
        (path, b"{}", {"content-type": "application/json"}, (415, "not-an-image")),
        (path, many, kind, (413, "too-many-images")),
        (path, many[: len(many) // 2], kind, (400, "bad-form")),
        (path, b"--edge\r\nbroken", kind, (400, "bad-form")),
        (path, image, {"content-type": "multipart/form-data"}, (400, "bad-form")),
        (path, b'--edge\r\nContent-Disposition: form-data; name="top"\r\n\r\n3\r\n--edge--\r\n', kind,
         (400, "not-an-image")),
    ):  # fmt: skip
        assert problem(server.ask("POST", address, body, headers)) == expected
    assert problem(server.ask("GET", path)) == (405, "method-not-allowed")
    assert problem(server.ask("GET", "/nothing")) == (404, "unknown-address")


def test_it_ends_with_0_when_told_to(bundle: Path) -> None:
    with Server(bundle) as server:
        assert server.get("/healthz") == (200, {"status": "ok"})
        assert server.stop() == 0
    assert "ending: no new connections; 0 are open" in server.log and len(server.log.splitlines()) == 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ([], "serve takes one bundle or several"),
        (["missing.sightline"], "the bundle does not exist"),
        (["a.sightline", "sub/a.sightline"], "two models would both be called 'a'"),
    ],
)
def test_what_cannot_be_served_is_said(target: list[str], said: str, bundle: Path, here: Path) -> None:
    Path("sub").mkdir()
    for name in ("a.sightline", "sub/a.sightline"):
        shutil.copy(bundle, name)
    with pytest.raises(SightlineError) as error:
        command(target, {"port": 0}, False)
    assert said in error.value.what and error.value.fix


def test_a_taken_port_is_said(server: Server, bundle: Path) -> None:
    with pytest.raises(SightlineError) as error:
        command([str(bundle)], {"port": server.port}, False)
    assert "cannot listen" in error.value.what and "--port" in error.value.fix


def raw(server: Server, data: bytes) -> bytes:
    """What comes back for bytes that no HTTP library would send."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(data)
        found = b""
        while piece := connection.recv(65536):
            found += piece
        return found


def test_a_body_in_chunks_and_requests_in_one_go_are_answered(server: Server, files: list[Path]) -> None:
    image = files[0].read_bytes()
    head = b"POST /v1/models/cnn/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (image[:50], image[50:]))
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    whole = head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(image) + image
    found = raw(server, chunked + whole)
    assert found.count(b"HTTP/1.1 200 OK") == 2 and found.count(b'"answers"') == 2
    endless = head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + b"10000\r\n" + bytes(65536) + b"\r\n"
    assert b"HTTP/1.1 413" in raw(server, endless + b"10000\r\n" + bytes(65536) + b"\r\n0\r\n\r\n")
