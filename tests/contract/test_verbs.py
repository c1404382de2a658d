"""Every task through every verb, on the command line and in Python. A new task or verb must find its row here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from server import Server
from support import Result
from tiny import TINY

import sightline
from sightline.core.answers import Answer
from sightline.run.bundle import open_bundle
from sightline.tables import FORMATS, NETWORKS, TASKS, VERBS

NO_SENSE: dict[tuple[str, str], str] = {
    **{("render", task): "it draws lines of text" for task in TASKS if task != "read"},
    **{("convert", task): "it writes boxes" for task in TASKS if task != "detect"},
}
"""(verb, task) to why the two do not go together. Every other cell of the table is tested."""


@dataclass
class World:
    """What the verbs of one task work on: data, an unlabelled image, and a run trained on the command line."""

    task: str
    cli: Callable[..., Result]
    data: Path
    image: Path
    trained: Callable[..., Path]

    @property
    def bundle(self) -> Path:
        run = self.trained(TINY[self.task].network[0], self.task)
        return run / f"{run.name}.sightline"


def check(world: World) -> None:
    done = world.cli("check", world.data, "--json")
    assert done.code == 0 and done.json["passed"] is True and done.json["task"] == world.task
    report = sightline.check(str(world.data))
    assert json.loads(json.dumps(report.to_dict())) == done.json
    assert set(done.json["findings"][0]) == {"code", "level", "message", "items", "count"}


def train(world: World) -> None:
    network, side = TINY[world.task].network
    options = ("--network", network, "--imgsz", side, "--epochs", 1, "--seed", 3, "--workers", 0)
    done = world.cli("train", world.data, *options, "--out", "runs/it", "--json")
    assert done.code == 0, done.err
    card = done.json
    assert Path(card["bundle"]).is_file() and Path(card["run"]) == Path("runs/it")
    assert card["options"]["seed"] == 3 and card["interrupted"] is False
    bundle = open_bundle(card["bundle"])
    assert (bundle.spec.task, bundle.spec.network) == (world.task, network)
    assert json.loads(json.dumps(bundle.card)) == {
        k: v for k, v in card.items() if k not in ("bundle", "run", "report")
    }
    rows = [json.loads(line) for line in Path("runs/it/metrics.jsonl").read_text().splitlines()]
    metric = TASKS[world.task].load().metric
    assert [row["epoch"] for row in rows] == [1] and f"val_{metric}" in rows[0]


def evaluate(world: World) -> None:
    done = world.cli("evaluate", world.bundle, world.data, "--json")
    assert done.code == 0, done.err
    assert TASKS[world.task].load().metric in done.json["metrics"] and done.json["n"] > 0
    assert sightline.load(world.bundle).evaluate(str(world.data)) == done.json
    assert sightline.evaluate(world.bundle, str(world.data)) == done.json
    more = ("--compare", world.bundle, "--robust", "--limit", 2)
    found = world.cli("evaluate", world.bundle, world.data, *more, "--json").json
    assert (found["compare"]["difference"], found["compare"]["shown"]) == (0, False)
    assert len(found["robust"]["kinds"]) == 15 and set(found["robust"]["shifts"]) == TASKS[world.task].load().survives
    text = world.cli("evaluate", world.bundle, world.data, *more).out
    assert "no difference can be shown" in text and "gaussian_noise" in text


def predict(world: World) -> None:
    columns = TASKS[world.task].load().columns
    done = world.cli("predict", world.bundle, world.image, "--json", "--out", "drawn", "--csv", "answers.csv")
    assert done.code == 0, done.err
    assert set(columns) <= set(done.json) and done.json["image"] == str(world.image)
    assert Path("answers.csv").read_text().splitlines()[0] == ",".join(["image", *columns, "error"])
    assert [path.name for path in Path("drawn").iterdir()] == [f"{world.image.stem}.png"]
    model = sightline.load(world.bundle)
    one = model.predict(str(world.image))
    assert {"image": str(world.image), **one.to_dict()} == done.json
    pixels = np.asarray(Image.open(world.image))
    for source in (world.image, world.image.read_bytes(), pixels, Image.open(world.image)):
        assert model.predict(source).to_dict() == one.to_dict()
    assert [p.to_dict() for p in model.predict([world.image, pixels])] == [one.to_dict()] * 2
    drawn = one.draw(pixels)
    assert drawn.mode == "RGB" and drawn.width >= pixels.shape[1] and len(drawn.getcolors(2**24)) > 2


def explain(world: World) -> None:
    done = world.cli("explain", world.bundle, world.image, "--json", "--out", "maps")
    assert done.code == 0, done.err
    row, (width, height) = done.json, Image.open(world.image).size
    assert sorted(path.suffix for path in Path("maps").iterdir()) == [".json", ".npy", ".png"]
    values = np.load(row["map"], allow_pickle=False)
    assert values.shape == (height, width) and values.dtype == np.float32
    found = sightline.load(world.bundle).explain(str(world.image))
    assert np.array_equal(found.map, values)
    assert {k: v for k, v in found.to_dict().items() if k != "seconds"}.items() <= row.items()


def render(world: World) -> None:
    Path("text.txt").write_text("abc def ghi jkl\nthe cat sat\n", encoding="utf-8")
    done = world.cli("render", "text.txt", "--out", "drawn", "--count", 3, "--json")
    assert done.code == 0 and done.json == {"count": 3, "out": "drawn", "fonts": 1, "left_out": []}
    assert sorted(p.name for p in Path("drawn").iterdir()) == [f"{i}.{s}" for i in range(3) for s in ("gt.txt", "png")]
    assert world.cli("check", "drawn", "--json").json["task"] == world.task
    Path("page.png").write_bytes(Path("drawn/0.png").read_bytes())
    found = world.cli("predict", world.bundle, "page.png", "--page", "--json", "--out", "pages").json
    assert found["image"] == "page.png" and len(found["lines"]) == 1
    assert sorted(path.name for path in Path("pages").iterdir()) == ["page-lines.png", "page.txt", "page.xml"]


def convert(world: World) -> None:
    before = world.cli("check", world.data, "--json").json
    for to, place in {"coco": "", "yolo": "", "voc": "", "csv": "boxes.csv"}.items():
        done = world.cli("convert", world.data, "--to", to, "--out", to, "--json")
        assert done.code == 0 and done.json["images"] == before["count"] and Path(done.json["data"]) == Path(to, place)
        after = world.cli("check", Path(to, place), "--json").json
        assert (after["task"], after["count"], after["classes"]) == (world.task, before["count"], before["classes"])


def compress(world: World) -> None:
    metric = TASKS[world.task].load().metric
    options = ("--images", 32, "--max-drop", 100, "--workers", 0)
    done = world.cli("compress", world.bundle, world.data, *options, "--out", "small/it.sightline", "--json")
    assert done.code == 0, done.err
    found, small = done.json, open_bundle("small/it.sightline")
    assert found["met"] and found["layers"] > 0 and found["metric"] == metric
    assert found["after"]["bytes"] < found["before"]["bytes"] and "model.safetensors" not in small.members
    part = found["part"]
    assert small.card["scores"][part]["metrics"] == found["after"]["metrics"][part]
    assert b"DequantizeLinear" in small.graph
    again = world.cli("evaluate", "small/it.sightline", world.data, "--split", part, "--json").json
    assert again["metrics"] == found["after"]["metrics"][part]
    assert world.cli("predict", "small/it.sightline", world.image).code == 0
    assert world.cli("explain", "small/it.sightline", world.image, "--method", "occlusion").code == 0


def export(world: World) -> None:
    options = ("--data", world.data, "--images", 6)
    for to in ("onnx", "python"):
        done = world.cli("export", world.bundle, "--to", to, *options, "--out", to, "--json")
        assert done.code == 0, done.err
        assert done.json["passed"] and done.json["same"] == done.json["images"] == 6 and done.json["to"] == to
        parity = json.loads(Path(to, "parity.json").read_text())
        assert parity == {k: v for k, v in done.json.items() if k not in ("out", "files")}
        assert {"model.onnx", "spec.json", "README.md", "parity.json"} <= set(done.json["files"])
    assert sum(len(path.read_text().splitlines()) for path in Path("python").glob("*.py")) <= 200
    assert "sightline." not in "".join(path.read_text() for path in Path("python").glob("*.py"))
    said = world.cli("export", world.bundle, "--out", "made")
    assert said.code == 0 and "made images, as no --data was named" in said.out


def serve(world: World) -> None:
    [asked] = world.cli("predict", world.bundle, world.image, "--json").lines
    with Server(world.bundle) as server:
        status, found = server.post(f"/v1/models/{world.bundle.stem}/predict", world.image.read_bytes())
        assert status == 200, found
        assert found["answers"] == [{**asked, "image": "image 1"}]
        assert asked.keys() <= Answer.__annotations__.keys(), "the client's type does not know of these"
        [model] = server.get("/v1/models")[1]["models"]
        assert (model["name"], model["task"], model["refused"]) == (world.bundle.stem, world.task, None)


def networks(world: World) -> None:
    rows = [row for row in world.cli("networks", "--json").json if row["task"] == world.task]
    assert [row["network"].split("/")[0] for row in rows] == list(NETWORKS[world.task])
    text = world.cli("networks").out
    for row in rows:
        assert row["summary"] in text
        assert all(f"--{option['name'].replace('_', '-')}" in text for option in row["options"])


def formats(world: World) -> None:
    assert [row["format"] for row in world.cli("formats", "--json").json] == list(FORMATS)
    assert [line.split()[0] for line in world.cli("formats").out.splitlines()] == list(FORMATS)


def version(world: World) -> None:
    assert world.cli("version", "--json").json["sightline"] == sightline.__version__
    assert world.cli("--version").out.splitlines()[0] == f"sightline {sightline.__version__}"


DRIVE: dict[str, Callable[[World], None]] = {
    "check": check,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "explain": explain,
    "render": render,
    "convert": convert,
    "compress": compress,
    "export": export,
    "serve": serve,
    "networks": networks,
    "formats": formats,
    "version": version,
}


@pytest.fixture
def world(
    request: pytest.FixtureRequest, cli: Callable[..., Result], tmp_path: Path, trained: Callable[..., Path]
) -> World:
    data = TINY[request.param].write(tmp_path / "input" / "data")
    return World(request.param, cli, data, next((tmp_path / "input").rglob("*.png")), trained)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("world", TASKS, indirect=True)
def test_every_verb_serves_every_task(world: World, verb: str) -> None:
    if (verb, world.task) in NO_SENSE:
        pytest.skip(NO_SENSE[verb, world.task])
    DRIVE[verb](world)


def test_the_tables_of_the_contract_are_complete() -> None:
    assert set(DRIVE) == set(VERBS)
    assert set(TINY) == set(TASKS) == set(NETWORKS)
    assert all(verb in VERBS and task in TASKS for verb, task in NO_SENSE)
