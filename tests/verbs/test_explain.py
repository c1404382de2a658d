"""explain: pictures, maps and numbers for what is there; a clear error for what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import Result, picture, rezip, save_image

import sightline
from sightline.core.errors import SightlineError
from sightline.explain import overlay
from sightline.tables import EXPLAINERS

Cli = Callable[..., Result]


@pytest.fixture
def image(here: Path) -> Path:
    return save_image(Path("a cross.png"), picture("cross", 900, side=40))


@pytest.fixture
def light(bundle: Path, tmp_path: Path) -> Path:
    """The bundle without its weights, as quantizing leaves it."""
    return rezip(bundle, tmp_path / "light.sightline", lambda members: members.pop("model.safetensors"))


@pytest.fixture(scope="session")
def remembering(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle trained with --memory."""
    out = tmp_path_factory.mktemp("runs") / "memory"
    options = {"network": "cnn", "imgsz": 16, "epochs": 4, "batch": 8, "workers": 0}
    return Path(sightline.train(str(shapes), out=out, memory=True, **options).path)


def test_a_picture_a_map_and_json_are_written(cli: Cli, bundle: Path, image: Path) -> None:
    done = cli("explain", bundle, image, "--out", "out", "--json")
    assert done.code == 0, done.err
    row = done.json
    assert sorted(p.suffix for p in Path("out").iterdir()) == [".json", ".npy", ".png"]
    values = np.load(row["map"], allow_pickle=False)
    assert values.dtype == np.float32 and values.shape == (40, 40) and row["size"] == [40, 40]
    drawn = Image.open(row["overlay"])
    assert drawn.width > drawn.height and min(drawn.size) >= 320
    assert json.loads(Path(row["map"]).with_suffix(".json").read_text(encoding="utf-8")) == row
    answer = cli("predict", bundle, image, "--json").json
    assert (row["label"], row["confidence"]) == (answer["label"], pytest.approx(answer["confidence"], abs=1e-4))
    assert {"deletion", "insertion", "random_deletion", "random_insertion", "method", "item", "seconds"} <= set(row)


def test_people_get_one_line_an_image_and_nothing_is_overwritten(cli: Cli, bundle: Path, image: Path) -> None:
    other = save_image(Path("b/a cross.png"), picture("circle", 901))
    first = cli("explain", bundle, image, other)
    assert first.code == 0 and len(first.out.splitlines()) == 2
    assert first.out.startswith(f"{image}  ") and "chance" in first.out and "deletion:" in first.err
    names = {path.name for path in Path("runs/explain").glob("*.png")}
    assert len(names) == 2 and all(str(Path("runs/explain") / name) in first.out for name in names)
    before = {path: path.read_bytes() for path in Path("runs/explain").iterdir()}
    assert cli("explain", bundle, image).code == 0
    assert all(path.read_bytes() == data for path, data in before.items())


@pytest.mark.parametrize("method", EXPLAINERS)
def test_every_method_can_be_asked_for_by_name(cli: Cli, bundle: Path, image: Path, method: str) -> None:
    done = cli("explain", bundle, image, f"--method={method}", "--json")
    assert done.code == 0, done.err
    assert done.json["method"] == method and method in done.json["overlay"]
    assert ("layer" in done.json) is EXPLAINERS[method].layers


