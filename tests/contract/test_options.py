"""Options are written once: what the dataclasses say is what the command line takes, shows and refuses."""

from __future__ import annotations

import dataclasses
import importlib
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Result

from sightline.cli import normalise
from sightline.core.options import resolve, types_of
from sightline.tables import FORMATS, NETWORKS, TASKS, VERBS, network_entry
from sightline.verbs.common import task_named


def _classes() -> dict[str, type]:
    found: dict[str, type] = {}
    for verb, entry in VERBS.items():
        module = importlib.import_module(entry.place.partition(":")[0])
        if hasattr(module, f"{verb.capitalize()}Options"):
            found[verb] = getattr(module, f"{verb.capitalize()}Options")
    for task in TASKS:
        found[task] = task_named(task).Options
        for network in NETWORKS[task]:
            found[f"{task} {network}"] = NETWORKS[task][network].load_options()
    return found


CLASSES = _classes()
OPTIONS = [(owner, field) for owner, cls in CLASSES.items() for field in dataclasses.fields(cls)]
IDS = [f"{owner} {field.name}" for owner, field in OPTIONS]


@pytest.mark.parametrize(("owner", "field"), OPTIONS, ids=IDS)
def test_an_option_explains_itself(owner: str, field: dataclasses.Field) -> None:
    text = field.metadata["help"]
    assert len(text) >= 5 and not text.endswith(".")
    kind, optional = types_of(CLASSES[owner])[field.name]
    assert field.default is not None or optional
    assert field.default is None or isinstance(field.default, typing.get_origin(kind) or kind)
    if field.metadata["choices"] and field.default is not None:
        assert field.default in field.metadata["choices"]


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_the_defaults_are_allowed_values_and_cannot_be_changed(cls: type) -> None:
    made = resolve(cls, {f.name: f.default for f in dataclasses.fields(cls)})
    assert made == cls()
    first = dataclasses.fields(cls)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, first, None)


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_every_option_of_the_verb(cli: Callable[..., Result], verb: str) -> None:
    done = cli(verb, "--help")
    assert done.code == 0 and f"usage: sightline {verb}" in done.out
    for field in dataclasses.fields(CLASSES[verb]) if verb in CLASSES else ():
        assert f"--{field.name.replace('_', '-')}" in done.out


def test_help_shows_the_options_of_a_network_once_it_is_named(cli: Callable[..., Result]) -> None:
    plain, cnn, crnn = (cli("train", *more, "--help").out for more in ((), ("--network", "cnn"), ("network=crnn",)))
    assert "--dense" not in plain and "--cell" not in plain
    assert "--dense" in cnn and "--cell" not in cnn
    assert "--dense" in crnn and "--cell" in crnn and "rnn, gru, lstm" in crnn
    task = cli("train", "--task", "classify", "--help").out
    assert "--label-smoothing" in task and "--label-smoothing" not in plain
    assert "--pretrained" in cli("train", "--network", "timm/resnet18", "--help").out


