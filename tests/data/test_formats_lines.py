"""Lines with transcripts beside them, and pages with PAGE or ALTO XML."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import save_image

from sightline.core.errors import SightlineError
from sightline.data.formats import lines, pages
from sightline.data.lines import cut

LINE = np.full((16, 60, 1), 220, np.uint8)


def write(root: Path, name: str, text: str | bytes | None) -> None:
    save_image(root / f"{name}.png", LINE)
    if text is not None:
        (root / f"{name}.gt.txt").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_pairs_are_found_in_natural_order_with_their_splits(tmp_path: Path) -> None:
    for name, text in (
        ("train/l10", "zehn"),
        ("train/l2", "zwei\n"),
        ("test/p.1", "שלום"),
        ("valid/x", "\ufeffmit Marke"),
    ):
        write(tmp_path, name, text)
    data = lines.load(tmp_path)
    assert (data.format, data.target) == ("lines", "text")
    found = dict(zip((data.images.name(i) for i in range(4)), zip(data.targets, data.splits, strict=True), strict=True))
    assert found == {
        "test/p.1.png": ("שלום", "test"), "train/l2.png": ("zwei", "train"), "train/l10.png": ("zehn", "train"),
        "valid/x.png": ("mit Marke", "val"),
    }  # fmt: skip
    assert [data.images.name(i) for i in range(4)].index("train/l2.png") == 1


def test_what_has_no_partner_or_no_readable_text_is_noted(tmp_path: Path) -> None:
    write(tmp_path, "good", "gut")
    write(tmp_path, "silent", None)
    write(tmp_path, "latin", "schön".encode("latin-1"))
    (tmp_path / "lonely.gt.txt").write_text("kein Bild")
    data = lines.load(tmp_path)
    assert data.targets.tolist() == ["gut"]
    assert {code: items for code, _, items in data.notes} == {
        "no_image": ("lonely.gt.txt",), "no_text": ("silent.png",), "encoding": ("latin.gt.txt",)
    }  # fmt: skip


def test_suffixes_in_capitals_and_texts_of_several_lines(tmp_path: Path) -> None:
    write(tmp_path, "a", None)
    (tmp_path / "a.png").rename(tmp_path / "a.PNG")
    (tmp_path / "a.GT.TXT").write_bytes(b"one\r\n")
    write(tmp_path, "b", "one\ntwo\n")
    assert lines.sniff(tmp_path)
    data = lines.load(tmp_path)
    assert data.targets.tolist() == ["one", "one\ntwo"]
    assert {code: items for code, _, items in data.notes} == {"several_lines": ("b.gt.txt",)}


def test_transcripts_that_are_all_of_another_encoding_are_what_is_wrong(tmp_path: Path) -> None:
    write(tmp_path, "latin", "schön".encode("latin-1"))
    with pytest.raises(SightlineError, match="no transcript can be read as UTF-8, latin"):
        lines.load(tmp_path)


def test_an_image_with_a_second_suffix_finds_its_text(tmp_path: Path) -> None:
    save_image(tmp_path / "a.bin.png", LINE)
    (tmp_path / "a.gt.txt").write_text("Text")
    assert lines.load(tmp_path).targets.tolist() == ["Text"]


def test_no_pair_at_all_says_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "b.gt.txt").write_text("Text")
    with pytest.raises(SightlineError, match="0 images and 1 transcript, but no pair"):
        lines.load(tmp_path)


PAGE = """<?xml version="1.0"?><PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15">
<Page imageFilename="p.png" imageWidth="200" imageHeight="100"><TextRegion id="r"><TextLine id="l1">
<Coords points="20,20 180,20 180,50 20,50"/><Baseline points="20,42 180,42"/>
<TextEquiv><Unicode>eins</Unicode></TextEquiv>
</TextLine><TextLine id="l2"><Coords points="20,60 180,60 180,90 20,90"/></TextLine></TextRegion></Page></PcGts>"""
ALTO = """<?xml version="1.0"?><alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><sourceImageInformation>
<fileName>p.png</fileName></sourceImageInformation></Description><Layout><Page><PrintSpace><TextBlock><TextLine ID="l1"
HPOS="20" VPOS="20" WIDTH="160" HEIGHT="30" BASELINE="20 42 180 42"><String CONTENT="ein"/><SP/><String CONTENT="Wort"/>
</TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""


def page_of(root: Path, xml: str, name: str = "p.xml") -> Path:
    pixels = np.full((100, 200, 1), 250, np.uint8)
    pixels[24:42, 30:170] = 10
    save_image(root / "p.png", pixels)
    path = root / name
    path.write_text(xml)
    return path


