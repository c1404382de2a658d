"""`sightline.client` against a server: the answers of `predict --json`, and errors as the house has them."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from server import Server
from support import Result, environment

from sightline.client import Client, ServerError
from sightline.core.errors import SightlineError

KEY = "one-key-of-at-least-16"


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEY)
    with Server(bundle, "--key-file", keys, "--max-body", "0.1") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address, KEY) as client:
        yield client


@pytest.fixture
def files(strangers: Path) -> list[Path]:
    return sorted(strangers.rglob("*.png"))


def test_many_images_are_answered_as_predict_does(
    client: Client, bundle: Path, files: list[Path], cli: Callable[..., Result]
) -> None:
    asked = [*files, *files, *files]  # more than one request
    for ours, theirs in zip(client.predict("cnn", asked), cli("predict", bundle, *asked, "--json").lines, strict=True):
        assert ours.keys() == theirs.keys() and ours["image"] == theirs["image"] and ours["label"] == theirs["label"]
        assert ours["confidence"] == pytest.approx(theirs["confidence"], abs=2e-5)
    assert client.predict("cnn", []) == []


def test_one_image_may_be_a_path_bytes_an_array_or_a_pillow_image(client: Client, files: list[Path]) -> None:
    picture = Image.open(files[0])
    answers = [client.predict("cnn", one) for one in (files[0], str(files[0]), files[0].read_bytes(), picture)]
    answers.append(client.predict("cnn", np.asarray(picture)))
    assert [answer["image"] for answer in answers] == [str(files[0])] * 2 + ["image 1"] * 3
    assert all({**answer, "image": ""} == {**answers[0], "image": ""} for answer in answers)
    assert len(client.predict("cnn", files[0], top=1)["top"]) == 1
    assert client.predict("cnn", files[0], min_confidence=1)["label"] is None


def test_models_and_explanations(client: Client, files: list[Path]) -> None:
    [model] = client.models()
    assert (model["name"], model["task"], model["refused"]) == ("cnn", "classify", None) and client.ready()
    found = client.explain("cnn", files[0], method="occlusion")
    assert found["method"] == "occlusion" and found["verdict"] and found["heat"].startswith("data:image/png")
    assert found["image"] == str(files[0])


def test_a_bad_image_is_an_error_alone_and_a_row_among_others(client: Client, files: list[Path]) -> None:
    good, bad = client.predict("cnn", [files[0], b"no image"])
    assert good["label"] and bad == {"image": "image 2", "error": "this is no image, or of an unknown format"}
    assert [one["error"] for one in client.predict("cnn", [b"", b"no image"])][1] == bad["error"]
    with pytest.raises(ServerError) as error:
        client.predict("cnn", b"no image")
    assert (error.value.status, error.value.code) == (422, "unreadable") and error.value.fix
    with pytest.raises(SightlineError, match="cannot be read"):
        client.predict("cnn", "missing.png")


def test_a_refusal_says_what_and_what_to_do(server: Server, client: Client, files: list[Path]) -> None:
    for image, model, code in ((files[0], "cn", "unknown-model"), (bytes(3_000_000), "cnn", "too-long")):
        with pytest.raises(ServerError) as error:
            client.predict(model, image)
        assert error.value.code == code and error.value.fix and error.value.where == server.address
    assert client.predict("cnn", files[0])["label"]
    with pytest.raises(ServerError, match="asks for a key"):
        Client(server.address).models()
    for address in ("ftp://a", "http://[", "", "http://a:port"):
        with pytest.raises(SightlineError, match="no server's address"):
            Client(address)


def test_a_server_that_is_not_there_or_not_ours(files: list[Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(SightlineError, match=r"no answer within 0\.2 s"):
            Client(address, timeout=0.2).predict("cnn", files[0])

        def other() -> None:
            listener.accept()[0].close()  # the one that was given up
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>")

        thread = threading.Thread(target=other)
        thread.start()
        with pytest.raises(SightlineError, match="is not Sightline: 200 OK"):
            Client(address).models()
        thread.join()
    assert not Client(address).ready()
    with pytest.raises(SightlineError) as error:
        Client(address).models()
    assert "sightline serve" in error.value.fix and error.value.where == f"http://{address}"


def test_a_busy_server_is_asked_again_when_it_says(bundle: Path, files: list[Path]) -> None:
    with Server(bundle, "--rate", 40) as server, Client(server.address) as client:
        assert len(client.predict("cnn", [files[0]] * 200)) == 200
        with pytest.raises(ServerError) as error:
            client.timeout = 0.1
            client.predict("cnn", [files[0]] * 200)
    assert error.value.code == "too-many-requests"


def test_a_connection_that_has_ended_is_made_anew(bundle: Path, files: list[Path]) -> None:
    with Server(bundle) as server:
        client = Client(server.address)
        first = client.predict("cnn", files[0])
    with Server(bundle, port=server.port):
        assert client.predict("cnn", files[0]) == first


def test_the_client_needs_no_packages() -> None:
    code = "import sys, sightline.client; assert not {'numpy', 'PIL', 'onnxruntime', 'fastapi'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)