def test_an_answer_can_be_chosen_by_name_or_by_rank(cli: Cli, bundle: Path, image: Path) -> None:
    listed = [one["label"] for one in cli("predict", bundle, image, "--json").json["top"]]
    maps = []
    for number, label in enumerate(listed, 1):
        by_name = cli("explain", bundle, image, "--label", label, "--json").json
        by_rank = cli("explain", bundle, image, "--item", number, "--json").json
        assert by_name["label"] == by_rank["label"] == label and by_name["item"] == by_rank["item"] == number
        assert np.array_equal(np.load(by_name["map"]), np.load(by_rank["map"]))
        maps.append(np.load(by_name["map"]))
    assert not np.array_equal(maps[0], maps[1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--label", "crosss"), "did you mean cross"),
        (("--label", "zebra"), "known: circle, cross, square"),
        (("--item", 4), "--item 4 is out of range: the model knows 3 classes"),
        (("--item", 0), "give 1 (the most probable) to 3"),
        (("--item", "two"), "is not a whole number"),
        (("--label", "cross", "--item", 1), "exclude each other"),
        (("--method", "grad-cam"), "choose one of: auto, occlusion"),
        (("--method", "gradcam", "--layer", "features.9"), "did you mean features."),
        (("--method", "gradcam", "--layer", "head"), "gives no feature maps"),
        (("--method", "lime", "--layer", "features.0"), "--layer is for: gradcam, activations"),
        (("--nearest",), "train with --memory"),
        (("--out", "/dev/null/x"), "cannot make the folder"),
        (("--out", "taken"), "cannot make the folder"),
    ],
)
def test_what_is_not_there_is_a_clear_error(
    cli: Cli, bundle: Path, image: Path, arguments: tuple[object, ...], words: str
) -> None:
    Path("taken").write_text("in the way")
    done = cli("explain", bundle, image, *arguments)
    assert done.code == 2 and words in done.err and "Traceback" not in done.err
    assert done.out == "" and Path("taken").read_text() == "in the way"


@pytest.mark.parametrize("method", ["occlusion", "lime"])
def test_an_image_smaller_than_a_superpixel_has_no_parts(cli: Cli, bundle: Path, image: Path, method: str) -> None:
    tiny = save_image(Path("tiny.png"), picture("cross", 1)[:3, :5])
    done = cli("explain", bundle, tiny, "--method", method)
    assert done.code == 2 and "5 x 3 px is smaller than a superpixel" in done.err
    several = cli("explain", bundle, image, tiny, "--method", method, "--max-bad", 0.5, "--json")
    assert several.code == 0 and "superpixel" in several.lines[1]["error"]
    some = cli("explain", bundle, image, tiny, "--method", method)
    assert some.code == 2 and "error: 1 of 2 images cannot be explained, and --max-bad allows 20%" in some.err
    none = cli("explain", bundle, tiny, tiny, "--method", method)
    assert none.code == 2 and f"error: none of the 2 images can be explained; the first, {tiny}: an image" in none.err
    assert f"{method} needs at least 4 x 4 px; for smaller ones type: --method gradcam" in none.err
    assert cli("explain", bundle, tiny, tiny, "--method", "gradcam").code == 0


@pytest.mark.parametrize("method", [name for name, entry in EXPLAINERS.items() if entry.weights])
def test_gradients_of_a_quantized_bundle_are_refused_and_say_what_remains(
    cli: Cli, light: Path, image: Path, method: str
) -> None:
    done = cli("explain", light, image, "--method", method)
    assert done.code == 2 and "these methods remain: occlusion, lime" in done.err
    assert cli("explain", light, image, "--json").json["method"] in ("occlusion", "lime")


def test_unreadable_images_do_not_stop_the_others(cli: Cli, bundle: Path, image: Path) -> None:
    Path("bad.png").write_bytes(b"")
    done = cli("explain", bundle, "bad.png", image, "--max-bad", "0.5", "--json")
    assert done.code == 0 and "0 bytes" in done.lines[0]["error"] and "overlay" in done.lines[1]
    assert cli("explain", bundle, "bad.png").code == 2
    assert "explain takes a bundle and images" in cli("explain", bundle).err


def test_the_nearest_are_the_image_itself_and_its_like(
    cli: Cli, remembering: Path, shapes: Path, strangers: Path
) -> None:
    images = sorted(shapes.rglob("*.png"))
    done = cli("explain", remembering, *images, "--nearest", 3, "--json")
    assert done.code == 0, done.err
    assert not Path("runs").exists(), "nothing to write without the data"
    names = {str(path.relative_to(shapes)) for path in images}
    itself = 0
    for path, row in zip(images, done.lines, strict=True):
        near = row["nearest"]
        assert len(near) == 3 and {one["image"] for one in near} <= names
        assert [one["similarity"] for one in near] == sorted((one["similarity"] for one in near), reverse=True)
        assert all(one["image"].split("/")[0] == one["target"] for one in near)
        itself += near[0]["image"] == str(path.relative_to(shapes)) and near[0]["similarity"] > 0.999
    assert itself >= 20, "the training part (of 36) is found again"
    stranger = cli("explain", remembering, "--nearest", strangers / "cross" / "004.png")
    assert stranger.code == 0 and len(stranger.out.splitlines()) == 6, "the number may be left out"


