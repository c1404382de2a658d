"""Bundles: what is whole is read, what is not is refused, and nothing in one can run code."""

from __future__ import annotations

import json
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Result, members, picture, rezip

import sightline
from sightline.core.errors import SightlineError
from sightline.core.spec import VERSION
from sightline.run.bundle import Bundle, open_bundle, save


def refused(path: Path, words: str) -> SightlineError:
    with pytest.raises(SightlineError) as caught:
        open_bundle(path)
    assert words in caught.value.what, caught.value.what
    assert str(path) in caught.value.where
    return caught.value


def test_a_bundle_is_read_as_it_was_written(bundle: Path, tmp_path: Path) -> None:
    first = open_bundle(bundle)
    rest = {k: v for k, v in first.members.items() if not k.endswith(".json")}
    save(tmp_path / "copy.sightline", first.spec, first.card, rest)
    second = open_bundle(tmp_path / "copy.sightline")
    assert (second.spec, second.card, second.members) == (first.spec, first.card, first.members)
    assert (tmp_path / "copy.sightline").read_bytes() == bundle.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["copy.sightline"]


def test_a_bundle_holds_what_the_design_says(bundle: Path) -> None:
    names = set(members(bundle))
    assert {"spec.json", "model.onnx", "model.safetensors", "card.json", "SHA256SUMS"} <= names
    card = open_bundle(bundle).card
    assert {"data", "options", "scores", "versions", "parity", "best", "plan"} <= set(card)
    assert card["data"]["fingerprint"] and card["data"]["counts"] == {"train": 30, "val": 3, "test": 3}
    assert card["versions"]["sightline"] == sightline.__version__


def test_a_run_folder_stands_for_its_bundle(bundle: Path, tmp_path: Path) -> None:
    assert open_bundle(bundle.parent).path == bundle
    refused(tmp_path, "there is no bundle in this folder")
    shutil.copy(bundle, tmp_path / "a.sightline")
    shutil.copy(bundle, tmp_path / "b.sightline")
    assert "name a file" in refused(tmp_path, "there are 2 bundles in this folder").fix


def test_a_bundle_that_is_not_there_says_what_there_is(bundle: Path, here: Path) -> None:
    assert "sightline train" in refused(Path("no.sightline"), "the bundle does not exist").fix
    Path("runs/cats").mkdir(parents=True)
    shutil.copy(bundle, "runs/cats/cats.sightline")
    assert "cats.sightline" in refused(Path("no.sightline"), "the bundle does not exist").fix


@pytest.mark.parametrize("name", ["spec.json", "model.onnx", "model.safetensors", "card.json", "assets/trained_on.npy"])
def test_an_altered_member_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    def alter(found: dict[str, bytes]) -> None:
        found[name] = found[name][:-1] + bytes([found[name][-1] ^ 1])

    refused(rezip(bundle, tmp_path / "x.sightline", alter, sums=False), f"{name} does not match its sum")


def test_a_member_without_a_sum_is_refused(bundle: Path, tmp_path: Path) -> None:
    path = rezip(bundle, tmp_path / "x.sightline", lambda found: found.update({"assets/more": b"x"}), sums=False)
    refused(path, "assets/more does not match its sum")


@pytest.mark.parametrize("name", ["spec.json", "model.onnx", "card.json", "SHA256SUMS"])
def test_a_missing_member_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    path = rezip(bundle, tmp_path / "x.sightline", lambda found: found.pop(name))
    refused(path, f"the bundle lacks {name}")


def test_a_bundle_without_weights_still_predicts(bundle: Path, tmp_path: Path) -> None:
    path = rezip(bundle, tmp_path / "x.sightline", lambda found: found.pop("model.safetensors"))
    image = picture("cross", 5)
    assert sightline.load(path).predict(image).to_dict() == sightline.load(bundle).predict(image).to_dict()


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "assets/../../evil",
        "/etc/evil",
        "code.py",
        "data.pkl",
        "assets\\..\\evil",
        "model.onnx.data",
        "ASSETS/x",
    ],
)
def test_a_member_that_no_bundle_holds_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    path = rezip(bundle, folder / "x.sightline", lambda found: found.update({name: b"x"}))
    error = refused(path, "which no bundle holds")
    assert repr(name) in error.what and error.fix == "do not use this file"
    assert list(tmp_path.rglob("evil*")) == []


