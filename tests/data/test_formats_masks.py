"""Images with masks: layouts, tables of classes, indexed and coloured masks, and what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import save_image, write_folder
from tiny import masked, write_masked

from sightline.core.errors import SightlineError
from sightline.data.dataset import with_val
from sightline.data.formats import open_data
from sightline.data.formats.masks import sniff
from sightline.data.masks import MaskFile, resized_labels
from sightline.data.split import fingerprint

GREY = np.full((4, 6, 1), 90, np.uint8)
COLOURS = {0: (128, 0, 0), 1: (0, 128, 0), 2: (0, 0, 0)}


def write(
    root: Path, folder: str, names: str, masks: list[np.ndarray], image: str = "images", mask: str = "masks"
) -> None:
    """Pairs `folder/image/NAME.jpg` and `folder/mask/NAME.png`."""
    for name, values in zip(names, masks, strict=True):
        save_image(root / folder / image / f"{name}.jpg", GREY)
        save_image(root / folder / mask / f"{name}.png", values[..., None].astype(np.uint8))


def values(*numbers: int) -> np.ndarray:
    return np.resize(np.array(numbers, np.uint8), (4, 6))


def test_masks_are_read_only_when_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "train", "ab", [values(0, 1, 2), values(0, 3, 255)])
    write(tmp_path, "val", "c", [values(1, 1, 3)])
    (tmp_path / "classes.txt").write_text("sky\nroad\ntree\n")
    (tmp_path / "train" / "masks" / "b.png").write_bytes(b"broken")
    data = open_data(str(tmp_path))
    assert (data.format, data.target, data.classes) == ("masks", "mask", ("sky", "road", "tree"))
    assert [data.images.name(i) for i in range(3)] == ["train/images/a.jpg", "train/images/b.jpg", "val/images/c.jpg"]
    assert data.splits.tolist() == ["train", "train", "val"] and data.notes == ()
    assert data.targets[0].load().tolist() == values(0, 1, 2).tolist()
    assert data.targets[2].load().tolist() == values(1, 1, 255).tolist(), "the value behind the last class is ignored"
    with pytest.raises(SightlineError, match="the mask is damaged"):
        data.targets[1].load()


@pytest.mark.parametrize(
    ("image", "mask"),
    [("images", "masks"), ("images", "labels"), ("Images", "annotations"), ("JPEGImages", "SegmentationClass")],
)
@pytest.mark.parametrize("split_above", [True, False])
def test_layouts(tmp_path: Path, image: str, mask: str, split_above: bool) -> None:
    for split, name in (("train", "a"), ("test", "b")):
        folder, below = (split, "") if split_above else ("", f"/{split}")
        write(tmp_path, folder, name, [values(0, 1)], image + below, mask + below)
    data = open_data(str(tmp_path))
    assert data.format == "masks" and sorted(data.splits.tolist()) == ["test", "train"]
    assert data.classes == ("0", "1")


def test_voc_names_its_splits_in_lists(tmp_path: Path) -> None:
    write(tmp_path, "", "abc", [values(0, 1)] * 3, "JPEGImages", "SegmentationClass")
    save_image(tmp_path / "JPEGImages" / "d.jpg", GREY)
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("c\n")
    data = open_data(str(tmp_path), format="masks")
    assert data.splits.tolist() == ["train", "train", "val"]
    assert data.notes == (("no_mask", "1 image without a mask left out", ("JPEGImages/d.jpg",)),)


def test_what_has_no_partner_is_left_out_and_tails_are_known(tmp_path: Path) -> None:
    write(tmp_path, "", "abc", [values(0, 1)] * 3)
    (tmp_path / "images" / "a.jpg").unlink()
    (tmp_path / "masks" / "b.png").rename(tmp_path / "masks" / "b_mask.png")
    data = open_data(str(tmp_path))
    assert [target.name for target in data.targets] == ["masks/b_mask.png", "masks/c.png"]
    assert data.notes == (("no_image", "1 mask without an image left out", ("masks/a.png",)),)
    (tmp_path / "images" / "b.jpg").unlink()
    (tmp_path / "images" / "c.jpg").rename(tmp_path / "images" / "z.jpg")
    with pytest.raises(SightlineError, match="1 image and 3 masks, but no pair of them"):
        open_data(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "128 0 0 red\n0 128 0 green\n0 0 0 void\n"),
        ("classes.txt", "red 128 0 0\ngreen 0 128 0\nignore 0 0 0\n"),
        ("classes.csv", "name,r,g,b\nred,128,0,0\ngreen,0,128,0\nunlabelled,0,0,0\n"),
        ("label_colors.txt", "128 0 0\tred\n0 128 0\tgreen\n0 0 0\tVoid\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nred:128,0,0::\ngreen:0,128,0::\nvoid:0,0,0::\n"),
    ],
)
def test_colours_mean_what_a_table_says(tmp_path: Path, name: str, text: str) -> None:
    numbers = values(0, 1, 2)
    save_image(tmp_path / "images" / "a.png", GREY)
    save_image(tmp_path / "masks" / "a.png", np.array([COLOURS[n] for n in range(3)], np.uint8)[numbers])
    (tmp_path / name).write_text(text)
    data = open_data(str(tmp_path))
    assert data.classes == ("red", "green")
    assert data.targets[0].load().tolist() == np.where(numbers == 2, 255, numbers).tolist()
    strange = np.zeros((4, 6, 3), np.uint8)
    strange[2, 2] = 1, 2, 3
    save_image(tmp_path / "masks" / "a.png", strange)
    with pytest.raises(SightlineError, match="the colour 1 2 3, which the table") as caught:
        open_data(str(tmp_path)).targets[0].load()
    assert caught.value.where == "masks/a.png"


def test_colours_without_a_table_are_an_error_that_says_what_to_write(tmp_path: Path) -> None:
    save_image(tmp_path / "images" / "a.png", GREY)
    save_image(tmp_path / "masks" / "a.png", np.array([COLOURS[n] for n in range(3)], np.uint8)[values(0, 1, 2)])
    with pytest.raises(SightlineError, match="no table says what the colours mean") as caught:
        open_data(str(tmp_path))
    assert "classes.csv" in caught.value.fix
    (tmp_path / "classes.txt").write_text("a\nb\n")
    with pytest.raises(SightlineError, match="nothing says what its colours mean"):
        open_data(str(tmp_path)).targets[0].load()


def test_indexed_masks_give_their_indices(tmp_path: Path) -> None:
    save_image(tmp_path / "images" / "a.png", GREY)
    picture = Image.fromarray(values(0, 1, 2))
    picture.putpalette([9, 9, 9, 200, 0, 0, 0, 200, 0])
    (tmp_path / "masks").mkdir()
    picture.save(tmp_path / "masks" / "a.png")
    (tmp_path / "classes.txt").write_text("sky\nroad\ntree\n")
    assert open_data(str(tmp_path)).targets[0].load().tolist() == values(0, 1, 2).tolist()


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "LA", "I;16"])
def test_other_kinds_of_grey_masks(tmp_path: Path, mode: str) -> None:
    save_image(tmp_path / "images" / "a.png", GREY)
    (tmp_path / "masks").mkdir()
    numbers = values(0, 1)
    picture = (
        Image.fromarray(numbers.astype(np.uint16))
        if mode == "I;16"
        else Image.fromarray(numbers * (255 if mode == "1" else 1))
    )
    (picture if mode == "I;16" else picture.convert(mode)).save(tmp_path / "masks" / "a.png")
    assert open_data(str(tmp_path)).targets[0].load().tolist() == numbers.tolist()


def test_black_and_white_are_background_and_foreground(tmp_path: Path) -> None:
    write(tmp_path, "", "ab", [values(0, 255), values(255, 255)])
    data = open_data(str(tmp_path))
    assert data.classes == ("background", "foreground")
    assert data.targets[1].load().tolist() == values(1).tolist()


def test_values_without_a_table_are_their_own_names(tmp_path: Path) -> None:
    write(tmp_path, "", "ab", [values(0, 7), values(30, 255)])
    data = open_data(str(tmp_path))
    assert data.classes == ("0", "7", "30")
    assert data.targets[1].load().tolist() == values(2, 255).tolist()
    (tmp_path / "_classes.csv").write_text("Pixel Value, Class\n0, sky\n7, road\n30, tree\n")
    assert open_data(str(tmp_path)).classes == ("sky", "road", "tree")
    assert open_data(str(tmp_path)).targets[1].load().tolist() == values(2, 255).tolist()
    write(tmp_path, "", "a", [np.arange(24).reshape(4, 6) + 100])
    (tmp_path / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(SightlineError, match="the mask holds the value 100, and there are 2 classes"):
        open_data(str(tmp_path)).targets[0].load()


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "void\n", "\xff\xfe".encode("latin-1").decode("latin-1")])
def test_a_table_that_says_nothing_is_an_error(tmp_path: Path, text: str) -> None:
    write(tmp_path, "", "a", [values(0, 1)])
    (tmp_path / "classes.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(SightlineError, match="table"):
        open_data(str(tmp_path))


def test_a_row_without_a_colour_among_colours_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "", "a", [values(0, 1)])
    (tmp_path / "classes.txt").write_text("red 128 0 0\ngreen 0 128 0\nblue 0 0\n")
    with pytest.raises(SightlineError, match="no colour: 'blue 0 0'"):
        open_data(str(tmp_path))


def test_class_folders_and_boxes_are_not_taken_for_masks(tmp_path: Path) -> None:
    assert not sniff(write_folder(tmp_path / "folder", 2))
    for name in ("images", "labels"):
        (tmp_path / "yolo" / name).mkdir(parents=True)
    save_image(tmp_path / "yolo" / "images" / "a.png", GREY)
    (tmp_path / "yolo" / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    assert not sniff(tmp_path / "yolo") and not sniff(tmp_path / "nowhere")


def test_references_are_equal_by_content_and_tell_of_changes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_masked(tmp_path / name, 4)
    one, two = (open_data(str(tmp_path / name)) for name in ("one", "two"))
    assert one.targets[0] == two.targets[0] != one.targets[1] and len({*one.targets, *two.targets}) == 4
    assert "name" not in {one.targets[0]: 1} and one.targets[0] != "name"
    hashes = np.arange(4).astype(np.uint64)
    same = fingerprint(hashes, one.targets) == fingerprint(hashes, two.targets)
    save_image(tmp_path / "two" / "masks" / "000.png", values(1, 2)[..., None])
    changed = open_data(str(tmp_path / "two"))
    assert same and fingerprint(hashes, one.targets) != fingerprint(hashes, changed.targets)
    assert isinstance(one.take(np.array([2])).targets[0], MaskFile)


def test_arrays_are_masks_where_they_are_maps_of_whole_numbers() -> None:
    images, masks = masked(6)
    for labels in (masks, np.stack(masks), np.stack(masks).astype(np.int64)):
        data = open_data((images, labels))
        assert (data.target, data.classes) == ("mask", ("0", "1", "2", "3"))
        assert np.array_equal(data.targets[3].load(), masks[3])
    negative = np.where(np.stack(masks) == 255, -1, np.stack(masks).astype(np.int32))
    assert np.array_equal(open_data((images, negative)).targets[3].load(), masks[3])
    with pytest.raises(SightlineError, match="the class number 300"):
        open_data((images, np.full((6, 32, 32), 300)))
    with pytest.raises(SightlineError, match="6 images, but 5"):
        open_data((images, masks[:5]))
    both = with_val(open_data((images[:4], masks[:4])), open_data((images[4:], masks[4:])))
    assert len(both) == 6 and both.splits.tolist() == ["train"] * 4 + ["val"] * 2


def test_labels_are_stretched_by_the_nearest() -> None:
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    assert resized_labels(labels, (4, 2)).tolist() == [[0, 0, 1, 1], [2, 2, 255, 255]]
    assert resized_labels(resized_labels(labels, (7, 9)), (2, 2)).tolist() == labels.tolist()
    assert resized_labels(labels, (2, 2)) is labels


@pytest.mark.data
def test_camvid(shared_data: Path) -> None:
    data = open_data(str(shared_data / "camvid"))
    assert (data.format, len(data), len(data.classes)) == ("masks", 468, 11)
    assert np.unique(data.splits, return_counts=True)[1].tolist() == [367, 101]
    assert set(np.unique(data.targets[0].load()).tolist()) <= {*range(11), 255}


def test_what_is_wanted_decides_where_boxes_lie_beside_masks(tmp_path: Path) -> None:
    write(tmp_path, "", "ab", [values(0, 1)] * 2, "JPEGImages", "SegmentationClass")
    (tmp_path / "Annotations").mkdir()
    for name in "ab":
        box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox>"
        xml = f"<annotation><filename>{name}.jpg</filename><object><name>x</name>{box}</object></annotation>"
        (tmp_path / "Annotations" / f"{name}.xml").write_text(xml)
    assert open_data(str(tmp_path)).target == "boxes" and open_data(str(tmp_path), kind="mask").target == "mask"


def test_a_table_may_name_the_masks(tmp_path: Path) -> None:
    write(tmp_path / "data", "", "ab", [values(0, 1), values(1, 2)])
    (tmp_path / "data" / "classes.txt").write_text("sky\nroad\n")
    rows = "image,mask,split\ndata/images/a.jpg,data/masks/a.png,train\ndata/images/b.jpg,data/masks/b.png,val\n"
    (tmp_path / "it.csv").write_text(rows + "data/images/b.jpg,,val\n")
    data = open_data(str(tmp_path / "it.csv"))
    assert (data.target, data.format, data.classes, data.splits.tolist()) == (
        "mask",
        "table",
        ("sky", "road"),
        ["train", "val"],
    )
    assert data.targets[1].load().tolist() == values(1, 255).tolist()
    assert data.notes == (("empty_mask_name", "1 row without a mask left out", ("line 4",)),)
    (tmp_path / "it.csv").write_text("image,mask\ndata/images/a.jpg,\n")
    with pytest.raises(SightlineError, match="no row can be used"):
        open_data(str(tmp_path / "it.csv"))


def test_a_palette_that_the_table_knows_counts_instead_of_its_numbers(tmp_path: Path) -> None:
    """Programs that save files smaller number the colours anew."""
    numbers = values(0, 1, 2)
    save_image(tmp_path / "images" / "a.png", GREY)
    colour = Image.fromarray(np.array([COLOURS[n] for n in range(3)], np.uint8)[numbers])
    (tmp_path / "masks").mkdir()
    colour.quantize(3).save(tmp_path / "masks" / "a.png")
    (tmp_path / "classes.csv").write_text("name,r,g,b\nred,128,0,0\ngreen,0,128,0\nsky,0,0,0\n")
    assert open_data(str(tmp_path)).targets[0].load().tolist() == numbers.tolist()
