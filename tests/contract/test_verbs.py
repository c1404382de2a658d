"""Every task through every verb, on the command line and in Python. A new task or verb must find its row here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import Result, write_folder

import sightline
from sightline.run.bundle import open_bundle
from sightline.tables import FORMATS, NETWORKS, TASKS, VERBS

NO_SENSE: dict[tuple[str, str], str] = {}
"""(verb, task) to why the two do not go together. Every other cell of the table is tested."""

DATA: dict[str, Callable[[Path], Path]] = {"classify": lambda root: write_folder(root / "data")}
"""For each task a maker of tiny labelled data."""

NETWORK = {"classify": ("cnn", 16)}
"""For each task a quick network and the side of its input."""


@dataclass
class World:
    """What the verbs of one task work on: data, an unlabelled image, and a run trained on the command line."""

    task: str
    cli: Callable[..., Result]
    data: Path
    image: Path
    trained: Callable[[str], Path]

    @property
    def bundle(self) -> Path:
        run = self.trained(NETWORK[self.task][0])
        return run / f"{run.name}.sightline"


def check(world: World) -> None:
    done = world.cli("check", world.data, "--json")
    assert done.code == 0 and done.json["passed"] is True and done.json["task"] == world.task
    report = sightline.check(str(world.data))
    assert json.loads(json.dumps(report.to_dict())) == done.json
    assert set(done.json["findings"][0]) == {"code", "level", "message", "items", "count"}


def train(world: World) -> None:
    network, side = NETWORK[world.task]
    options = ("--network", network, "--imgsz", side, "--epochs", 1, "--seed", 3, "--workers", 0)
    done = world.cli("train", world.data, *options, "--out", "runs/it", "--json")
    assert done.code == 0, done.err
    card = done.json
    assert Path(card["bundle"]).is_file() and Path(card["run"]) == Path("runs/it")
    assert card["options"]["seed"] == 3 and card["interrupted"] is False
    bundle = open_bundle(card["bundle"])
    assert (bundle.spec.task, bundle.spec.network) == (world.task, network)
    assert json.loads(json.dumps(bundle.card)) == {k: v for k, v in card.items() if k not in ("bundle", "run")}
    rows = [json.loads(line) for line in Path("runs/it/metrics.jsonl").read_text().splitlines()]
    metric = TASKS[world.task].load().metric
    assert [row["epoch"] for row in rows] == [1] and f"val_{metric}" in rows[0]


def evaluate(world: World) -> None:
    done = world.cli("evaluate", world.bundle, world.data, "--json")
    assert done.code == 0, done.err
    assert TASKS[world.task].load().metric in done.json["metrics"] and done.json["n"] > 0
    assert sightline.load(world.bundle).evaluate(str(world.data)) == done.json
    assert sightline.evaluate(world.bundle, str(world.data)) == done.json


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
    "networks": networks,
    "formats": formats,
    "version": version,
}


@pytest.fixture
def world(
    request: pytest.FixtureRequest, cli: Callable[..., Result], tmp_path: Path, trained: Callable[[str], Path]
) -> World:
    data = DATA[request.param](tmp_path / "input")
    return World(request.param, cli, data, next(data.rglob("*.png")), trained)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("world", TASKS, indirect=True)
def test_every_verb_serves_every_task(world: World, verb: str) -> None:
    if (verb, world.task) in NO_SENSE:
        pytest.skip(NO_SENSE[verb, world.task])
    DRIVE[verb](world)


def test_the_tables_of_the_contract_are_complete() -> None:
    assert set(DRIVE) == set(VERBS)
    assert set(DATA) == set(NETWORK) == set(TASKS) == set(NETWORKS)
    assert all(verb in VERBS and task in TASKS for verb, task in NO_SENSE)
