"""train: what it takes, what it leaves behind, and what it refuses."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import CLASSES, Result, members, pictures, save_image, table_rows, write_folder, write_table

import sightline
from sightline.core.errors import SightlineError
from sightline.run.bundle import open_bundle

Cli = Callable[..., Result]
QUICK = ("--network", "cnn", "--imgsz", "16", "--batch", "8", "--workers", "0")
pytestmark = pytest.mark.usefixtures("quick_export")


def weights(path: Path | str) -> dict[str, np.ndarray]:
    """The tensors in a run's bundle."""
    from safetensors.numpy import load

    return load(open_bundle(path).members["model.safetensors"])


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


def train(data: Any, out: str, **options: Any) -> sightline.Model:
    """A training of one epoch on tiny data."""
    known = {"network": "cnn", "imgsz": 16, "batch": 8, "workers": 0, "epochs": 1, "out": out}
    return sightline.train(data, **{**known, **options})


def test_a_run_folder_holds_the_bundle_options_and_metrics_and_nothing_else(cli: Cli, shapes: Path) -> None:
    assert cli("train", shapes, *QUICK, "--epochs", 2, "--out", "run", "lr=0.001").code == 0
    names = {path.name for path in Path("run").iterdir()}
    assert names >= {"run.sightline", "options.toml", "metrics.jsonl"}
    assert not any("tmp" in name or name.endswith(".safetensors") for name in names)
    options = tomllib.loads(Path("run/options.toml").read_text())
    assert options["data"] == str(shapes) and (options["epochs"], options["lr"], options["dense"]) == (2, 0.001, 128)
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2] and rows[1]["step"] == 6


def test_what_is_recognised_and_what_to_type_next_is_said(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK, "--epochs", 1, "--out", "run")
    assert f"{shapes}: 36 images, format folder; task classify" in done.err
    assert "30 train, 3 val, 3 test; 3 classes; network cnn, input 16 x 16 x 3" in done.err
    assert ": 1 epoch\n" in done.err
    assert (
        "sightline predict run/run.sightline" in done.out
        and f"sightline evaluate run/run.sightline {shapes}" in done.out
    )
    assert "test, 3 images: accuracy" in done.out


def test_progress_is_told_as_asked(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK, "--epochs", 2, "--progress", "none")
    assert done.err == "" and "accuracy" in done.out
    rows = [
        json.loads(line) for line in cli("train", shapes, *QUICK, "epochs=2", "--progress", "json").err.splitlines()
    ]
    assert [row["epoch"] for row in rows if "epoch" in row] == [1, 2]
    lines = cli("train", shapes, *QUICK, "epochs=2", "--progress", "lines").err
    assert "epoch   1/2" in lines and "epoch   2/2" in lines and "\r" not in lines


def test_json_is_one_document_and_nothing_else(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK, "--epochs", 1, "--json")
    assert done.code == 0 and len(done.out.splitlines()) == 1
    assert Path(done.json["bundle"]) == Path("runs/shapes/shapes.sightline") and done.err == ""


def test_runs_are_named_after_the_data_and_never_overwritten(cli: Cli, shapes: Path) -> None:
    first = cli("train", shapes, *QUICK, "--epochs", 1, "--json").json
    second = cli("train", shapes, *QUICK, "--epochs", 1, "--json").json
    assert (first["run"], second["run"]) == ("runs/shapes", "runs/shapes-2")
    before = Path(first["bundle"]).read_bytes()
    done = cli("train", shapes, *QUICK, "--epochs", 1, "--out", first["run"])
    assert done.code == 2 and "the run folder exists" in done.err
    assert "--resume" in done.err and "--overwrite" in done.err
    assert Path(first["bundle"]).read_bytes() == before
    done = cli("train", shapes, *QUICK, "--epochs", 1, "--out", first["run"], "--overwrite", "--seed", 5)
    assert done.code == 0 and Path(first["bundle"]).read_bytes() != before


