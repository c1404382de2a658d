"""Reading on the command line: bad lines and pages, other charsets, pages in several kinds of files."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from support import Result, save_image
from tiny import lines_of_text, write_lines

import sightline
from sightline.core.errors import SightlineError
from sightline.data import typeset
from sightline.data.formats import open_data
from sightline.data.image import read
from sightline.data.lines import CutImages
from sightline.run.bundle import open_bundle

Cli = Callable[..., Result]
QUICK = ("--network", "crnn", "--imgsz", 16, "--epochs", 1, "--batch", 8, "--workers", 0, "--width", 4, "--units", 8)


@pytest.fixture
def reader(trained: Callable[..., Path]) -> Path:
    run = trained("crnn", "read")
    return run / f"{run.name}.sightline"


def printed(text: str = "the quick brown fox") -> Image.Image:
    """A page with two lines."""
    image = Image.new("L", (500, 200), 240)
    for row in range(2):
        ImageDraw.Draw(image).text((40, 40 + 60 * row), text, fill=20, font=ImageFont.load_default(24))
    return image


def test_what_is_wrong_with_lines_is_told_and_left_out(cli: Cli, tmp_path: Path) -> None:
    data = write_lines(tmp_path / "lines", 24)
    (data / "lonely.gt.txt").write_text("no image")
    save_image(data / "silent.png", lines_of_text(1)[0][0])
    (data / "000.gt.txt").write_bytes(b"\xff\xfe\xfa")
    (data / "001.gt.txt").write_text("")
    save_image(data / "long.png", np.full((8, 20_000, 1), 200, np.uint8))
    (data / "long.gt.txt").write_text("abc")
    report = cli("check", data, "--json").json
    codes = {finding["code"]: finding["items"] for finding in report["findings"]}
    assert codes["no_image"] == ["lonely.gt.txt"] and codes["no_text"] == ["silent.png"]
    assert codes["encoding"] == ["000.gt.txt"] and codes["empty_text"] == ["001.png"]
    done = cli("train", data, *QUICK, "--out", "run")
    assert done.code == 0, done.err
    assert "1 of 24 images cannot be read, the first: long.png: the line is 20,000 px long" in done.err
    assert "cer" in done.out and "input 16 x any x 1" in done.err


def test_a_character_that_was_never_seen_is_reported_and_no_crash(cli: Cli, reader: Path, tmp_path: Path) -> None:
    data = write_lines(tmp_path / "lines", 6, first=500)
    (data / "000.gt.txt").write_text("a♥b")
    found = cli("evaluate", reader, data, "--json").json
    assert found["unknown"] == ["♥"] and found["metrics"]["cer"] > 0
    assert "♥" in cli("evaluate", reader, data).out
    for file in data.glob("*.gt.txt"):
        file.write_text(f"{file.read_text().strip()}♥")
    assert cli("evaluate", reader, data, "--json").json["unknown"] == ["♥"], "lines are judged by what is known"


def test_another_charset_is_added_and_the_old_one_kept(cli: Cli, reader: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load

    data = write_lines(tmp_path / "lines", 24)
    for number in range(4):
        (data / f"{number:03d}.gt.txt").write_text("aéé")
    old = open_bundle(reader)
    same = QUICK[: QUICK.index("--width")]
    done = cli("train", data, *same, "--init", reader, "--lr", "1e-9", "--out", "run", "--json")
    assert done.code == 0, done.err
    new = open_bundle(done.json["bundle"])
    assert new.spec.classes == (*old.spec.classes, "é")
    before, after = (load(b.members["model.safetensors"])["head.weight"] for b in (old, new))
    assert len(after) == len(before) + 1 and np.allclose(after[: len(before)], before, atol=1e-6)


def test_pages_of_all_kinds_are_read(cli: Cli, reader: Path) -> None:
    printed().save("page.png")
    printed().save("two.tif", save_all=True, append_images=[printed()])
    Image.new("L", (300, 200), 240).save("empty.png")
    done = cli("predict", reader, "page.png", "two.tif", "empty.png", "--page", "--json", "--out", "read")
    assert done.code == 0, done.err
    pages = done.lines
    assert [page["image"] for page in pages] == ["page.png", "two.tif#1", "two.tif#2", "empty.png"]
    assert [len(page["lines"]) for page in pages] == [2, 2, 2, 0]
    left, top, right, bottom = pages[0]["lines"][0]["box"]
    assert left < 60 and top < 60 < bottom < 100 and right > 200
    stems = ("empty", "page", "two-1", "two-2")
    wanted = [f"{stem}{end}" for stem in stems for end in ("-lines.png", ".txt", ".xml")]
    assert {path.name for path in Path("read").iterdir()} == {*wanted, "two-1.png", "two-2.png"}
    root = ET.parse("read/page.xml").getroot()
    assert root.tag.endswith("alto") and len([e for e in root.iter() if e.tag.endswith("}TextLine")]) == 2
    done = cli("predict", reader, "page.png", "empty.png", "--page")
    assert "! no lines found: empty.png" in done.err and "!" not in done.out


def test_what_was_read_can_be_learned_from(cli: Cli, reader: Path) -> None:
    Path("scans").mkdir()
    printed().save("scans/page.png")
    printed().save("scans/two.tif", save_all=True, append_images=[printed()])
    assert cli("predict", reader, "scans", "--page", "--out", "text").code == 0
    for file in Path("text").glob("*.xml"):
        file.write_text(re.sub('CONTENT="[^"]*"', 'CONTENT="corrected"', file.read_text()))
    lines = open_data("text").images
    assert isinstance(lines, CutImages)
    assert {line.page.name for line in lines.lines} == {"page.png", "two-1.png", "two-2.png"}
    for line in lines.lines:
        assert read(line.page).shape[2] == 1, "the page, and not the drawing with red outlines"


def test_a_scan_is_not_lost_to_its_answer(cli: Cli, reader: Path) -> None:
    printed().save("page.png")
    before = Path("page.png").read_bytes()
    assert cli("predict", reader, "page.png", "--page", "--out", ".").code == 0
    assert Path("page.png").read_bytes() == before and Path("page-lines.png").exists() and Path("page.xml").exists()
    assert cli("predict", reader, "page.png", "--page", "--out", ".").code == 0
    assert Path("page-2-lines.png").exists() and Path("page-2.xml").exists()


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_every_cell_reads_any_width_from_its_bundle(cell: str) -> None:
    torch = pytest.importorskip("torch")
    from sightline.core.spec import Spec
    from sightline.learn.deploy import TorchRunner, export_graph, prove_parity
    from sightline.run.runner import OnnxRunner
    from sightline.tasks.read import inputs
    from sightline.tasks.read.learner import ReadLearner

    learner = ReadLearner()
    options = {"cell": cell, "units": 8, "width": 4}
    spec = Spec("read", "crnn", tuple("abc"), inputs.line_input(48), (127.5,), (64.0,), options)
    network = learner.network(spec).eval()
    runner = OnnxRunner(export_graph(network, learner, spec))
    random = np.random.default_rng(0)
    for count, width in ((1, 80), (3, 320), (5, 64)):
        images = random.integers(0, 256, (count, 48, width, 1), np.uint8)
        prove_parity(TorchRunner(network, learner, spec, torch.device("cpu")), runner, {"image": images})


def test_every_page_of_a_pdf_is_read(cli: Cli, reader: Path) -> None:
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    printed().save("two.pdf", save_all=True, append_images=[printed()])
    pages = cli("predict", reader, "two.pdf", "--page", "--json").lines
    assert [page["image"] for page in pages] == ["two.pdf#1", "two.pdf#2"]
    assert [len(page["lines"]) for page in pages] == [2, 2]


def test_a_bundle_that_reads_no_lines_reads_no_pages(cli: Cli, bundle: Path, reader: Path) -> None:
    printed().save("page.png")
    done = cli("predict", bundle, "page.png", "--page")
    assert done.code == 2 and "--page is for bundles that read lines" in done.err
    done = cli("predict", reader, "page.png", "--page", "--csv", "t.csv")
    assert done.code == 2 and "exclude each other" in done.err
    Path("broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    done = cli("predict", reader, "broken.pdf", "--page")
    assert done.code == 2 and ("pdf" in done.err.lower())


def test_broken_pages_and_polygons_outside_are_told(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    printed().save(folder / "a.png")
    line = '<TextLine id="{}"><Coords points="{}"/><TextEquiv><Unicode>the fox</Unicode></TextEquiv></TextLine>'
    good, outside = "30,30 400,30 400,80 30,80", "900,900 950,900 950,950"
    lines = "".join(line.format(f"l{i}", good) for i in range(12)) + line.format("far", outside)
    (folder / "a.xml").write_text(f'<PcGts><Page imageFilename="a.png"><TextRegion>{lines}</TextRegion></Page></PcGts>')
    (folder / "b.xml").write_text("<PcGts><Page imageFilename='b.png'>")
    report = cli("check", folder, "--json").json
    codes = {finding["code"]: finding for finding in report["findings"]}
    assert report["format"] == "pages" and report["count"] == 13
    assert "b.xml" in codes["broken_xml"]["items"][0] and "outside the page" in codes["unreadable"]["items"][0]


def test_texts_come_from_tables_json_and_python(cli: Cli, tmp_path: Path) -> None:
    images, texts = lines_of_text(16)
    folder = tmp_path / "made"
    for number, pixels in enumerate(images):
        save_image(folder / "images" / f"{number}.png", pixels)
    (folder / "labels.json").write_text(json.dumps({f"{i}.png": text for i, text in enumerate(texts)}))
    rows = "\n".join(f"images/{i}.png,{text}" for i, text in enumerate(texts))
    (folder / "lines.csv").write_text(f"image,text\n{rows}\n")
    for data in (folder, folder / "lines.csv"):
        report = cli("check", data, "--json").json
        assert (report["task"], report["count"]) == ("read", 16)
    assert sightline.check(images, labels=texts, task="read").task == "read"
    (folder / "labels.json").write_text("{")
    done = cli("check", folder)
    assert done.code == 2 and "the JSON cannot be read" in done.err


def test_bad_knowledge_of_the_language_ends_before_training(cli: Cli, tmp_path: Path) -> None:
    data = write_lines(tmp_path / "lines", 24)
    Path("words.txt").write_text("собака\n")
    for option, said in (
        (("--lexicon", "words.txt"), "none of the 1 words"),
        (("--lexicon", "nowhere.txt"), "the lexicon cannot be read"),
        (("--lm", "nowhere.txt"), "the text of the language model cannot be read"),
    ):
        done = cli("train", data, *QUICK, *option, "--out", "run")
        assert done.code == 2 and said in done.err and not Path("run").exists()


def test_render_refuses_what_it_cannot_draw(cli: Cli) -> None:
    Path("text.txt").write_text("春眠不覺曉\n", encoding="utf-8")
    done = cli("render", "text.txt")
    assert done.code == 2 and "no font has the letters" in done.err and "--fonts DIR" in done.err
    Path("empty.txt").write_text("\n")
    assert "no line of text" in cli("render", "empty.txt").err
    Path("words.txt").write_text("two words\n")
    assert "there is no font" in cli("render", "words.txt", "--fonts", ".").err
    assert cli("render", "words.txt", "--out", "lines").code == 0
    assert "the folder is not empty" in cli("render", "words.txt", "--out", "lines").err


def test_a_run_with_a_lexicon_is_resumed_from_any_folder(cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    data = write_lines(tmp_path / "lines", 24)
    Path("words.txt").write_text("a b c\n")
    Path("more.txt").write_text("abc cab\n")
    done = cli("train", data, *QUICK, "--lexicon", "words.txt", "--lm", "more.txt", "--out", "run", "--json")
    assert done.code == 0, done.err
    run = Path("run").absolute()
    (run / "run.sightline").unlink()
    (run / "state.json").write_text(json.dumps({**json.loads((run / "state.json").read_text()), "status": "running"}))
    Path("away").mkdir()
    monkeypatch.chdir("away")
    done = cli("train", "--resume", run, "--json")
    assert done.code == 0, done.err


def test_a_script_from_right_to_left_needs_a_pillow_that_writes_it(monkeypatch: Any) -> None:
    fonts, random = [None], np.random.default_rng(0)  # Pillow's own font is drawn without Raqm
    monkeypatch.setattr(typeset, "_has", lambda font, text: True)
    with pytest.raises(SightlineError, match="from right to left"):
        typeset.drawn("Windows הוא", fonts, 20, random)
    assert typeset.drawn("Windows", fonts, 20, random) is not None
