"""The report that train, evaluate and check write: it is there, it is true, and it never costs the result."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import CLASSES, Result, pictures, save_image

import sightline
from sightline.report.numbers import percent
from sightline.run.bundle import open_bundle
from sightline.verbs import reporting
from sightline.verbs.reporting_maps import heat_maps

Cli = Callable[..., Result]
QUICK = ("--network", "cnn", "--imgsz", 16, "--epochs", 2, "--batch", 8, "--workers", 0)


def text_of(path: Path) -> str:
    return re.sub(r"<[^>]+>", "", re.sub(r"(?s)<(script|style)>.*?</\1>", "", path.read_text(encoding="utf-8")))


def test_train_writes_the_report_beside_the_bundle_and_says_so(cli: Cli, shapes: Path, quick_export: None) -> None:
    done = cli("train", shapes, *QUICK, "--out", "run")
    assert done.code == 0 and "report: run/report.html" in done.out, done.err
    page, card = text_of(Path("run/report.html")), open_bundle("run").card
    score = card["scores"]["test"]["metrics"]["accuracy"]
    assert percent(score) in page
    for section in ("In short", "What it confuses", "Class by class", "How it learned", "What it saw while learning"):
        assert section in page
    assert f"sightline train {shapes} --network cnn --epochs 2" in page
    assert all(name in page for name in CLASSES) and card["data"]["fingerprint"] in page
    assert [row["epoch"] for row in card["history"]] == [1, 2]
    assert {row["code"] for row in card["check"]} == {
        row["code"] for row in cli("check", shapes, "--json").json["findings"]
    }


def test_train_speaks_chinese(cli: Cli, shapes: Path, quick_export: None) -> None:
    assert cli("train", shapes, *QUICK, "--out", "run", "--lang", "zh").code == 0
    assert 'lang="zh-Hans"' in Path("run/report.html").read_text() and "它会混淆什么" in text_of(
        Path("run/report.html")
    )
    refused = cli("train", shapes, "--lang", "fr")
    assert refused.code == 2 and "en, zh" in refused.err


def test_a_report_that_cannot_be_written_is_told_and_the_bundle_stays(
    cli: Cli, shapes: Path, quick_export: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise sightline.SightlineError("cannot write the file (No space left on device)", str(path))

    monkeypatch.setattr(reporting, "write_text", full)
    done = cli("train", shapes, *QUICK, "--out", "run")
    assert done.code == 0 and "there is no report: cannot write the file" in done.err
    assert "bundle: run/run.sightline" in done.out and "report:" not in done.out
    assert open_bundle("run").spec.classes == CLASSES and not Path("run/report.html").exists()


def test_evaluate_writes_the_page_on_demand_only(cli: Cli, bundle: Path, strangers: Path) -> None:
    assert cli("evaluate", bundle, strangers).code == 0 and list(Path().iterdir()) == []
    done = cli("evaluate", bundle, strangers, "--report")
    assert done.code == 0 and done.out.endswith("report: report.html\n")
    page = text_of(Path("report.html"))
    result = cli("evaluate", bundle, strangers, "--report", "pages/mine.html", "--json").json
    assert result["report"] == "pages/mine.html" and Path("pages/mine.html").exists()
    assert percent(result["metrics"]["accuracy"]) in page and "12 images, all of the data" in page
    assert all(row["image"] in page for row in result["worst"][:5])
    assert f"sightline evaluate {bundle} {strangers}" in page and "How it learned" in page
    assert Path("report.html").read_text().count("data:image/png;base64,") >= 5


def shots(path: Path, section: str) -> list[str]:
    """The pictures of a section of the page, as data URIs, in order."""
    html = path.read_text(encoding="utf-8")
    return re.findall(r'src="(data:[^"]+)"', html[html.index(f'id="{section}"') :].split("</section>")[0])


def test_heat_maps_stand_in_both_reports(cli: Cli, bundle: Path, strangers: Path) -> None:
    assert cli("evaluate", bundle, strangers, "--report").code == 0
    for path in (Path("report.html"), bundle.parent / "report.html"):
        made = shots(path, "heat-maps")
        assert 2 <= len(made) <= 12 and len(made) % 2 == 0
        for image, mapped in zip(made[::2], made[1::2], strict=True):
            assert pixels_of(image).shape[:2] == (16, 16) and pixels_of(mapped).shape[:2] == (224, 224)
            assert pixels_of(mapped).std() > 5, "something is warm"
        assert "Warm places are those the answer rests on (occlusion)" in text_of(path)


def test_maps_are_of_wrong_and_right_answers_and_end_with_the_time(bundle: Path, shapes: Path) -> None:
    from sightline.data.formats import open_data
    from sightline.model import Model

    opened, dataset = open_bundle(bundle), open_data(str(shapes))
    answers = Model(bundle).predict([dataset.images.load(n) for n in range(len(dataset))])
    twisted = dataset.take(np.arange(len(dataset)))
    twisted.targets[:3] = "something else"  # whatever the answer: it is wrong
    rows = [
        {"image": dataset.images.name(n), "truth": "something else", "label": answers[n].label, "confidence": 0.9}
        for n in range(3)
    ]
    made = heat_maps(opened, reporting.Gallery(twisted), rows, limit=600)
    assert [one.name for one in made if not one.right] == [row["image"] for row in rows]
    right = [one for one in made if one.right]
    assert 1 <= len(right) <= 3 and len({one.label for one in right}) == len(right)
    assert [one.right for one in made[:2]] == [False, True]
    assert len(heat_maps(opened, reporting.Gallery(twisted), rows, limit=0)) == 1
    nothing = heat_maps(opened, reporting.Gallery(twisted), [{**rows[0], "label": ""}], limit=600)
    assert nothing and all(one.right for one in nothing), "an answer that names nothing rests on nothing"
    assert heat_maps(dataclasses.replace(opened, members={}), reporting.Gallery(twisted), rows) == ()


def test_what_goes_wrong_with_a_map_costs_neither_report_nor_bundle(
    cli: Cli, shapes: Path, quick_export: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("sightline.verbs.reporting_maps.explainer_for", broken)
    done = cli("train", shapes, *QUICK, "--out", "run")
    assert done.code == 0 and "report: run/report.html" in done.out and open_bundle("run")
    assert "heat-maps" not in Path("run/report.html").read_text()


def test_evaluate_in_python_takes_the_same_options(bundle: Path, strangers: Path, here: Path) -> None:
    result = sightline.load(bundle).evaluate(str(strangers), report=here / "r.html", lang="zh")
    assert result["report"] == str(here / "r.html") and "评估报告" in text_of(here / "r.html")


def test_check_shows_what_it_found(cli: Cli, tmp_path: Path) -> None:
    images, labels = pictures(40)
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        save_image(tmp_path / "data" / label / f"{place:03d}.png", pixels)
    save_image(tmp_path / "data" / "cross" / "copy <of> 000.png", images[0])
    done = cli("check", tmp_path / "data", "--report")
    assert done.code == 0 and done.out.endswith("report: report.html\n")
    page = text_of(Path("report.html"))
    assert "Equal images with different labels: 1" in page and "copy &lt;of&gt; 000.png" in page
    assert "You can train on this data." in page and "121" in page
    chinese = cli("check", tmp_path / "data", "--report", "zh.html", "--lang", "zh", "--json").json
    assert chinese["report"] == "zh.html" and "图像相同而标签不同" in text_of(Path("zh.html"))


def pixels_of(uri: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("verb", ["check", "train"])
def test_the_pictures_of_a_finding_are_of_its_images(verb: str, cli: Cli, tmp_path: Path, quick_export: None) -> None:
    """Unreadable files come first in the data: places among the readable ones would show other images."""
    images, labels = pictures(12)
    folder = tmp_path / "data"
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        save_image(folder / label / f"{place:03d}.png", pixels)
    for label in CLASSES:
        for number in range(2):
            (folder / label / f"000-broken-{number}.png").write_bytes(b"no image")
    planted = [images[20], images[30]]
    for number, pixels in enumerate(planted):
        save_image(folder / labels[20 if number == 0 else 30] / f"zz-copy-{number}.png", pixels)
    if verb == "check":
        done, page = cli("check", folder, "--report"), Path("report.html")
    else:
        done, page = cli("train", folder, *QUICK, "--out", "run"), Path("run/report.html")
    assert done.code == 0, done.err
    html = page.read_text(encoding="utf-8")
    shown: dict[str, tuple[str, np.ndarray]] = {}
    for figure in re.findall(r"(?s)<figure.*?</figure>", html[html.index('id="data-check"') :].split("</section>")[0]):
        name = re.findall(r'class="file">(?:<[^>]+>)?([^<]+)', figure)[0]
        shown[name] = (figure, pixels_of(re.findall(r'src="(data:[^"]+)"', figure)[0]))
    for number, (place, pixels) in enumerate(zip((20, 30), planted, strict=True)):
        for name in (f"{labels[place]}/{place:03d}.png", f"{labels[place]}/zz-copy-{number}.png"):
            assert np.array_equal(shown[name][1], pixels), name
    assert not any("broken" in name for name in shown) and "000-broken-1.png" in text_of(page)


@pytest.mark.parametrize("verb", ["check", "evaluate"])
def test_a_folder_that_cannot_be_written_to_is_told_before_the_work(
    verb: str, cli: Cli, bundle: Path, shapes: Path
) -> None:
    Path("file").write_text("")
    targets = [shapes] if verb == "check" else [bundle, shapes]
    done = cli(verb, *targets, "--report", "file/report.html")
    assert done.code == 2 and done.out == ""
    assert "the report cannot be written" in done.err and "--report FILE" in done.err


def test_a_read_only_folder_gets_a_clear_error(cli: Cli, shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    done = cli("check", shapes, "--report", "there/report.html")
    assert done.code == 2 and "its folder may not be written to: there/report.html" in done.err


def test_another_file_is_never_replaced_by_a_report(cli: Cli, shapes: Path) -> None:
    Path("report.html").write_text("<html>my own page</html>")
    done = cli("check", shapes, "--report")
    assert done.code == 2 and "another file in the place of the report" in done.err
    assert Path("report.html").read_text() == "<html>my own page</html>"
    assert cli("check", shapes, "--report", "new.html").code == cli("check", shapes, "--report", "new.html").code == 0


def test_the_data_is_not_mistaken_for_the_page(cli: Cli, shapes: Path) -> None:
    done = cli("check", shapes, "--report", "photos.zip")
    assert done.code == 2 and "put --report behind the data" in done.err


def test_the_command_can_be_typed_again() -> None:
    line = reporting.command_line("train", ["my pets"], {"epochs": 3, "freeze": True, "progress": "none", "lr": None})
    assert line == "sightline train 'my pets' --epochs 3 --freeze"
    assert reporting.command_line("x", [], {"flag": False}) == "sightline x --no-flag"


def test_an_image_that_has_gone_is_left_out_of_the_page(bundle: Path, tmp_path: Path) -> None:
    images, labels = pictures(4, first=500)
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        save_image(tmp_path / "data" / label / f"{place}.png", pixels)
    from sightline.data.formats import open_data

    dataset = open_data(str(tmp_path / "data"))
    gallery = reporting.Gallery(dataset)
    rows = [{"image": dataset.images.name(n), "truth": "a", "label": "b", "confidence": 0.5} for n in range(3)]
    (tmp_path / "data" / rows[1]["image"]).unlink()
    shown = gallery.answers([*rows, {**rows[0], "image": "never there"}])
    assert [one.name for one in shown] == [rows[0]["image"], rows[2]["image"]]


def test_the_network_sees_what_the_page_shows() -> None:
    import torch

    from sightline.core.spec import Input, Spec
    from sightline.learn.augment import Policy
    from sightline.learn.batches import Batches
    from sightline.learn.preview import preview

    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    batches = Batches({"image": images}, np.arange(20), {"label": np.zeros(20, np.int64)}, 5, 0)
    spec = Spec("classify", "cnn", ("a", "b"), {"image": Input("uint8", (8, 8, 3))}, (127.5,) * 3, (64.0,) * 3)
    plain = preview(batches, Policy(), spec)
    assert np.array_equal(plain, images[batches.order(0)[:16]]), "without augmentation the images are as they were"
    moved = preview(batches, Policy(turn=15, shift=0.1), spec)
    assert moved.shape == plain.shape and (moved != plain).mean() > 0.5
    assert np.array_equal(moved, preview(batches, Policy(turn=15, shift=0.1), spec)) and torch.is_grad_enabled()


def test_the_json_of_train_names_the_report(cli: Cli, shapes: Path, quick_export: None) -> None:
    card = cli("train", shapes, *QUICK, "--out", "run", "--json").json
    assert card["report"] == "run/report.html" and json.dumps(card)


def test_the_report_tells_folds_and_balance(cli: Cli, shapes: Path, quick_export: None) -> None:
    assert cli("train", shapes, *QUICK, "--folds", 3, "--out", "run").code == 0
    page, card = text_of(Path("run/report.html")), open_bundle("run").card
    scores = card["scores"]["out_of_fold"]
    assert "Balance: none, every image counts alike." in page and card["balance"]["way"] == "none"
    assert "36 images, each by a network of the folds" in page
    assert percent(scores["metrics"]["accuracy"]) in page and percent(card["folds"]["mean"]["accuracy"]) in page
    errors = [row["error"] for row in scores["worst"]]
    assert len(errors) == 25 and errors == sorted(errors, reverse=True)
    assert len({row["image"] for row in scores["worst"]}) == 25, "each image is tested once"
    assert scores["worst"][0]["image"] in page and "--folds 3" in page


@pytest.mark.parametrize("series", [("--seeds", 2), ("--curve",)])
def test_the_report_tells_seeds_and_the_curve(
    series: tuple[object, ...], cli: Cli, tmp_path: Path, quick_export: None
) -> None:
    images, labels = pictures(40)
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        save_image(tmp_path / "data" / label / f"{place:03d}.png", pixels)
    done = cli("train", tmp_path / "data", *QUICK[:-4], "--batch", 64, "--workers", 0, *series, "--out", "run")
    assert done.code == 0, done.err
    page, card = text_of(Path("run/report.html")), open_bundle("run").card
    if series[0] == "--seeds":
        assert all(percent(run["metrics"]["accuracy"]) in page for run in card["seeds"]["runs"])
    else:
        assert all(percent(row["accuracy"]) in page for row in card["curve"]["metrics"])
    assert 'id="firmness"' in Path("run/report.html").read_text()