@pytest.mark.parametrize(("xml", "text"), [(PAGE, "eins"), (ALTO, "ein Wort")])
def test_lines_are_cut_out_of_page_and_alto_files(xml: str, text: str, tmp_path: Path) -> None:
    page_of(tmp_path, xml)
    data = pages.load(tmp_path)
    assert data.format == "pages" and data.targets.tolist() == [text] and data.images.name(0) == "p.png#l1"
    line = data.images.load(0)
    assert line.shape[0] <= 32 and 159 <= line.shape[1] <= 162 and (line == 10).sum() == 18 * 140
    assert data.groups is not None and data.groups[0].endswith("p.png"), "lines of a page stay together"


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (PAGE[:200], "the XML is broken"),
        (PAGE.replace("<PcGts", '<!DOCTYPE x [<!ENTITY a "b">]><PcGts'), "entities"),
        (PAGE.replace("p.png", "gone.png"), "the page image 'gone.png' is not there"),
        (PAGE.replace("<Unicode>eins</Unicode>", ""), "no line with a text"),
    ],
)
def test_broken_pages_are_named(xml: str, words: str, tmp_path: Path) -> None:
    path = page_of(tmp_path, xml, "q.xml")
    with pytest.raises(SightlineError) as caught:
        pages.load(path)
    assert words in f"{caught.value}"


@pytest.mark.parametrize(
    ("folder", "name", "image"),
    [("", "p.xml", "images/p.png"), ("xml", "p.xml", "../images/p.png"), ("alto", "p.xml", "gone.png"),
     ("page", "0000_p.xml", "p.png"), ("", "p.png.xml", "gone.png"), ("", "p.xml", "C:\\scans\\p.png")],
)  # fmt: skip
def test_page_images_are_found_where_tools_leave_them(folder: str, name: str, image: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    page_of(tmp_path, PAGE.replace("p.png", image), f"{folder}/{name}" if folder else name)
    where = tmp_path / "images" if "images" in image or folder == "alto" else tmp_path
    where.mkdir(exist_ok=True)
    (tmp_path / "p.png").rename(where / "p.png")
    assert pages.load(tmp_path).targets.tolist() == ["eins"]


def test_no_page_image_is_looked_for_elsewhere(tmp_path: Path) -> None:
    page_of(tmp_path, PAGE)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "p.xml").rename(tmp_path / "a" / "b" / "q.xml")
    text = (tmp_path / "a" / "b" / "q.xml").read_text()
    (tmp_path / "a" / "b" / "q.xml").write_text(text.replace("p.png", "../../p.png"))
    with pytest.raises(SightlineError, match="no line with a text"):
        pages.load(tmp_path)


def test_alto_in_tenths_of_millimetres(tmp_path: Path) -> None:
    """A page of 40 x 20 mm at 5 pixels a millimetre: a pixel is two units."""
    page_of(tmp_path, ALTO)
    wanted = pages.load(tmp_path).images.load(0)
    scaled = ALTO.replace('"20"', '"40"').replace('"160"', '"320"').replace('"30"', '"60"')
    scaled = scaled.replace("20 42 180 42", "40 84 360 84").replace("<Page>", '<Page WIDTH="400" HEIGHT="200">')
    unit = "<Description><MeasurementUnit>mm10</MeasurementUnit>"
    page_of(tmp_path, scaled.replace("<Description>", unit))
    assert np.array_equal(pages.load(tmp_path).images.load(0), wanted)
    page_of(tmp_path, ALTO.replace("<Description>", unit))
    with pytest.raises(SightlineError, match="mm10"):
        pages.load(tmp_path)


@pytest.mark.parametrize("xml", [PAGE, ALTO.replace("<Page>", '<Page WIDTH="200" HEIGHT="100">')])
def test_places_in_a_larger_image_of_the_page_are_scaled(xml: str, tmp_path: Path) -> None:
    wanted = pages.load(page_of(tmp_path, xml)).images.load(0)
    doubled = re.sub(r"\d+", lambda found: str(2 * int(found[0])), xml.partition("<Page")[2])
    doubled = re.sub(r'(id|ID)="(\w)\d"', r'\1="\2"', doubled)
    path = page_of(tmp_path, f"{xml.partition('<Page')[0]}<Page{doubled}")
    assert np.array_equal(pages.load(path).images.load(0), wanted)


def test_a_size_of_another_shape_is_that_of_something_else(tmp_path: Path) -> None:
    wanted = pages.load(page_of(tmp_path, PAGE)).images.load(0)
    path = page_of(tmp_path, PAGE.replace('imageHeight="100"', 'imageHeight="150"'))
    assert np.array_equal(pages.load(path).images.load(0), wanted)


@pytest.mark.parametrize("encoding", ["GBK", "Shift_JIS", "Big5", "UTF-16", "windows-1252", "latin-1"])
def test_pages_in_every_encoding_are_read(encoding: str, tmp_path: Path) -> None:
    path = page_of(tmp_path, "")
    text = {"windows-1252": "äöü", "latin-1": "äöü"}.get(encoding, "山中")
    xml = PAGE.replace('version="1.0"', f'version="1.0" encoding="{encoding}"').replace("eins", text)
    path.write_bytes(xml.encode(encoding))
    assert pages.load(tmp_path).targets.tolist() == [text]