class Evil:
    """Unpickling it writes a file."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (Path("evil"),)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["assets/lexicon.bin", "model.safetensors", "assets/trained_on.npy"])
def test_a_pickle_in_disguise_is_refused_though_its_sum_is_right(
    bundle: Path, here: Path, name: str, protocol: int
) -> None:
    data = pickle.dumps(Evil(), protocol)
    path = rezip(bundle, here / "x.sightline", lambda found: found.update({name: data}))
    refused(path, f"{name} is a Python pickle")
    assert not Path("evil").exists()


def test_a_torch_file_in_disguise_is_refused(bundle: Path, tmp_path: Path) -> None:
    import torch

    torch.save({"a": torch.zeros(2)}, tmp_path / "weights.pt")
    data = (tmp_path / "weights.pt").read_bytes()
    refused(
        rezip(bundle, tmp_path / "x.sightline", lambda f: f.update({"model.safetensors": data})), "is a Python pickle"
    )


def test_an_array_of_objects_is_never_unpickled(bundle: Path, here: Path, strangers: Path) -> None:
    np.save("objects.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    data = Path("objects.npy").read_bytes()
    path = rezip(bundle, here / "x.sightline", lambda found: found.update({"assets/trained_on.npy": data}))
    with pytest.raises(SightlineError, match="damaged"):
        sightline.evaluate(path, str(strangers))
    assert not Path("evil").exists()


def test_a_newer_bundle_says_how_to_upgrade(bundle: Path, tmp_path: Path) -> None:
    def newer(found: dict[str, bytes]) -> None:
        found["spec.json"] = json.dumps({**json.loads(found["spec.json"]), "version": VERSION + 1}).encode()

    error = refused(rezip(bundle, tmp_path / "x.sightline", newer), f"this bundle has format version {VERSION + 1}")
    assert "pip install --upgrade sightline" in error.fix


@pytest.mark.parametrize(
    ("name", "data"), [("spec.json", b"[]"), ("card.json", b"[1]"), ("spec.json", b"{"), ("card.json", b"\xff")]
)
def test_a_member_that_is_no_json_object_is_refused(bundle: Path, tmp_path: Path, name: str, data: bytes) -> None:
    path = rezip(bundle, tmp_path / "x.sightline", lambda found: found.update({name: data}))
    refused(path, name)


def test_a_name_that_occurs_twice_is_refused(bundle: Path, tmp_path: Path) -> None:
    path = shutil.copy(bundle, tmp_path / "x.sightline")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("model.onnx", b"another")
    refused(path, "the bundle holds a name twice")


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"\x80\x04K\x01.", bytes(1000)])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.sightline"
    path.write_bytes(data)
    refused(path, "this is no bundle")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_bundle_cut_short_is_refused(bundle: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "x.sightline"
    data = bundle.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "not a zip file, or cut short")


def test_a_bundle_that_claims_to_be_huge_is_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.run.bundle.LIMIT", 1000)
    refused(bundle, "the bundle unpacks to more than")


@pytest.fixture(scope="module")
def small(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of a few kB, so that a mutation hits something that matters; its graph is no graph."""
    whole = open_bundle(bundle)
    path = tmp_path_factory.mktemp("small") / "small.sightline"
    save(path, whole.spec, {"a": 1}, {"model.onnx": b"graph" * 20, "assets/words": b"text"})
    return open_bundle(path)


mutations = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)


@given(changes=mutations, cut=st.none() | st.floats(0, 1), extra=st.binary(max_size=8))
def test_a_damaged_bundle_is_read_right_or_refused(
    small: Bundle,
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[float, int]],
    cut: float | None,
    extra: bytes,
) -> None:
    data = bytearray(small.path.read_bytes())
    for place, value in changes:
        data[int(place * len(data))] = value
    data = data[: int(cut * len(data))] if cut is not None else data
    path = small.path.with_name("mutant.sightline")
    path.write_bytes(bytes(data) + extra)
    try:
        found = open_bundle(path)
    except SightlineError:
        return
    assert found.members == small.members and found.spec == small.spec


@pytest.mark.parametrize("offset", range(46))
def test_no_header_of_a_member_can_be_damaged_into_a_crash(small: Bundle, offset: int) -> None:
    whole = small.path.read_bytes()
    path = small.path.with_name("header.sightline")
    for signature in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"):
        for value in (0, 1, 14, 127, 255):
            data = bytearray(whole)
            at = whole.index(signature) + offset
            if at < len(data):
                data[at] = value
            path.write_bytes(data)
            try:
                assert open_bundle(path).members == small.members
            except SightlineError as error:
                assert str(path) in error.where


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_a_graph_that_is_none_is_a_clear_error(
    cli: Callable[..., Result], small: Bundle, shapes: Path, verb: str
) -> None:
    done = cli(verb, small.path, shapes)
    assert done.code == 2 and "the model's graph cannot be loaded" in done.err


def test_a_spec_that_does_not_fit_its_graph_is_a_clear_error(
    cli: Callable[..., Result], bundle: Path, shapes: Path, tmp_path: Path
) -> None:
    def change(key: str, value: object) -> Callable[[dict[str, bytes]], None]:
        def apply(found: dict[str, bytes]) -> None:
            found["spec.json"] = json.dumps({**json.loads(found["spec.json"]), key: value}).encode()

        return apply

    changes = {
        "classes": ["one", "two"],
        "inputs": {"picture": {"dtype": "uint8", "shape": [16, 16, 3]}},
        "task": "clasify",
    }
    for key, value in changes.items():
        path = rezip(bundle, tmp_path / f"{key}.sightline", change(key, value))
        done = cli("predict", path, shapes)
        assert (done.code, done.out) == (2, "") and "Traceback" not in done.err, key
    path = rezip(
        bundle, tmp_path / "shape.sightline", change("inputs", {"image": {"dtype": "uint8", "shape": [9, 9, 3]}})
    )
    assert "the model cannot run on this input" in cli("predict", path, shapes).err
