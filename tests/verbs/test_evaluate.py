"""evaluate: the right part of the data, honest about overlap, unknown labels and unreadable files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import CLASSES, Result, picture, pictures, rezip, save_image, write_folder, write_table

import sightline
from sightline.core.errors import SightlineError

Cli = Callable[..., Result]


def test_the_data_trained_on_gives_the_same_test_part_as_in_training(cli: Cli, bundle: Path, shapes: Path) -> None:
    card = sightline.load(bundle).card
    for split, n in (("test", 3), ("val", 3)):
        found = cli("evaluate", bundle, shapes, "--split", split, "--json").json
        assert (found["split"], found["n"], found["overlap"]) == (split, n, 0)
        assert found["metrics"] == pytest.approx(card["scores"][split]["metrics"])
        assert found["confusion"] == card["scores"][split]["confusion"]
    assert cli("evaluate", bundle, shapes, "--json").json["split"] == "test"
    train = cli("evaluate", bundle, shapes, "--split", "train", "--json").json
    assert (train["n"], train["overlap"]) == (30, None)
    everything = cli("evaluate", bundle, shapes, "--split", "all", "--json").json
    assert (everything["n"], everything["overlap"]) == (36, 30)


def test_the_same_images_are_known_in_another_format_and_order(bundle: Path, shapes: Path) -> None:
    images, labels = pictures(12)
    order = np.random.default_rng(1).permutation(len(labels))
    found = sightline.evaluate(bundle, images[order], np.array(labels)[order])
    assert (found["split"], found["n"], found["overlap"]) == ("test", 3, 0)


def test_a_strange_folder_is_used_whole(cli: Cli, bundle: Path, strangers: Path) -> None:
    found = cli("evaluate", bundle, strangers, "--json").json
    assert (found["split"], found["n"], found["overlap"]) == ("all", 12, 0)
    assert [row["support"] for row in found["per_class"]] == [4, 4, 4]
    assert np.array(found["confusion"]).sum() == 12 and found["unknown"] == [] and found["unreadable"] == []
    assert found["metrics"]["accuracy"] >= 2 / 3


def test_overlap_with_the_training_images_is_reported(cli: Cli, bundle: Path, shapes: Path, strangers: Path) -> None:
    shutil.copytree(strangers, "mixed")
    for name in CLASSES:
        for path in (shapes / name).iterdir():
            shutil.copy(path, Path("mixed", name, f"again {path.name}"))
    found = cli("evaluate", bundle, "mixed", "--json").json
    assert (found["n"], found["overlap"], found["split"]) == (48, 30, "all")
    assert "30 of these images were trained on" in cli("evaluate", bundle, "mixed").out


def test_given_splits_are_obeyed(cli: Cli, bundle: Path) -> None:
    write_folder(Path("data/train"), per_class=5, first=50)
    write_folder(Path("data/test"), per_class=2, first=90)
    for more, split, n in (((), "test", 6), (("--split", "train"), "train", 12), (("--split", "all"), "all", 21)):
        found = cli("evaluate", bundle, "data", *more, "--json").json
        assert (found["split"], found["n"]) == (split, n)
    assert cli("evaluate", bundle, "data", "--split", "val", "--json").json["n"] == 3
    shutil.rmtree("data/test")
    done = cli("evaluate", bundle, "data", "--split", "test")
    assert done.code == 2 and "the data has no test part" in done.err


def test_labels_that_the_model_does_not_know_count_as_wrong_and_are_named(cli: Cli, bundle: Path) -> None:
    write_folder(Path("data"), per_class=2, first=300)
    for i in range(2):
        save_image(Path(f"data/star/{i}.png"), picture("cross", 400 + i))
    found = cli("evaluate", bundle, "data", "--json").json
    assert (found["n"], found["unknown"]) == (8, ["star"])
    assert found["metrics"]["accuracy"] <= 6 / 8 and np.array(found["confusion"]).sum() == 6
    assert "star" in cli("evaluate", bundle, "data").out
    for name in CLASSES:
        shutil.rmtree(f"data/{name}")
    done = cli("evaluate", bundle, "data")
    assert done.code == 2 and "(star …) is known to the model" in done.err and "circle, cross, square" in done.err


def test_unreadable_images_are_skipped_and_listed_up_to_a_share(cli: Cli, bundle: Path, strangers: Path) -> None:
    shutil.copytree(strangers, "data")
    Path("data/cross/bad.png").write_bytes(b"")
    found = cli("evaluate", bundle, "data", "--json").json
    assert found["n"] == 12 and found["unreadable"] == ["cross/bad.png: the image file is empty (0 bytes)"]
    assert "1 images could not be read" in cli("evaluate", bundle, "data").out
    for i in range(5):
        Path(f"data/cross/bad{i}.png").write_bytes(b"")
    done = cli("evaluate", bundle, "data")
    assert done.code == 2 and "6 of 18 images cannot be read" in done.err and "--max-bad 0.34" in done.err
    assert cli("evaluate", bundle, "data", "--max-bad", "0.34").code == 0


def test_a_table_without_label_column_is_a_clear_error(cli: Cli, bundle: Path) -> None:
    rows = [{"image": "a.png", "kind": "cross", "pixels": picture("cross", 1)}]
    path = write_table(Path("data"), rows, ("image", "kind"))
    for verb in (("evaluate", bundle, path), ("train", path), ("check", path)):
        done = cli(*verb)
        assert done.code == 2 and "there is no column 'label'" in done.err


def test_images_that_a_table_lists_but_that_are_absent_are_counted(cli: Cli, bundle: Path) -> None:
    rows = [{"image": f"{i}.png", "label": "cross", "pixels": picture("cross", i)} for i in range(9)]
    path = write_table(Path("data"), [*rows, {"image": "gone.png", "label": "cross"}])
    found = cli("evaluate", bundle, path, "--json").json
    assert found["n"] == 9 and found["unreadable"] == ["gone.png: the image does not exist"]


def test_a_bundle_that_does_not_say_what_it_was_trained_on_reports_no_overlap(
    bundle: Path, here: Path, shapes: Path
) -> None:
    path = rezip(bundle, here / "x.sightline", lambda found: found.pop("assets/trained_on.npy"))
    assert sightline.evaluate(path, str(shapes), split="all")["overlap"] is None


@pytest.mark.parametrize("targets", [(), ("a",), ("a", "b", "c")])
def test_evaluate_takes_a_bundle_and_data(cli: Cli, targets: tuple[str, ...]) -> None:
    done = cli("evaluate", *targets)
    assert done.code == 2 and "sightline evaluate MODEL.sightline DATA" in done.err


def test_people_get_the_scores_in_words_and_a_table(cli: Cli, bundle: Path, strangers: Path) -> None:
    text = cli("evaluate", bundle, strangers).out
    lines = text.splitlines()
    assert lines[0] == "all of the data, 12 images; in brackets: 95 % intervals"
    found = cli("evaluate", bundle, strangers, "--json").json
    low, high = found["intervals"]["accuracy"]
    accuracy = next(line for line in lines if line.split()[:1] == ["accuracy"])
    assert f"({100 * low:.2f} to {100 * high:.2f} %)" in accuracy
    assert "On average it says" in text and "without the tenth it is least sure of" in text
    assert [line.split()[0] for line in lines[-3:]] == list(CLASSES)
    low, high = found["per_class"][0]["recall_ci"]
    assert f"({low:.2f}–{high:.2f})" in lines[-3]


def test_the_words_about_confidence_follow_from_the_curves() -> None:
    from sightline.verbs.tell_evaluation import lines_of

    result = {
        "metrics": {"accuracy": 0.75}, "n": 100, "split": "test", "overlap": 0, "unknown": [], "unreadable": [],
        "curves": {
            "reliability": {"confidence": [0.6, 0.9], "accuracy": [0.5, 0.88], "count": [20, 80]},
            "risk_coverage": {"coverage": [0.5, 0.67, 0.9, 1.0], "risk": [0.02, 0.04, 0.1, 0.25], "aurc": 0.1},
        },
        "confusion": [[40, 10], [15, 35]],
        "per_class": [
            {"class": "cat", "precision": 0.7, "recall": 0.8, "f1": 0.75, "support": 50},
            {"class": "dog", "precision": 0.7, "recall": 0.7, "f1": 0.7, "support": 50},
        ],
    }  # fmt: skip
    text = "\n".join(lines_of(result))
    assert "says 84 % and is right 80 %: the difference may be chance, too few images to tell (100)." in text
    assert "when it says about 90 %, it is right 88 %  (80 images)" in text
    assert "Right: 75 % of all; without the tenth it is least sure of, 90 %" in text
    assert text.index("dog taken for cat: 15 of 50") < text.index("cat taken for dog: 10 of 50")
    reliability = {"confidence": [0.84], "accuracy": [0.8], "count": [2000]}  # more images, and it is no chance
    surely = "\n".join(lines_of({**result, "curves": {"reliability": reliability}}))
    assert "is right 80 %: too sure of itself." in surely
    near = {"reliability": {"confidence": [0.84], "accuracy": [0.835], "count": [12]}}
    assert "On average it says 84 % and is right 84 %: about as sure as it should be." in "\n".join(
        lines_of({**result, "curves": near})
    )
    nothing = {**result, "curves": {}, "confusion": [], "per_class": []}
    assert "\n".join(lines_of(nothing)).splitlines()[1:] == ["  accuracy  75.00 %"]


def test_the_worst_answers_are_named_the_worst_first(cli: Cli, bundle: Path, strangers: Path) -> None:
    rows = cli("evaluate", bundle, strangers, "--json").json["worst"]
    assert len(rows) == 12 and set(rows[0]) == {"image", "truth", "label", "confidence", "error"}
    errors = [row["error"] for row in rows]
    assert errors == sorted(errors, reverse=True)
    model = sightline.load(bundle)
    for row in (rows[0], rows[-1]):
        answer = model.predict(str(strangers / row["image"]))
        assert (answer.label, row["truth"]) == (row["label"], row["image"].split("/")[0])
        truth = dict(answer.top(3))[row["truth"]]
        assert row["error"] == pytest.approx(-np.log(truth), abs=1e-4)


def test_intervals_and_curves_are_part_of_the_result_and_of_the_card(bundle: Path, shapes: Path) -> None:
    card = sightline.load(bundle).card["scores"]["test"]
    found = sightline.evaluate(bundle, str(shapes))
    for key in ("intervals", "curves", "per_class"):
        assert found[key] == card[key]
    assert set(found["intervals"]) == set(found["metrics"]) and "ece_uncalibrated" in found["metrics"]
    assert set(found["curves"]) == {"reliability", "risk_coverage"}


def test_arrays_of_unequal_length_are_refused(bundle: Path) -> None:
    images, labels = pictures(2)
    with pytest.raises(SightlineError, match="6 images, but 5 targets"):
        sightline.evaluate(bundle, images, labels[:5])