@pytest.mark.parametrize("encoding", ["klingon", "rot13"])
def test_an_unknown_encoding_is_named(encoding: str, tmp_path: Path) -> None:
    path = page_of(tmp_path, PAGE.replace('version="1.0"', f'version="1.0" encoding="{encoding}"'))
    with pytest.raises(SightlineError, match=r"broken .*encoding"):
        pages.load(path)


def test_entities_hide_in_no_encoding(tmp_path: Path) -> None:
    path = page_of(tmp_path, "")
    xml = PAGE.replace("<PcGts", '<!DOCTYPE x [<!ENTITY a "b">]><PcGts')
    path.write_bytes(xml.encode("utf-16"))
    with pytest.raises(SightlineError, match="entities"):
        pages.load(path)


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (ALTO.replace('<String CONTENT="Wort"/>', '<String CONTENT="Wort"/><HYP CONTENT="-"/>'), "ein Wort-"),
        (PAGE.replace("<TextEquiv>", '<TextEquiv index="1"><Unicode>no</Unicode></TextEquiv><TextEquiv index="0">'),
         "eins"),
        (PAGE.replace("<TextEquiv><Unicode>eins</Unicode></TextEquiv>", "".join(
            f'<Word id="w{w}"><TextEquiv><Unicode>{w}</Unicode></TextEquiv></Word>' for w in ("ein", "Wort"))),
         "ein Wort"),
    ],
)  # fmt: skip
def test_what_stands_in_a_line(xml: str, text: str, tmp_path: Path) -> None:
    page_of(tmp_path, xml)
    assert pages.load(tmp_path).targets.tolist() == [text]


def test_one_broken_page_does_not_stop_the_others(tmp_path: Path) -> None:
    page_of(tmp_path, PAGE)
    page_of(tmp_path, PAGE[:300], "broken.xml")
    (tmp_path / "empty.xml").write_text("")
    data = pages.load(tmp_path)
    left_out = {code: items for code, _, items in data.notes}["broken_xml"]
    assert len(data) == 1 and [item.partition(":")[0] for item in left_out] == ["empty.xml", "broken.xml"]


def test_a_slanted_baseline_becomes_level_and_other_lines_do_not_show() -> None:
    page = np.full((120, 300, 1), 240, np.uint8)
    for x in range(40, 260):
        y = 60 + (x - 40) // 10
        page[y - 8 : y, x] = 20
        page[y - 40 : y - 34, x] = 90  # the line above
    slope = np.array([[40.0, 60], [260, 82]])
    polygon = np.array([[38.0, 48], [262, 70], [262, 88], [38, 66]])
    found = cut(page, polygon, slope)[..., 0]
    rows = [np.flatnonzero(found[:, x] == 20) for x in range(10, found.shape[1] - 10)]
    assert max(r.max() for r in rows) - min(r.max() for r in rows) <= 1, "the feet of all letters stand on one line"
    assert not (found == 90).any()


def test_a_line_keeps_the_height_of_its_polygon_on_clean_paper() -> None:
    page = np.full((60, 200, 1), 255, np.uint8)
    page[30:34, 20:180] = 0  # a dash: far lower than its line
    box, base = np.array([[10.0, 10], [190, 10], [190, 49], [10, 49]]), np.array([[10.0, 40], [190, 40]])
    assert cut(page, box, base).shape == (39, 181, 1)


def test_lines_with_nothing_but_baselines_are_as_high_as_they_are_apart(tmp_path: Path) -> None:
    lines_at = "".join(
        f'<TextLine id="l{y}"><Baseline points="20,{y} 380,{y}"/><TextEquiv><Unicode>x</Unicode></TextEquiv></TextLine>'
        for y in (100, 180, 262, 340)
    )
    page_of(tmp_path, f'<PcGts><Page imageFilename="p.png"><TextRegion>{lines_at}</TextRegion></Page></PcGts>')
    save_image(tmp_path / "p.png", np.full((400, 400, 1), 255, np.uint8))
    data = pages.load(tmp_path)
    assert [data.images.load(i).shape[0] for i in range(4)] == [80] * 4


def test_a_polygon_beside_the_page_is_an_error_and_a_wild_baseline_does_no_harm() -> None:
    page = np.full((50, 80, 3), 200, np.uint8)
    with pytest.raises(SightlineError, match="outside the page"):
        cut(page, np.array([[100.0, 10], [140, 10], [140, 30]]), None)
    wild = cut(page, np.array([[10.0, 10], [60, 10], [60, 30], [10, 30]]), np.array([[10.0, -4000], [60, 9000]]))
    assert wild.shape == (21, 51, 3)


@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(-50, 150)), min_size=3, max_size=8), st.integers(0, 2**32 - 1))
def test_any_polygon_gives_a_line_or_an_error(points: list[tuple[float, float]], seed: int) -> None:
    page = np.random.default_rng(seed).integers(0, 255, (60, 90, 1), dtype=np.uint8)
    try:
        line = cut(page, np.array(points), np.array(points[:2]))
    except SightlineError:
        return
    assert line.ndim == 3 and line.shape[2] == 1 and min(line.shape[:2]) >= 4