def test_the_nearest_can_be_shown_with_the_data_at_hand(
    cli: Cli, remembering: Path, shapes: Path, strangers: Path
) -> None:
    image = sorted(strangers.rglob("*.png"))[0]
    done = cli("explain", remembering, image, "--nearest", "2", "--data", shapes, "--json")
    assert done.code == 0 and Image.open(done.json["picture"]).width > 600
    wrong = cli("explain", remembering, image, "--nearest", "--data", "digits")
    assert wrong.code == 2 and "this is not the data that the bundle was trained on" in wrong.err


def test_a_memory_holds_no_pixels_and_damage_is_noticed(
    cli: Cli, remembering: Path, bundle: Path, image: Path, tmp_path: Path
) -> None:
    import zipfile

    names = [set(zipfile.ZipFile(path).namelist()) for path in (remembering, bundle)]
    assert names[0] - names[1] == {"assets/memory/features.npy", "assets/memory/names.json"}
    broken = rezip(
        remembering, tmp_path / "b.sightline", lambda members: members.update({"assets/memory/names.json": b"{}"})
    )
    assert "memory is damaged" in cli("explain", broken, image, "--nearest").err


def test_where_the_answer_is_none_the_nearest_is_explained_and_said_to_be(
    cli: Cli, trained: Callable[..., Path], image: Path
) -> None:
    run = trained("cnn", "multilabel")

    def raised(found: dict[str, bytes]) -> None:
        """Thresholds that no probability reaches."""
        spec = json.loads(found["spec.json"])
        spec["extra"]["thresholds"] = [1.1] * len(spec["classes"])
        found["spec.json"] = json.dumps(spec).encode()

    bundle = rezip(run / f"{run.name}.sightline", Path("never.sightline"), raised)
    line = cli("explain", bundle, image, "--method", "lime").out
    assert "(the nearest: the answer is none)  lime: " in line
    assert "nearest" not in cli("explain", bundle, image, "--method", "lime", "--item", 1).out


def test_in_python_an_explanation_is_a_small_value(bundle: Path, remembering: Path, image: Path) -> None:
    model = sightline.load(bundle)
    pixels = np.asarray(Image.open(image))
    found = model.explain(pixels, method="lime", label="cross")
    assert found.map.shape == pixels.shape[:2] and found.text == "cross" and found.method == "lime"
    assert np.array_equal(model.explain(str(image), method="lime", label="cross").map, found.map)
    assert found.overlay().size == overlay(pixels, found.map, ("a", "b")).size
    assert json.loads(json.dumps(found.to_dict()))["label"] == "cross"
    with pytest.raises(SightlineError, match="unknown method"):
        model.explain(pixels, method="gradkam")
    assert len(sightline.load(remembering).nearest(pixels, 4)) == 4


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["m", "--nearest"], ["m", "--nearest", "5"]),
        (["m", "--nearest", "a.png"], ["m", "--nearest", "5", "a.png"]),
        (["m", "--nearest", "3", "a.png"], ["m", "--nearest", "3", "a.png"]),
        (["m", "--nearest", "--json"], ["m", "--nearest", "5", "--json"]),
    ],
)
def test_a_flag_that_may_stand_alone_takes_only_a_number(typed: list[str], meant: list[str]) -> None:
    from sightline.cli import with_bare

    assert with_bare(typed, {"--nearest": "5"}) == meant


def test_options_may_stand_between_the_bundle_and_the_images(cli: Cli, bundle: Path, image: Path) -> None:
    assert cli("explain", bundle, "--method", "lime", image, "--json").json["method"] == "lime"
    assert cli("predict", bundle, "--top", 1, image, "--json").code == 0
    wrong = cli("explain", bundle, "--methot", "lime", image)
    assert wrong.code == 2 and "did you mean --method" in wrong.err
