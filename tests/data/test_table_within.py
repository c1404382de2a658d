"""A folder that holds images and the one table that says what they show."""

from box_files import picture, text

from sightline.data.formats import open_data

BOXES = "image,x,y,width,height,label\na.png,1,2,3,4,cat\nb.png,1,2,3,4,dog\n"
LABELS = "image,label\nimages/a.png,cat\nimages/b.png,dog\n"


def test_the_table_beside_the_images_counts(tmp_path):
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "images" / "b.png")
    table = text(tmp_path / "it.csv", BOXES)
    for kind in (None, "boxes"):
        data = open_data(tmp_path, kind=kind)
        assert (data.format, data.name, len(data)) == ("boxes_table", str(table), 2)
    text(table, LABELS)
    assert open_data(str(tmp_path)).targets.tolist() == ["cat", "dog"]
    assert open_data(tmp_path, "folder").targets.tolist() == ["images", "images"]


def test_loose_images_beside_their_table(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    text(tmp_path / "it.tsv", BOXES.replace(",", "\t"))
    assert open_data(tmp_path).format == "boxes_table"


def test_class_folders_stay_class_folders(tmp_path):
    for name in ("cat/a.png", "dog/b.png"):
        picture(tmp_path / "photos" / name)
    text(tmp_path / "photos" / "it.csv", LABELS)
    assert open_data(tmp_path / "photos").format == open_data(tmp_path).format == "folder"
    text(tmp_path / "it.csv", LABELS)
    assert open_data(tmp_path).format == "folder"


def test_other_tables_are_not_taken(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / "things" / name)
    for content in ("when,who\n1,2\n", "image\na.png\n", "image,image,label\na,b,c\n"):
        text(tmp_path / "it.csv", content)
        assert open_data(tmp_path).format == "folder"
    text(tmp_path / "it.csv", LABELS)
    text(tmp_path / "other.csv", LABELS)  # two: which one is meant must be said
    assert open_data(tmp_path).format == "folder"
