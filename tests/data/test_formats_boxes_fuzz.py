"""Formats of boxes: anything at all loads or is refused."""

import contextlib
import json

import pytest
from box_files import coco, picture, text, voc
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.boxes import Boxes
from sightline.core.errors import SightlineError
from sightline.data.formats import boxes_table, open_data, yolo
from sightline.data.formats import coco as coco_format
from sightline.data.formats import voc as voc_format
from sightline.data.formats._boxes import FARTHEST, clean
from sightline.data.formats._yaml import parse

MANY = settings(max_examples=150, deadline=None)
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a.png", "cat", "\ud800", "", "x\0", 1, 2]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
WORDS = "0 1 5 -1 .25 nan inf -inf 1e400 x 1_0 ٣ a.png images labels train names: path: - [ ] { } , : # ' \" ~ | ../"
WORD = st.sampled_from([*WORDS.split(), "\\"])
LINES = st.lists(st.lists(WORD, max_size=9).map(" ".join), max_size=8).map("\n".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz")
    picture(root / "a.png")
    picture(root / "images" / "a.png")
    return root


def loads_or_refuses(load, path):
    try:
        data = load(path)
    except SightlineError as error:
        assert error.what
        return
    for index in range(len(data)):
        boxes = data.targets[index]
        assert isinstance(boxes, Boxes) and (abs(boxes.corners) <= FARTHEST).all() and all(boxes.labels)
        assert (boxes.corners[:, 2:] >= boxes.corners[:, :2]).all()
        data.images.name(index)
    json.dumps([data.notes, data.classes], ensure_ascii=False).encode()


@MANY
@given(
    entry=st.fixed_dictionaries({}, optional={"id": VALUE, "file_name": VALUE}),
    annotation=st.fixed_dictionaries(
        {"bbox": st.just([1, 2, 3, 4]) | VALUE},
        optional={"id": VALUE, "image_id": VALUE, "category_id": VALUE, "segmentation": VALUE, "iscrowd": VALUE},
    ),
    category=st.fixed_dictionaries({}, optional={"id": VALUE, "name": VALUE, "supercategory": VALUE}),
    strange=VALUE,
)
def test_coco_of_strange_values(folder, entry, annotation, category, strange):
    document = {
        "images": [entry, {"id": 1, "file_name": "a.png"}, strange],
        "annotations": [annotation, {**annotation, "image_id": 1, "category_id": 1}, strange],
        "categories": [category, {"id": 1, "name": "cat"}, strange],
    }
    loads_or_refuses(coco_format.load, text(folder / "fuzz.json", json.dumps(document)))


@MANY
@given(changes=st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), max_size=4), cut=st.integers(0, 80))
@pytest.mark.parametrize("kind", ["coco", "voc", "table"])
def test_mutated_files(folder, kind, changes, cut):
    if kind == "coco":
        path, load = coco(folder / "mutated.json", [(1, "a.png")], [(1, 1, [1, 2, 3, 4])]), coco_format.load
    elif kind == "voc":
        path, load = voc(folder / "mutated.xml", [("cat", (1, 2, 3, 4))], "a.png"), voc_format.load
    else:
        rows = "image,x,y,width,height,label,split\na.png,1,2,3,4,cat,train\na.png,1,2,3,4,dog,train\n"
        path, load = text(folder / "mutated.csv", rows), boxes_table.load
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data[: len(data) - max(0, cut - 40)])
    loads_or_refuses(load, path)
    loads_or_refuses(boxes_table.load if kind == "table" else load, path)


@MANY
@given(config=LINES | st.text(max_size=60), labels=LINES | st.text(max_size=60))
def test_yolo_of_strange_words(folder, config, labels):
    text(folder / "labels" / "a.txt", labels)
    (folder / "data.yaml").write_text(config, encoding="utf-8", errors="replace")
    yolo.sniff(folder)
    loads_or_refuses(yolo.load, folder)
    (folder / "data.yaml").write_text("train: images\n", encoding="utf-8")
    loads_or_refuses(yolo.load, folder)


@MANY
@given(st.binary(max_size=300))
@pytest.mark.parametrize("name", ["b.json", "b.xml", "b.csv", "b.tsv", "b.yaml"])
def test_arbitrary_bytes(folder, name, data):
    path = folder / "bytes" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    for reader in (coco_format, voc_format, boxes_table, yolo):
        reader.sniff(path)
        loads_or_refuses(reader.load, path)
    with contextlib.suppress(SightlineError):
        open_data(path)


@MANY
@given(st.text())
def test_the_yaml_of_any_text(content):
    assert isinstance(parse(content), dict)


@MANY
@given(st.text(st.characters()))
def test_a_clean_text_is_clean(content):
    once = clean(content)
    assert clean(once) == once and len(once.splitlines()) <= 1 and once.encode().decode() == once


def test_long_files_take_no_time(tmp_path):
    for content in ("'" * 50_000, "[" * 50_000, "a: [" + "'b', " * 20_000, "a: [\n" + "x,\n" * 20_000, ": " * 50_000):
        parse(content)