@pytest.mark.parametrize(
    ("arguments", "what", "neighbour"),
    [
        (("train", "digits", "--epcohs", "3"), "unknown option --epcohs", "--epochs"),
        (("train", "digits", "epcohs=3"), "unknown option --epcohs", "--epochs"),
        (("train", "digits", "--epcohs=3"), "unknown option --epcohs", "--epochs"),
        (("train", "digits", "--netwrok", "cnn"), "unknown option --netwrok", "--network"),
        (("train", "digits", "--img_size", "64"), "unknown option --img-size", "--imgsz"),
        (("train", "digits", "--network", "cmm"), "unknown network 'cmm'", "cnn"),
        (("train", "digits", "network=crn"), "unknown network 'crn'", "crnn"),
        (("train", "digits", "--task", "clasify"), "unknown task 'clasify'", "classify"),
        (("train", "digits", "--augment", "storng"), "unknown value of --augment 'storng'", "strong"),
        (("train", "digits", "--format", "foldr"), "format", "folder"),
        (("train", "digits", "--network", "crnn", "--cell", "gur"), "unknown value of --cell 'gur'", "gru"),
        (("train", "digits", "--network", "cnn", "--cell", "gru"), "--cell is an option of crnn", "crnn"),
        (("train", "digits", "--network", "auto", "--dense", "64"), "--dense is an option of cnn, crnn", "cnn"),
        (
            ("train", "digits", "--network", "cnn", "--pretrained"),
            "--pretrained is an option of timm/NAME",
            "timm/NAME",
        ),
        (("train", "digits", "--network", "timm"), "unknown network 'timm'", "timm/NAME"),
        (("predict", "m", "x", "--min-confidenc", "1"), "unknown option --min-confidenc", "--min-confidence"),
        (("evaluate", "m", "digits", "--spilt", "test"), "unknown option --spilt", "--split"),
        (("evaluate", "m", "digits", "--split", "tset"), "unknown value of --split 'tset'", "test"),
        (("train", "data=digits", "model=yolo11n.pt", "epochs=5"), "unknown option --model", "--network"),
        (("check", "digits", "--source", "x"), "unknown option --source", ""),
        (("check", "digits", "--sede", "1"), "unknown option --sede", "--seed"),
        (("formats", "--jsno"), "unknown option --jsno", "--json"),
        (("trian", "digits"), "unknown verb 'trian'", "train"),
        (("pedict", "digits"), "unknown verb 'pedict'", "predict"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_unknown_is_named_with_its_nearest_neighbour(
    cli: Callable[..., Result], arguments: tuple[str, ...], what: str, neighbour: str
) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert what in done.err and neighbour in done.err.replace(what, "")
    assert "Traceback" not in done.err and list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--lr", "nan"), "--lr nan is not a finite number"),
        (("lr=inf",), "--lr inf is not a finite number"),
        (("--lr", "0"), "it must be above 0"),
        (("--lr", "-0.1"), "it must be above 0"),
        (("--lr", "fast"), "--lr 'fast' is not a number"),
        (("--epochs", "0"), "it must be at least 1"),
        (("--epochs", "2.5"), "--epochs '2.5' is not a whole number"),
        (("--epochs",), "expected one argument"),
        (("--time", "soon"), "'soon' is not a time"),
        (("--time", "0s"), "it must be above 0"),
        (("--time", "5m", "--epochs", "3"), "--epochs and --time exclude each other"),
        (("--imgsz", "2"), "it must be at least 4"),
        (("--batch", "-1"), "it must be at least 1"),
        (("--max-bad", "1.5"), "it must be at most 1"),
        (("--seed", "9" * 30), "--seed"),
        (("--overwrite", "maybe"), "one thing at a time, not 2"),
        (("--device", "gpu3"), "the device 'gpu3' is not there"),
        (("--device", "99"), "the device '99' is not there"),
        (("--network", "cnn", "--imgsz", "4", "--depth", "3"), "too small for 3 conv-pool blocks"),
        (("--weights", "nowhere.safetensors"), "the weights cannot be read"),
        (("--init", "nowhere.sightline"), "the bundle does not exist"),
        (("--config", "nowhere.toml"), "the options file cannot be read"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_a_bad_value_of_train_is_refused(cli: Callable[..., Result], arguments: tuple[str, ...], what: str) -> None:
    done = cli("train", "digits", "--out", "run", *arguments)
    assert (done.code, done.out) == (2, "")
    assert what in done.err and "Traceback" not in done.err


def test_an_unknown_option_in_python_names_its_neighbour(here: Path) -> None:
    import sightline

    with pytest.raises(sightline.SightlineError, match="unknown option 'epcohs'") as caught:
        sightline.train("digits", epcohs=3)
    assert "epochs" in caught.value.fix and list(here.iterdir()) == []


def test_options_of_a_config_file_are_taken_and_those_typed_win(cli: Callable[..., Result], here: Path) -> None:
    (here / "it.toml").write_text('epochs = 0\nnetwork = "cnn"\nlabel-smoothing = 0.9\n')
    assert "--epochs 0 is out of range" in cli("train", "digits", "--config", "it.toml").err
    assert "--label-smoothing 0.9 is out of range" in cli("train", "digits", "--config", "it.toml", "--epochs", 1).err
    (here / "it.toml").write_text("epcohs = 3\n")
    assert "unknown option 'epcohs'" in cli("train", "digits", "config=it.toml").err
    (here / "it.toml").write_text("epochs = = 3\n")
    assert "the options file cannot be read" in cli("train", "digits", "config=it.toml").err
    assert not (here / "runs").exists()


def test_key_value_pairs_are_options_unless_they_are_files(here: Path) -> None:
    assert normalise(["a", "lr=0.1", "--max_bad=1", "--img_x", "y"], set()) == (
        ["a", "--lr", "0.1", "--max-bad", "1", "--img-x", "y"]
    )
    (here / "x=1.jpg").write_bytes(b"")
    assert normalise(["x=1.jpg", "y=1.jpg"], set()) == ["x=1.jpg", "--y", "1.jpg"]
    assert normalise(["out=a=b", "--", "./k=v"], set()) == ["--out", "a=b", "--", "./k=v"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("predict", "model=M", "source=photos"), ["M", "photos"]),
        (("predict", "--source", "photos", "--model", "M"), ["M", "photos"]),
        (("predict", "M", "source=photos", "--top", "2"), ["M", "photos"]),
        (("predict", "a.jpg", "b.jpg", "model=M"), ["M", "a.jpg", "b.jpg"]),
        (("evaluate", "data=photos", "M"), ["M", "photos"]),
        (("evaluate", "data=photos", "model=M"), ["M", "photos"]),
        (("explain", "model=M", "a.jpg", "data=photos"), ["M", "a.jpg"]),
        (("train", "data=photos", "epochs=5"), ["photos"]),
        (("check", "--data", "photos"), ["photos"]),
        (("serve", "model=M", "N"), ["M", "N"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_targets_may_be_named(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], wanted: list[str]
) -> None:
    seen: list[list[str]] = []
    module = VERBS[arguments[0]].place.partition(":")[0]
    monkeypatch.setattr(f"{module}.command", lambda target, given, as_json: seen.append(target) or 0)
    assert cli(*arguments).code == 0 and seen == [wanted]


def test_flags_may_be_spelled_out() -> None:
    flags = {"freeze", "overwrite"}
    assert normalise(["--freeze", "true", "overwrite=false", "json=true"], flags) == (
        ["--freeze", "--no-overwrite", "--json"]
    )
    assert normalise(["--freeze", "digits"], flags) == ["--freeze", "digits"]


def test_every_network_and_format_has_a_summary() -> None:
    entries = [*VERBS.values(), *TASKS.values(), *FORMATS.values(), *(e for t in NETWORKS.values() for e in t.values())]
    assert all(len(entry.summary) > 10 for entry in entries)
    assert network_entry("classify", "timm/resnet18") is NETWORKS["classify"]["timm"]
