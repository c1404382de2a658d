"""Replaced, stopped and killed while requests are on their way."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from server import Server

PREDICT = "/v1/models/cnn/predict"


class Asking:
    """Threads that ask one after the other on keep-alive connections, and what came back."""

    def __init__(self, server: Server, image: bytes, threads: int = 6) -> None:
        self.answers: list[tuple[int, dict]] = []
        self.lost = 0
        self.refused = 0
        self._server, self._image, self._over = server, image, False
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=20)
        while not self._over:
            try:
                connection.connect() if connection.sock is None else None
            except OSError:
                self.refused += 1
                return
            try:
                connection.request("POST", PREDICT, self._image)
                answer = connection.getresponse()
                self.answers.append((answer.status, json.loads(answer.read())))
            except (OSError, http.client.HTTPException):
                self.lost += 1
                return

    def end(self) -> Counter[int]:
        """How many answers of each status."""
        self._over = True
        for thread in self._threads:
            thread.join()
        return Counter(status for status, _ in self.answers)


def test_sigterm_under_load_loses_nothing(bundle: Path, image: bytes) -> None:
    with Server(bundle) as server:
        asking = Asking(server, image)
        time.sleep(0.7)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 5
        counts = asking.end()
    assert set(counts) == {200} and counts[200] > 20
    assert asking.lost == 0 and asking.refused == 6


def test_a_long_request_is_still_answered_after_sigterm(bundle: Path, image: bytes) -> None:
    with Server(bundle) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", PREDICT)
        connection.putheader("Content-Length", str(len(image)))
        connection.endheaders(image[:100])
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        connection.send(image[100:])
        answer = connection.getresponse()
        assert answer.status == 200 and answer.headers["connection"] == "close" and json.loads(answer.read())["answers"]
        server.process.communicate(timeout=10)
        assert server.process.returncode == 0


def test_after_sigkill_it_serves_again_at_once(bundle: Path, image: bytes) -> None:
    with Server(bundle) as server:
        asking = Asking(server, image, 2)
        time.sleep(0.3)
        server.stop(signal.SIGKILL)
        asking.end()
    begun = time.monotonic()
    with Server(bundle, port=server.port) as again:
        assert again.post(PREDICT, image)[0] == 200
        assert time.monotonic() - begun < 10  # 2 s on a machine that does nothing else


def test_a_bundle_is_replaced_under_load(
    bundle: Path, trained: Callable[[str], Path], image: bytes, tmp_path: Path
) -> None:
    other = trained("crnn") / "crnn.sightline"
    place = tmp_path / "cnn.sightline"
    shutil.copy(bundle, place)

    def put(source: Path | bytes) -> None:
        new = tmp_path / "new"
        new.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        new.replace(place)

    def wait(server: Server, good: Callable[[dict], bool]) -> dict:
        for _ in range(100):
            [model] = server.get("/v1/models")[1]["models"]
            if good(model):
                return model
            time.sleep(0.1)
        raise AssertionError(model)

    with Server(place) as server:
        asking = Asking(server, image, 3)
        first = server.get("/v1/models")[1]["models"][0]["version"]
        put(b"no bundle")
        refused = wait(server, lambda model: model["refused"] is not None)
        assert refused["version"] == first and "not a zip file" in refused["refused"]["error"]
        put(other)
        second = wait(server, lambda model: model["version"] != first)
        assert second["refused"] is None and second["network"] == "crnn"
        place.unlink()
        assert "does not exist" in wait(server, lambda model: model["refused"] is not None)["refused"]["error"]
        time.sleep(0.3)
        counts = asking.end()
        server.stop()
    assert set(counts) == {200} and asking.lost == 0
    answers = {answer["version"]: answer["answers"][0]["confidence"] for _, answer in asking.answers}
    assert set(answers) == {first, second["version"]}
    for _, answer in asking.answers:  # each is the whole answer of the model that it says it is
        assert answer["answers"][0]["confidence"] == pytest.approx(answers[answer["version"]], abs=1e-4)
    assert "is refused" in server.log and f"{second['version']} replaces {first}" in server.log


def test_what_does_not_fit_the_queue_is_refused_with_a_time_to_come_back(bundle: Path, image: bytes) -> None:
    with Server(bundle, "--queue", 1, "--workers", 1) as server:
        asking = Asking(server, image, 12)
        time.sleep(1)
        counts = asking.end()
    assert set(counts) == {200, 503} and asking.lost == 0
    refused = next(answer for status, answer in asking.answers if status == 503)
    assert refused["code"] == "busy" and "ask again in" in refused["fix"]


def test_a_request_that_does_not_arrive_is_given_up(bundle: Path) -> None:
    with Server(bundle, "--timeout", "0.5") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", PREDICT)
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"a part of it")
        answer = connection.getresponse()
        assert answer.status == 408 and json.loads(answer.read())["code"] == "too-slow"
        assert server.ask("GET", "/healthz")[0] == 200
