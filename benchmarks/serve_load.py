"""`sightline serve` under load: requests a second with 32 clients, one real image a request, beside what people write.

Ours, a plain FastAPI + onnxruntime endpoint (async as in most tutorials; in threads; with two processes) and LitServe
with batching serve the same graph, in turns, on the processors that the client uses, too. Also: seconds from process
start to the first answer, memory at rest, and the milliseconds that processors work for one request: the one figure
that says something on a machine that others use, too.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import peers
from load import Load, drive, free_port, request, serving
from measure import HERE, SIGHTLINE, data, in_turns, ratios, row, spread, timed, title
from PIL import Image

PACKAGES = ["onnxruntime==1.32.0", "numpy==2.4.6", "pillow==13.0.0", "python-multipart"]
MOST_MS = 200


def cifar(folder: Path) -> None:
    """600 photos of 32 x 32 px, JPEG, a folder a class."""
    with zipfile.ZipFile(data("cifar10/train.zip")) as archive:
        names = [name for name in sorted(archive.namelist()) if name.endswith(".jpg")][::83]
        for name in names:
            (folder / name.split("/")[0]).mkdir(parents=True, exist_ok=True)
            (folder / name.split("/")[0] / Path(name).name).write_bytes(archive.read(name))


def streets(folder: Path) -> None:
    """Photos of streets, 480 x 360 px, JPEG; the brighter half is a class, and the darker."""
    paths = sorted(data("camvid").glob("train/images/*.jpg"))
    light = [float(np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("L")).mean()) for path in paths]
    middle = float(np.median(light))
    for path, value in zip(paths, light, strict=True):
        place = folder / ("bright" if value > middle else "dark") / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())


MODELS = {"32 px": (cifar, []), "224 px": (streets, ["--imgsz", "224"])}


def prepare(name: str, place: Path) -> None:
    """Images, a bundle trained for one epoch, its graph and classes."""
    if (place / "ready").exists():
        return
    write, more = MODELS[name]
    write(place / "images")
    timed([*SIGHTLINE, "train", place / "images", "--epochs", "1", *more, "--out", place / "run"])
    with zipfile.ZipFile(place / "run" / "run.sightline") as bundle:
        (place / "model.onnx").write_bytes(bundle.read("model.onnx"))
        (place / "classes.json").write_text(json.dumps(json.loads(bundle.read("spec.json"))["classes"]))
    (place / "ready").touch()


Server = tuple[list[object], dict[str, str], str]
"""Command, environment, path."""


def servers(place: Path, port: int, wanted: list[str]) -> dict[str, Server]:
    """By name: those that are wanted."""
    model, classes = place / "model.onnx", place / "classes.json"
    fastapi = peers.environment("fastapi", ["fastapi", "uvicorn[standard]", *PACKAGES])
    uvicorn = [fastapi, "-m", "uvicorn", "peer_fastapi:app", "--app-dir", HERE, "--port", port, "--no-access-log"]
    own = {"MODEL": str(model), "CLASSES": str(classes)}
    litserve = peers.environment("litserve", ["litserve", *PACKAGES])
    found: dict[str, Server] = {
        "ours": ([*SIGHTLINE, "serve", place / "run", "--port", port], {}, "/v1/models/run/predict?top=1"),
        "fastapi": (uvicorn, own, "/predict"),
        "fastapi, threads": (uvicorn, own, "/predict-in-a-thread"),
        "fastapi, 2 processes": ([*uvicorn, "--workers", 2], own, "/predict"),
        **{
            f"litserve, {batch} in {seconds:g} s": (
                [litserve, HERE / "peer_litserve.py", model, classes, port, batch, seconds], {}, "/predict"
            )
            for batch, seconds in ((8, 0.005), (32, 0.02))
        },
    }  # fmt: skip
    return {name: server for name, server in found.items() if any(one in name for one in wanted)}


def check(bodies: list[bytes], answers: dict[str, list[dict]]) -> None:
    """Ends the program where two servers answer differently: they would not do the same work."""
    for name, found in answers.items():
        for place, (one, two) in enumerate(zip(answers["ours"], found, strict=True)):
            if one["label"] != two["label"] and abs(one["confidence"] - two["confidence"]) > 0.02:
                sys.exit(f"{name} answers image {place} of {len(bodies)} otherwise: {one} {two}")


def processes(session: int) -> dict[Path, list[str]]:
    """Of all processes of a session the folder in /proc, and the fields of `stat` from the state on."""
    found: dict[Path, list[str]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = process.joinpath("stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[3] == str(session):
            found[process] = fields
    return found


def memory(session: int) -> float:
    """MB of all of them, as they share it (Pss)."""
    rollups = [process.joinpath("smaps_rollup").read_text() for process in processes(session)]
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line[:4] == "Pss:") / 1000


def busy(session: int) -> float:
    """Seconds that processors have worked for all of them."""
    ticks = sum(int(field) for fields in processes(session).values() for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prints a table a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--servers", default="ours,fastapi,litserve", help="those whose name holds one of these")
    parser.add_argument("--keep", type=Path, help="keep images and models here, and use what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.models.split(","):
            compare(name, (options.keep or Path(temporary)) / name.replace(" ", ""), options)


def compare(name: str, place: Path, options: argparse.Namespace) -> None:
    """One model: all servers in turns."""
    prepare(name, place)
    images = [path.read_bytes() for path in sorted((place / "images").rglob("*.jpg"))[::5]]
    port = free_port()
    loads: dict[str, list[Load]] = {}
    starts: dict[str, list[float]] = {}
    rest: dict[str, list[float]] = {}
    work: dict[tuple[str, str], list[float]] = {}
    answers: dict[str, list[dict]] = {}

    def measured(who: str, server: Server) -> float:
        command, environment, path = server
        bodies = [request(path, image) for image in images]
        with serving(command, port, bodies[0], **environment) as (seconds, process):
            starts.setdefault(who, []).append(seconds)
            rest.setdefault(who, []).append(memory(process))
            said: dict[int, dict] = {}

            def noted(number: int, status: int, body: bytes) -> bool:
                document = json.loads(body)
                said[number] = document["answers"][0] if "answers" in document else document
                return status == 200

            drive(port, bodies, options.clients, count=len(bodies), right=noted)  # warm, and compared
            answers.setdefault(who, [said[number] for number in range(len(bodies))])
            before = busy(process), time.process_time()
            load = drive(port, bodies, options.clients, options.seconds)
            for what, used in (("server", busy(process) - before[0]), ("client", time.process_time() - before[1])):
                work.setdefault((who, what), []).append(1000 * used / load.statuses.total())
            loads.setdefault(who, []).append(load)
        return loads[who][-1].rate

    wanted = servers(place, port, options.servers.split(","))
    found = in_turns({who: lambda who=who, it=it: measured(who, it) for who, it in wanted.items()}, options.repeat)
    check(images, answers)
    size = sum(map(len, images)) / len(images) / 1024
    title(f"serve, {name}: {options.clients} clients, {len(images)} JPEGs of {size:.0f} KiB on average, requests/s",
          ("numpy", "pillow", "onnxruntime", "fastapi", "uvicorn"))  # fmt: skip
    for who, rates in found.items():
        late = [load.percentile(99) for load in loads[who]]
        bad = sum(load.lost + load.statuses.total() - load.statuses[200] for load in loads[who])
        note = f"{bad} FAILED" if bad else "" if max(late) <= MOST_MS else f"over {MOST_MS} ms"
        cells = f"p50 {spread([load.percentile(50) for load in loads[who]], 'ms', 0)}", f"p99 {spread(late, 'ms', 0)}"
        worked = f"{spread(work[who, 'server'], 'ms')} (client {statistics.median(work[who, 'client']):.2f})"
        row(who, spread(rates, "/s", 0), *cells, worked, f"start {spread(starts[who], 's')}",
            f"at rest {spread(rest[who], 'MB', 0)}", note)  # fmt: skip
    for who in found:
        if who != "ours" and "ours" in found:
            less = spread(ratios(work[who, "server"], work["ours", "server"]), "x")
            row(f"ours beside {who}", spread(ratios(found["ours"], found[who]), "x as many"), f"{less} less work")


if __name__ == "__main__":
    main()
