"""`sightline serve` for long: every answer held against the known one, 5 % of the requests malformed, memory by and by.

The known answers are those of `predict` in this process. Ends with 1 where an answer is wrong, is a 500 or is missing,
and where the memory of the server's processes at the end is more than 5 % above that after the warm-up.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from load import EDGE, Load, drive, free_port, request, serving
from measure import SIGHTLINE, row, title
from serve_load import memory, prepare

import sightline

PATH = "/v1/models/run/predict?top=3"
MALFORMED = 0.05
GROWTH = 0.05
NEAR = 1e-4
"""Of a confidence: other images in the batch move the last digits."""

Right = Callable[[int, bytes], bool]
"""(status, body): whether that is the answer."""


def raw(head: str, body: bytes = b"", length: int | None = None) -> bytes:
    """A request as it goes over the wire."""
    lines = f"{head} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body) if length is None else length}\r\n"
    return lines.encode() + b"\r\n" + body


def good(known: dict[str, float]) -> Right:
    """The three best of `known`, the confidence of each class as `predict` has it."""
    best = sorted(known.values())[-3:][::-1]

    def right(status: int, body: bytes) -> bool:
        if status != 200:
            return False
        [found] = json.loads(body)["answers"]
        pairs = list(zip(found["top"], best, strict=True))
        return all(abs(one["confidence"] - p) < NEAR > abs(known[one["label"]] - p) for one, p in pairs)

    return right


def problem(wanted: int) -> Right:
    """A problem document of the status."""

    def right(status: int, body: bytes) -> bool:
        found = json.loads(body)
        return status == wanted == found["status"] and bool(found["code"]) and bool(found["detail"])

    return right


def malformed(image: bytes) -> dict[str, tuple[bytes, Right]]:
    """By kind, what is wrong with a request and what must come back."""
    form = request(PATH, image)
    with_json = raw(f"POST {PATH}", b"{}").replace(b"\r\n\r\n", b"\r\nContent-Type: application/json\r\n\r\n", 1)
    two_hosts = raw("GET /v1/models").replace(b"\r\n\r\n", b"\r\nHost: example.org\r\n\r\n", 1)
    return {
        "no image": (raw(f"POST {PATH}", b"no image" * 50), problem(422)),
        "cut short": (raw(f"POST {PATH}", image[: len(image) // 2]), problem(422)),
        "empty": (raw(f"POST {PATH}"), problem(400)),
        "JSON": (with_json, problem(415)),
        "another boundary": (form.replace(b"boundary=" + EDGE, b"boundary=" + EDGE[::-1], 1), problem(400)),
        "unknown option": (raw(f"POST {PATH}&tpo=1", image), problem(400)),
        "bad value": (raw("POST /v1/models/run/predict?top=many", image), problem(400)),
        "unknown model": (raw("POST /v1/models/ruin/predict", image), problem(404)),
        "unknown address": (raw("GET /v2"), problem(404)),
        "another method": (raw("PUT /v1/models"), problem(405)),
        "too long": (raw(f"POST {PATH}", b"", 10**9), problem(413)),
        "two hosts": (two_hosts, problem(400)),
        "not HTTP": (b"hello\r\n\r\n", problem(400)),
    }


def traffic(bundle: Path, folder: Path, count: int) -> tuple[list[bytes], list[Right], list[str]]:
    """`count` requests in an order of chance, what is right for each, and its kind."""
    paths = sorted(folder.rglob("*.jpg"))
    answers = sightline.load(bundle).predict([str(path) for path in paths])
    known = [{one["label"]: one["confidence"] for one in answer.to_dict(top=10)["top"]} for answer in answers]
    images = [path.read_bytes() for path in paths]
    chosen, found = random.Random(0), list[tuple[bytes, Right, str]]()
    kinds = malformed(images[0])
    for number in range(count):
        if number < MALFORMED * count:
            kind = list(kinds)[number % len(kinds)]
            found.append((*kinds[kind], kind))
        else:
            place = chosen.randrange(len(images))
            found.append((request(PATH, images[place]), good(known[place]), "good"))
    chosen.shuffle(found)
    return [one for one, _, _ in found], [right for _, right, _ in found], [kind for _, _, kind in found]


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--keep", type=Path, help="keep images and model here, and use what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = (options.keep or Path(temporary)) / "32px"
        prepare("32 px", place)
        soak(place, options)


def soak(place: Path, options: argparse.Namespace) -> None:
    """A tenth to warm up, and the rest in nine parts."""
    part, port, bundle = options.requests // 10, free_port(), place / "run" / "run.sightline"
    requests, right, kinds = traffic(bundle, place / "images", min(4000, part))

    asked, wrong = Counter[str](), Counter[str]()

    def checked(number: int, status: int, body: bytes) -> bool:
        asked[kinds[number]] += 1
        good = right[number](status, body)
        if not good:
            wrong[kinds[number]] += 1
            print(f"WRONG {kinds[number]}: {status} {body[:300]!r}", file=sys.stderr)
        return good

    command = [*SIGHTLINE, "serve", bundle, "--port", port]
    with serving(command, port, raw("GET /readyz")) as (_, process):
        rest, loads, used = memory(process), list[Load](), list[float]()
        for _ in range(10):
            loads.append(drive(port, requests, options.clients, count=part, right=checked))
            time.sleep(1)
            used.append(memory(process))
    title(f"serve, soak: {options.clients} clients, {10 * part:,} requests", ("fastapi", "uvicorn", "onnxruntime"))
    row("at rest", f"{rest:.1f} MB")
    for number, (load, megabytes) in enumerate(zip(loads, used, strict=True)):
        answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(load.statuses.items()))
        name = f"{part * (number + 1):,}" + " (warm-up)" * (not number)
        row(name, f"{megabytes:.1f} MB", f"{load.statuses.total() / load.took:.0f}/s", answers)
    for kind in asked:
        row(kind, f"{asked[kind]:,} asked", f"{wrong[kind]} wrong")
    lost = 10 * part - asked.total()
    failed = sum(load.statuses[500] for load in loads)
    growth = used[-1] / used[0] - 1
    row("in all", f"{wrong.total()} wrong, {failed} with 500, {lost} without an answer", f"memory {growth:+.1%}")
    if wrong or failed or lost or growth > GROWTH:
        sys.exit(1)


if __name__ == "__main__":
    main()
