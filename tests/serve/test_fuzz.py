"""What nobody meant to send: requests after the OpenAPI document and beside it, mutated images, forged bundles."""

from __future__ import annotations

import http.client
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server import Server
from support import environment, members, rezip

from sightline.core.errors import SightlineError
from sightline.serve.models import Loaded

from .forged import documents, graph, images

KEY = "one-key-of-at-least-16"
AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}
EACH = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEY)
    with Server(bundle, "--key-file", keys, "--max-body", "0.2", "--max-images", "3") as server:
        yield server
        assert server.process.poll() is None
    assert "Traceback" not in server.log


def held_against_the_document(server: Server, folder: Path, examples: int, *without: str) -> None:
    """Schemathesis asks what /openapi.json allows and what it forbids, and holds each answer against it.

    By its command, since its plugin leans on the inside of one pytest. Not asked is whether all that the document
    allows is accepted: it cannot say which bytes are an image. without: other checks left out.
    """
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("the package schemathesis is not installed")
    checks = ",".join(["positive_data_acceptance", *without])
    options = {"max-examples": examples, "exclude-checks": checks, "seed": 1, "header": f"Authorization: Bearer {KEY}",
               "request-timeout": 30, "warnings": "off", "suppress-health-check": "all"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{server.address}/openapi.json",
         *(f"--{name}={value}" for name, value in options.items())],
        cwd=folder, env=environment(), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "6 selected / 6 total" in done.stdout


def test_answers_are_those_of_the_document(server: Server, tmp_path: Path) -> None:
    held_against_the_document(server, tmp_path, 3)


@pytest.mark.slow
def test_answers_to_many_requests_are_those_of_the_document(server: Server, tmp_path: Path) -> None:
    # Of forms it takes some for forbidden that are not: what it writes has the very fields that it says are missing.
    held_against_the_document(server, tmp_path, 2000, "negative_data_rejection")


def images_are_answered_or_refused(server: Server, count: int) -> None:
    """`count` mutated images: each is answered, or refused as unreadable; what is answered is JSON to the last byte."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    @settings(EACH, max_examples=count)
    @given(data=images(), way=st.sampled_from(["predict"] * 9 + ["explain"]))
    def each(data: bytes, way: str) -> None:
        connection.request("POST", f"/v1/models/cnn/{way}", data, AUTHORIZATION)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status == 200 or (answer.status, found["status"]) in [(422, 422), (400, 400)], found
        assert answer.status != 400 or not data

    try:
        each()
    finally:
        connection.close()


def test_mutated_images_are_answered_or_refused(server: Server) -> None:
    images_are_answered_or_refused(server, 60)


@pytest.mark.slow
def test_many_mutated_images_are_answered_or_refused(server: Server) -> None:
    images_are_answered_or_refused(server, 5000)


def served_or_refused(forged: Path) -> None:
    """As the server opens a bundle: with a clear error, or ready to answer and with facts that are JSON."""
    try:
        loaded = Loaded.of(forged, 1)
    except SightlineError as error:
        assert error.what
    else:
        json.dumps(loaded.facts, allow_nan=False)


def documents_are_served_or_refused(bundle: Path, place: Path, count: int) -> None:
    """`count` bundles whose sums are right and whose spec or card says something else."""
    whole = members(bundle)

    @settings(EACH, max_examples=count)
    @given(data=st.data(), name=st.sampled_from(["spec.json", "card.json"]))
    def each(data: st.DataObject, name: str) -> None:
        text = data.draw(documents(whole[name]))
        served_or_refused(rezip(bundle, place, lambda found: found.update({name: text})))

    each()


def graphs_are_served_or_refused(bundle: Path, place: Path, count: int) -> None:
    """`count` bundles whose sums are right and whose graph is damaged."""
    whole = members(bundle)["model.onnx"]
    for seed in range(count):
        served_or_refused(
            rezip(bundle, place, lambda found, seed=seed: found.update({"model.onnx": graph(whole, seed)}))
        )


@pytest.mark.parametrize("forged", [documents_are_served_or_refused, graphs_are_served_or_refused])
def test_forged_bundles_are_served_or_refused(
    forged: Callable[[Path, Path, int], None], bundle: Path, tmp_path: Path
) -> None:
    forged(bundle, tmp_path / "it.sightline", 20)


@pytest.mark.slow
@pytest.mark.parametrize("forged", [documents_are_served_or_refused, graphs_are_served_or_refused])
def test_many_forged_bundles_are_served_or_refused(
    forged: Callable[[Path, Path, int], None], bundle: Path, tmp_path: Path
) -> None:
    forged(bundle, tmp_path / "it.sightline", 5000)
