"""Safe by default: keys, rates, hosts, origins, headers; nothing on the disk."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from server import Server, form
from support import Result

from sightline.core.errors import SightlineError
from sightline.serve.body import images_in
from sightline.serve.keys import Keys, Rates
from sightline.serve.problem import Problem

KEY, OTHER = "one-key-of-at-least-16", "another-key-of-16-letters"
PREDICT = "/v1/models/cnn/predict"


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that asks for keys."""
    folder = tmp_path_factory.mktemp("keyed")
    (folder / "keys").write_text(f"# ours\n{KEY}\n\n{OTHER}\n")
    with Server(bundle, "--key-file", folder / "keys", "--rate", 2, cwd=folder) as server:
        yield server
    assert [path.name for path in folder.iterdir()] == ["keys"], "something was stored"
    assert KEY not in server.log and "secret" not in server.log


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_only_a_key_opens_the_models_and_the_numbers(server: Server, image: bytes) -> None:
    for headers in ({}, bearer(KEY[:-1]), bearer("x" * 40), {"Authorization": KEY}, {"Authorization": f"Basic {KEY}"}):
        for method, path, body in (("POST", PREDICT, image), ("GET", "/v1/models", None), ("GET", "/metrics", None)):
            status, answered, document = server.ask(method, path, body, headers)
            assert status == 401 and answered["www-authenticate"] == "Bearer"
            assert json.loads(document)["code"] == "no-key"
    assert server.ask("GET", "/v1/models", headers=bearer(OTHER))[0] == 200
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert server.ask("GET", path)[0] == 200


def test_a_key_has_its_own_rate(server: Server, image: bytes) -> None:
    body, kind = form(*[("secret.png", image)] * 5)
    headers = {"content-type": kind}
    assert server.ask("POST", PREDICT, body, {**headers, **bearer(KEY)})[0] == 200
    status, answered, document = server.ask("POST", PREDICT, body, {**headers, **bearer(KEY)})
    assert status == 429 and int(answered["retry-after"]) in (1, 2) and json.loads(document)["fix"]
    assert server.ask("POST", PREDICT, image, bearer(OTHER))[0] == 200


def test_every_answer_carries_what_protects_a_browser(server: Server, image: bytes) -> None:
    for method, path in (("GET", "/docs"), ("GET", "/healthz"), ("POST", PREDICT), ("GET", "/nothing")):
        _, headers, _ = server.ask(method, path, image if method == "POST" else None)
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers
    policy = server.ask("GET", "/docs")[1]["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy and "img-src 'self' blob: data:;" in policy
    assert "unsafe-inline" not in policy and "http" not in policy


def test_pages_come_with_their_types_and_name_no_other_place(server: Server) -> None:
    types = {"/": "text/html", "/docs": "text/html", "/docs/docs.js": "text/javascript", "/docs/docs.css": "text/css"}
    for path, kind in types.items():
        status, headers, body = server.ask("GET", path)
        assert status == 200 and headers["content-type"].startswith(kind)
        assert not re.search(rb"https?://", body)
        again = server.ask("GET", path, headers={"If-None-Match": headers["etag"]})
        kept = "content-security-policy"  # the browser takes over the headers of a 304
        assert again[0] == 304 and again[1][kept] == headers[kept]
    for path in ("/docs/../keys.py", "/docs/%2e%2e/app.py", "/docs/", "//etc/passwd"):
        assert server.ask("GET", path)[0] == 404


def test_pages_of_other_origins_may_not_ask(server: Server, image: bytes) -> None:
    own = {**bearer(OTHER), "Origin": server.address}
    assert server.ask("GET", "/v1/models", headers=own)[0] == 200
    for origin in ("http://example.org", "null", server.address.replace("http", "https") + "0"):
        status, _, document = server.ask("POST", PREDICT, image, {**own, "Origin": origin})
        assert status == 403 and json.loads(document)["code"] == "wrong-origin"


def test_without_keys_only_this_machine_may_be_named(bundle: Path) -> None:
    with Server(bundle) as server:
        for host in (f"localhost:{server.port}", "[::1]", "127.0.0.1"):
            assert server.ask("GET", "/v1/models", headers={"Host": host})[0] == 200
        for host in ("example.org", "127.0.0.1.example.org", "[", ""):
            status, _, document = server.ask("GET", "/v1/models", headers={"Host": host})
            assert status == 421 and json.loads(document)["code"] == "wrong-host"
        if Path("/proc/self/maps").exists():
            maps = Path(f"/proc/{server.process.pid}/maps").read_text()
            assert "libtorch" not in maps and "onnxruntime" in maps


def test_anyone_is_warned_of(bundle: Path) -> None:
    with Server(bundle, "--host", "0.0.0.0") as server:
        assert server.stop() == 0
    assert "anyone who reaches 0.0.0.0" in server.log and "--key-file" in server.log


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), ("# nothing\n", "holds no key"), ("\nshort\n", "line 2 is no key"),
     ("a key with spaces in it\n", "line 1 is no key")],
)  # fmt: skip
def test_a_key_file_that_protects_nothing_is_refused(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SightlineError) as error:
        Keys(path)
    assert said in error.value.what and "secrets.token_urlsafe" in error.value.fix


