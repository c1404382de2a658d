"""compress on the command line: what it writes, what it refuses, and what it says where the drop is too large."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Result

pytest.importorskip("onnx")

import sightline
from sightline.run.bundle import open_bundle


def test_the_table_and_the_card_say_what_was_done(cli: Callable[..., Result], bundle: Path, shapes: Path) -> None:
    done = cli("compress", bundle, shapes, "--max-drop", 100, "--workers", 0)
    assert done.code == 0, done.err
    name = f"{bundle.stem}-int8"
    path = Path("runs") / name / f"{name}.sightline"
    assert path.is_file() and f"bundle: {path}" in done.out
    for word in ("before", "after", "accuracy (test)", "size", "graph, ms an image", "times smaller"):
        assert word in done.out
    small, card = open_bundle(path), open_bundle(path).card["compressed"]
    assert card["method"] == "quantize" and card["met"] and card["from"] == bundle.name
    assert card["data"]["fingerprint"] == small.card["data"]["fingerprint"]
    assert "model.safetensors" not in small.members and "assets/trained_on.npy" in small.members
    again = cli("compress", bundle, shapes, "--max-drop", 100)
    assert again.code == 2 and "the file exists already" in again.err
    refused = cli("explain", path, next(shapes.rglob("*.png")), "--method", "gradcam")
    assert refused.code == 2 and "error:" in refused.err


def test_a_drop_that_is_too_large_is_said_and_kept_apart(
    cli: Callable[..., Result], bundle: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.verbs import compress, compress_parts

    def worse(task, graph, piece, spec, quick=False):
        found = compress_parts.judged(task, graph, piece, spec, quick)
        if b"DequantizeLinear" in graph:
            found["metrics"]["accuracy"] -= 0.25
        return found

    monkeypatch.setattr(compress, "judged", worse)
    done = cli("compress", bundle, shapes, "--out", "it.sightline", "--workers", 0)
    assert done.code == 1
    assert "falls by" in done.err and "--max-drop allows 0.5" in done.err
    assert not Path("it.sightline").exists()
    assert open_bundle("it-missed.sightline").card["compressed"]["met"] is False


def test_a_small_network_learns_from_the_bundle(cli: Callable[..., Result], bundle: Path, shapes: Path) -> None:
    words = ("compress", bundle, shapes, "--method", "distill", "--epochs", 1, "--workers", 0, "--json")
    done = cli(*words, "--max-drop", 100)
    assert done.code == 0, done.err
    small = open_bundle(done.json["bundle"])
    assert small.path == Path("runs") / f"{bundle.stem}-small" / f"{bundle.stem}-small.sightline"
    assert small.spec.network == "small" and small.card["options"]["teacher"] == str(bundle)
    assert small.card["compressed"]["method"] == "distill" and small.card["compressed"]["from"] == bundle.name
    assert "model.safetensors" in small.members
    assert set(done.json["after"]["metrics"]) == {"val", "test"}
    missed = cli(*words, "--max-drop", 0, "--out", "it.sightline")
    assert missed.code == 1 and not Path("it.sightline").exists()
    assert cli("evaluate", "it-missed.sightline", shapes, "--workers", 0).code == 0
    refused = cli("compress", "it-missed.sightline", shapes, "--method", "distill", "--network", "smal")
    assert refused.code == 2 and "small" in refused.err


def test_a_small_reader_takes_the_options_of_its_teacher(monkeypatch: pytest.MonkeyPatch, trained) -> None:
    """Text is written in the same normal form, the same words are known, and lines are as high as was asked for."""
    from sightline.verbs import train
    from sightline.verbs.compress import CompressOptions
    from sightline.verbs.compress_distill import distilled

    bundle, seen = open_bundle(next(trained("small", "read").glob("*.sightline"))), {}

    def run_training(data, given, started):
        seen.update(given)
        return bundle.path

    monkeypatch.setattr(train, "run_training", run_training)
    told = {**bundle.card["options"], "normalize": "NFD", "lm": "none", "lexicon": "words.txt", "seed": 7}
    taught = dataclasses.replace(bundle, card={**bundle.card, "options": told})
    distilled(taught, "lines", CompressOptions(method="distill", epochs=2), Path("out"))
    assert seen["imgsz"] == told["imgsz"] == 16 and seen["epochs"] == 2
    assert (seen["normalize"], seen["lm"], seen["lexicon"], seen["seed"]) == ("NFD", "none", "words.txt", 7)
    assert seen["teacher"] == bundle.path and seen["task"] == "read" and seen["network"] == "small"


def test_fp16_keeps_the_answers(cli: Callable[..., Result], bundle: Path, shapes: Path) -> None:
    done = cli("compress", bundle, shapes, "--method", "fp16", "--out", "half.sightline", "--json", "--workers", 0)
    assert done.code == 0 and done.json["drop"] == 0 and done.json["layers"] == 0
    assert sightline.load(bundle).compress(shapes, method="fp16", out="again.sightline", workers=0)["met"]
    assert cli("evaluate", "half.sightline", shapes, "--workers", 0).code == 0
    again = cli("compress", "half.sightline", shapes)
    assert again.code == 2 and "this bundle is in fp16 already" in again.err and bundle.name in again.err
    refused = cli("export", "half.sightline", "--to", "openvino", "--out", "vino")
    assert refused.code == 2 and "in its own way" in refused.err and bundle.name in refused.err
    assert not Path("vino").exists()


def test_classes_that_the_model_never_saw_are_said(
    cli: Callable[..., Result], bundle: Path, shapes: Path, tmp_path: Path
) -> None:
    shutil.copytree(shapes, tmp_path / "other")
    for place in sorted((tmp_path / "other").rglob("*"), reverse=True):
        if place.is_dir() and place.name not in ("train", "val", "test"):
            place.rename(place.with_name(f"new-{place.name}"))
    done = cli("compress", bundle, tmp_path / "other", "--workers", 0)
    assert done.code == 2 and "known to the model" in done.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "compress takes a bundle and data"),
        (("--out", "it.onnx"), "a bundle's name ends in .sightline"),
        (("--method", "magic"), "choose one of: quantize, fp16"),
        (("--max-drop", -1), "it must be at least 0"),
    ],
)
def test_what_is_wrong_is_said(
    cli: Callable[..., Result], bundle: Path, shapes: Path, arguments: tuple, error: str
) -> None:
    done = cli("compress", bundle, *([shapes] if arguments else []), *arguments)
    assert done.code == 2 and error in done.err