def test_a_folder_that_is_no_run_is_never_overwritten(cli: Cli, shapes: Path) -> None:
    Path("precious").mkdir()
    Path("precious/thesis.txt").write_text("years of work")
    for more in ((), ("--overwrite",)):
        done = cli("train", shapes, *QUICK, "--out", "precious", *more)
        assert done.code == 2 and "the run folder exists" in done.err
    assert [path.name for path in Path("precious").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("out", ["/dev/null/run", "file/run", "/proc/run"])
def test_an_output_folder_that_cannot_be_written_to_is_a_clear_error(cli: Cli, shapes: Path, out: str) -> None:
    Path("file").write_text("in the way")
    done = cli("train", shapes, *QUICK, "--out", out)
    assert (done.code, done.out) == (2, "") and "--out" in done.err and "Traceback" not in done.err


def test_a_file_in_the_place_of_the_runs_is_a_clear_error(cli: Cli, shapes: Path) -> None:
    Path("runs").write_text("in the way")
    done = cli("train", shapes, *QUICK)
    assert done.code == 2 and "cannot make the folder" in done.err and "--out" in done.err


def test_the_same_seed_repeats_exactly_and_another_does_not(shapes: Path, here: Path) -> None:
    first, again, other = (
        train(str(shapes), out, seed=seed, epochs=2, augment="strong", network="crnn")
        for out, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    assert same(weights(first.path), weights(again.path))
    assert not same(weights(first.path), weights(other.path))
    assert first.spec == again.spec


def test_the_number_of_readers_does_not_change_the_result(here: Path) -> None:
    write_folder(Path("data"), per_class=30)
    one, several = (train("data", out, workers=workers) for out, workers in (("a", 0), ("b", 2)))
    assert same(weights(one.path), weights(several.path))


def test_arrays_are_taken_with_a_val_part_of_their_own(here: Path) -> None:
    images, labels = pictures(10, grey=True)
    val = pictures(3, grey=True, first=500)
    model = sightline.train(images, labels, val=val, network="cnn", imgsz=16, epochs=1, batch=8, workers=0)
    counts = model.card["data"]["counts"]
    assert counts["val"] == 9 and counts["train"] == 30
    assert model.spec.inputs["image"].shape == (16, 16, 1) and model.spec.classes == CLASSES
    squeezed = train((images[..., 0], np.array(labels)), "squeezed")
    assert squeezed.spec.inputs == model.spec.inputs


def test_class_names_may_be_anything(cli: Cli) -> None:
    names = {"circle": "a/b\\c", "cross": "猫 🐈", "square": 'x, "y": ../z'}
    rows = [{**row, "label": names[row["label"]]} for row in table_rows()]
    path = write_table(Path("data"), rows)
    done = cli("train", path, *QUICK, "--epochs", 1, "--out", "run", "--json")
    assert done.code == 0, done.err
    assert set(open_bundle("run").spec.classes) == set(names.values())
    assert {row["class"] for row in done.json["scores"]["test"]["per_class"]} == set(names.values())
    assert {path.name for path in Path("run").iterdir() if path.is_dir()} == set()
    assert set(cli("check", path, "--json").json["classes"]) == set(names.values())


@pytest.mark.parametrize("name", ["two words", "猫 🐈", 'quo"te', "new\nline", "-dash", "a=b", b"gr\xfcn"])
def test_data_and_runs_may_be_named_anything(cli: Cli, name: str | bytes) -> None:
    import os

    folder = Path(os.fsdecode(name))
    write_folder(folder)
    run = Path("runs") / f"{folder.name} run"
    done = cli("train", *QUICK, "--epochs", 1, "--out", run, "--", folder)
    assert done.code == 0, done.err
    assert open_bundle(run).card["data"]["name"] == str(folder)
    done = cli("train", "--resume", run)
    assert done.code == 0 and "this run is finished" in done.err


def test_unreadable_images_are_left_out_up_to_a_share(cli: Cli, shapes: Path) -> None:
    shutil.copytree(shapes, "data")
    for i in range(4):
        Path(f"data/circle/bad{i}.png").write_bytes(b"")
    done = cli("train", "data", *QUICK, "--epochs", 1, "--out", "run")
    assert done.code == 0 and "4 of 40 images cannot be read" in done.err
    assert sum(open_bundle("run").card["data"]["counts"].values()) == 36
    done = cli("train", "data", *QUICK, "--epochs", 1, "--max-bad", "0.05")
    assert done.code == 2 and "4 of 40 images cannot be read" in done.err


def test_a_class_of_which_nothing_can_be_read_is_no_class(cli: Cli, shapes: Path) -> None:
    shutil.copytree(shapes, "data")
    Path("data/empty").mkdir()
    Path("data/empty/bad.png").write_bytes(b"")
    assert cli("train", "data", *QUICK, "--epochs", 1, "--out", "run").code == 0
    assert open_bundle("run").spec.classes == CLASSES


def test_data_that_cannot_be_split_is_a_clear_error(cli: Cli) -> None:
    rows = table_rows(group=lambda i: "one" if i < 12 else "two")
    path = write_table(Path("data"), [row for row in rows if row["label"] != "square"], ("image", "label", "group"))
    done = cli("train", path, *QUICK, "--epochs", 1)
    assert done.code in (0, 2) and "Traceback" not in done.err
    if done.code:
        assert "val" in done.err


def test_a_training_part_without_other_parts_is_split(cli: Cli) -> None:
    write_folder(Path("data/train"), per_class=10)
    write_folder(Path("data/test"), per_class=3, first=50)
    assert cli("train", "data", *QUICK, "--epochs", 1, "--out", "run").code == 0
    assert open_bundle("run").card["data"]["counts"] == {"train": 27, "val": 3, "test": 9}


@pytest.mark.parametrize("network", ["cnn", "auto"])
@pytest.mark.parametrize("steps", ["several", "one"])
def test_a_loss_that_is_no_number_is_a_clear_error(cli: Cli, shapes: Path, network: str, steps: str) -> None:
    more = ("--batch", 8, "--epochs", 20) if steps == "several" else ("--batch", 30, "--epochs", 1)
    done = cli(
        "train", shapes, "--network", network, "--imgsz", 16, "--lr", "1e30", "--workers", 0, *more, "--out", "run"
    )
    assert (done.code, done.out) == (2, "") and "Traceback" not in done.err
    assert "finite" in done.err
    assert not Path("run/run.sightline").exists()


def test_a_bundle_is_a_start_for_other_classes(shapes: Path, here: Path) -> None:
    first = train(str(shapes), "first", epochs=3)
    write_folder(Path("data"))
    shutil.rmtree("data/circle")
    still = train("data", "second", init=first.path, lr=1e-12, augment="none")
    old, new = weights(first.path), weights(still.path)
    heads = {name for name in old if old[name].shape != new[name].shape}
    assert heads == {"head.weight", "head.bias"} and still.spec.classes == ("cross", "square")
    assert all(np.allclose(old[name], new[name], atol=1e-6) for name in old if name not in heads)
    fresh = train("data", "third", lr=1e-12, augment="none")
    assert not np.allclose(old["dense.weight"], weights(fresh.path)["dense.weight"], atol=1e-3)


@pytest.mark.parametrize("network", ["cnn", "auto"])
def test_frozen_layers_do_not_change_and_the_last_one_does(shapes: Path, here: Path, network: str) -> None:
    first = train(str(shapes), "first", network=network)
    second = train(str(shapes), "second", network=network, init=first.path, freeze=True, epochs=2, seed=4)
    old, new = weights(first.path), weights(second.path)
    learnt = {name for name in old if not np.array_equal(old[name], new[name])}
    assert learnt and all(name.startswith("head.") for name in learnt), "statistics of norms are frozen too"


def test_weights_come_from_a_safetensors_file(shapes: Path, here: Path) -> None:
    first = train(str(shapes), "first", epochs=3)
    Path("w.safetensors").write_bytes(members(first.path)["model.safetensors"])
    second = train(str(shapes), "second", weights="w.safetensors", lr=1e-12, augment="none", seed=3)
    old, new = weights(first.path), weights(second.path)
    assert all(np.allclose(old[name], new[name], atol=1e-6) for name in old)


def test_weights_that_are_none_or_of_another_network_are_refused(shapes: Path, here: Path) -> None:
    import torch

    first = train(str(shapes), "first")
    with pytest.raises(SightlineError, match="the weights belong to another network"):
        train(str(shapes), "second", init=first.path, network="auto")
    Path("text.safetensors").write_text("no weights")
    torch.save({"a": torch.zeros(2)}, "pickled.pt")
    for name in ("text.safetensors", "pickled.pt"):
        with pytest.raises(SightlineError, match="this is no safetensors file"):
            train(str(shapes), f"out {name}", weights=name)


def test_patience_stops_and_the_best_epoch_is_kept(shapes: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sightline.core.task import Scores
    from sightline.verbs import training

    scores = iter([0.5, 0.7, 0.6, 0.7, 0.6, 0.5, 0.9])
    monkeypatch.setattr(training, "judge", lambda *_: Scores({"accuracy": next(scores)}))
    model = train(str(shapes), "run", epochs=7, patience=2)
    assert model.card["best"] == {"score": 0.7, "epoch": 4}, "of equal scores the later wins"
    rows = Path("run/metrics.jsonl").read_text().splitlines()
    assert len(rows) == 6


def test_a_time_makes_a_plan_that_is_kept(cli: Cli, shapes: Path) -> None:
    done = cli("train", shapes, *QUICK, "--time", "0.01s", "--out", "run", "--json")
    assert done.code == 0, done.err
    assert done.json["plan"]["steps"] >= 1 and done.json["options"]["time"] == 0.01
    assert json.loads(Path("run/state.json").read_text())["plan"] == done.json["plan"]


def test_grey_data_makes_a_grey_network_and_colour_a_colour_one(here: Path) -> None:
    for grey, channels in ((True, 1), (False, 3)):
        write_folder(Path(f"data{channels}"), grey=grey)
        model = train(f"data{channels}", f"out{channels}")
        assert model.spec.inputs["image"].shape == (16, 16, channels) and len(model.spec.mean) == channels


def test_the_tutorial_networks_see_28_pixels_unless_told(here: Path) -> None:
    images, labels = pictures(6)
    model = sightline.train(images, labels, network="crnn", epochs=1, workers=0, cell="lstm", units=8, depth=1)
    assert model.spec.inputs["image"].shape == (28, 28, 3)
    assert {"cell": "lstm", "units": 8, "depth": 1}.items() <= model.spec.options.items()


def test_the_embedded_digits_need_no_file(cli: Cli) -> None:
    done = cli("train", "digits", "--network", "cnn", "--epochs", 1, "--workers", 0, "--json")
    assert done.code == 0 and done.json["data"]["counts"] == {"train": 1078, "val": 359, "test": 360}
    assert done.json["scores"]["test"]["metrics"]["accuracy"] > 0.5
    assert not save_image(Path("digits/a/1.png"), pictures(1)[0][0]).is_dir()
    assert cli("check", "digits").code == 1, "a folder of that name is meant"