def test_keys_are_read_again_and_stay_where_the_new_file_has_none(tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{KEY}\n{KEY}\n")
    path.chmod(0o644)
    with caplog.at_level("INFO"):
        keys = Keys(path)
        assert "chmod 600" in caplog.text and KEY not in caplog.text
        path.chmod(0o600)
        caplog.clear()
        first = keys.client(f"Bearer {KEY}")
        assert KEY not in first and not keys.changed()
        path.write_text("# none\n")
        assert keys.changed()
        keys.reload()
        assert not keys.changed() and keys.client(f"bearer {KEY}") == first
        path.write_text(f"{OTHER}\n")
        keys.reload()
        assert keys.client(f"Bearer {OTHER}") != first
        with pytest.raises(Problem):
            keys.client(f"Bearer {KEY}")
    assert "the keys stay as they were: the key file holds no key" in caplog.text and "chmod" not in caplog.text


def test_a_rate_forgets_clients_and_lets_them_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("sightline.serve.keys.time.monotonic", lambda: now)
    rates = Rates(10)
    for client in range(20_000):
        rates.ask(str(client))
        rates.charge(str(client), 1)
        now += 0.01
    assert len(rates._buckets) < 11_000
    rates.charge("many", 100)
    with pytest.raises(Problem) as refused:
        rates.ask("many")
    now += int(refused.value.headers["retry-after"])
    rates.ask("many")


def test_explain_says_what_the_command_says(
    bundle: Path, image: bytes, cli: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(image)
    [asked] = cli("explain", bundle, "a.png", "--json").lines
    with Server(bundle) as server:
        status, found = server.post("/v1/models/cnn/explain", image)
        assert status == 200, found
        ours = found["explanation"]
        heat = Image.open(io.BytesIO(base64.b64decode(ours.pop("heat").partition("base64,")[2])))
        assert heat.mode == "RGBA" and list(heat.size) == ours["size"]
        assert np.asarray(heat)[..., 3].max() > 0
        assert ours.pop("verdict") and ours["seconds"] >= 0
        for name in set(asked) - {"image", "overlay", "map", "seconds"}:
            number = isinstance(asked[name], float)
            assert ours[name] == (pytest.approx(asked[name], abs=1e-3) if number else asked[name]), name
        for query, code in (
            ("method=gradcam", "bad-option"),
            ("label=a&item=1", "bad-option"),
            ("item=x", "bad-option"),
            ("label=unknown", "unexplained"),
            ("tops=1", "bad-option"),
        ):
            status, found = server.post(f"/v1/models/cnn/explain?{query}", image)
            assert status in (400, 422) and found["code"] == code and found["detail"] and found["fix"]
        lines = server.ask("GET", "/metrics")[2].decode().splitlines()
        assert 'sightline_requests_total{address="/v1/models/{name}/explain",model="cnn",status="200"} 1' in lines
        assert all(re.fullmatch(r'# (HELP|TYPE) .+|[a-z_]+(\{.*\})? [-+.e\d]+', line) for line in lines)  # fmt: skip


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_a_form_of_any_bytes_is_read_or_refused(body: bytes, boundary: bytes) -> None:
    for data in (body, b"--" + boundary + b"\r\n" + body, b"--b\r\n\r\n" + body + b"\r\n--b--"):
        kind = f"multipart/form-data; boundary={boundary.decode('latin-1')}"
        for content_type in (kind, "multipart/form-data; boundary=b"):
            try:
                found = images_in(content_type, data, 5)
                assert 1 <= len(found) <= 5
            except Problem as problem:
                assert 400 <= problem.status < 500 and problem.detail and problem.fix


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n;'), max_size=20),
                          st.binary(max_size=50)), min_size=1, max_size=5))  # fmt: skip
def test_a_form_is_read_as_it_was_written(files: list[tuple[str, bytes]]) -> None:
    body, kind = form(*files)
    read = images_in(kind, body, 5)
    assert [data for _, data in read] == [data for _, data in files]
    assert [name for name, _ in read] == [name or f"image {place}" for place, (name, _) in enumerate(files, 1)]
