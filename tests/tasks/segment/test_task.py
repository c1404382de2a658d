"""Segment: its input, its answers, what check says, the loss, the memory that an answer takes."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import Result, save_image
from tiny import masked, write_masked

import sightline
from sightline.core.errors import SightlineError
from sightline.core.spec import Input, Spec
from sightline.data.dataset import ArrayImages, Dataset, Probe, no_splits
from sightline.data.masks import MaskArray, MaskKey, column_of, most_probable
from sightline.tasks.segment.check import suspects
from sightline.tasks.segment.prediction import MaskPrediction, run_lengths
from sightline.tasks.segment.task import Segment

TASK = Segment()
NAMES = ("sky", "road", "tree")
KEY = MaskKey.of(NAMES, {0: 0, 1: 1, 2: 2})
SPEC = Spec(
    "segment", "auto", NAMES, {"image": Input("uint8", (16, 32, 3))}, (0.0,) * 3, (1.0,) * 3, extra={"seen": [9, 9, 9]}
)


def mask(values: np.ndarray | list, key: MaskKey = KEY, name: str = "m") -> MaskArray:
    return MaskArray(np.array(values, np.uint8), key, name)


def dataset(masks: list[MaskArray], names: tuple[str, ...] = NAMES) -> Dataset:
    images = ArrayImages(np.zeros((len(masks), 8, 8), np.uint8), "x")
    return Dataset(images, "mask", column_of(masks), no_splits(len(masks)), None, "x", "arrays", names)


@pytest.mark.parametrize(
    ("size", "imgsz", "wanted"),
    [
        ((480, 360), 240, (176, 240)),
        ((480, 360), None, (192, 256)),
        ((360, 480), 240, (240, 176)),
        ((100, 60), None, (64, 96)),
        ((2000, 20), None, (16, 256)),
        ((8, 8), 16, (16, 16)),
    ],
)
def test_the_input_has_the_shape_of_the_images_in_steps_of_16(
    size: tuple[int, int], imgsz: int | None, wanted: tuple[int, int]
) -> None:
    spec = TASK.spec(dataset([mask(np.zeros((8, 8)))] * 2), Probe(*size, 3, 2), "auto", {"imgsz": imgsz})
    assert spec.inputs["image"].shape == (*wanted, 3)


@pytest.mark.parametrize("size", [(64, 48), (31, 97), (500, 3), (16, 16), (1, 1)])
def test_the_strips_of_a_large_image_fit_together(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), (12, 20)).transpose(2, 0, 1).astype(np.float32)
    whole = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)) for one in probabilities]
    monkeypatch.setattr("sightline.data.masks.STRIP", 70)
    classes, sureness = most_probable(probabilities, size)
    assert classes.shape == sureness.shape == size[::-1]
    assert np.abs(np.max(whole, axis=0) * 255 - sureness).max() <= 0.51
    own = np.take_along_axis(np.stack(whole), classes[None].astype(np.int64), 0)[0]
    assert np.abs(own - np.max(whole, axis=0)).max() < 1e-5


def test_an_answer_about_12_megapixels_and_21_classes_stays_small() -> None:
    spec = Spec("segment", "auto", tuple(map(str, range(21))), SPEC.inputs, (0.0,) * 3, (1.0,) * 3)
    outputs = {"probabilities": np.random.default_rng(0).dirichlet(np.ones(21), (192, 256)).transpose(2, 0, 1)}
    truth = MaskArray(np.zeros((3000, 4000), np.uint8), MaskKey.of(spec.classes, {0: 0}), "m")
    tracemalloc.start()
    prediction = TASK.postprocess(outputs, (4000, 3000), spec)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    TASK.compare(prediction, truth, spec)
    prediction.to_text()
    tracemalloc_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert prediction.classes.shape == (3000, 4000) and tracemalloc_peak < 500e6


def test_targets_follow_the_names_of_the_model() -> None:
    other = MaskKey.of(("tree", "sky"), {0: 0, 1: 1})
    target = mask([[0, 0], [1, 255]], other)
    found = TASK.encode(target, (2, 2), SPEC)["mask"]
    assert found.shape == (16, 32) and found[0, 0] == 2 and found[-1, 0] == 0 and found[-1, -1] == 255
    stranger = mask([[0, 1], [1, 1]], MaskKey.of(("sky", "lake"), {0: 0, 1: 1}))
    with pytest.raises(SightlineError, match="the class 'lake' is not among"):
        TASK.encode(stranger, (2, 2), SPEC)
    absent = mask([[0, 0], [0, 0]], MaskKey.of(("sky", "lake"), {0: 0, 1: 1}))
    assert [TASK.names(one, SPEC) for one in (target, stranger, absent)] == [{"tree", "sky"}, {"sky", "lake"}, {"sky"}]


def test_a_prediction_says_where_and_how_sure() -> None:
    classes = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]], np.uint8)
    sure = np.array([[255, 255, 102, 102], [255, 255, 204, 204], [255] * 4], np.uint8)
    found = MaskPrediction(classes, sure, NAMES)
    assert found.to_text() == "sky 67 %  road 33 %"
    plain = found.to_dict()
    assert plain["label"] == "sky;road" and plain["size"] == [4, 3]
    assert plain["classes"][1] == {"label": "road", "share": 0.333333, "confidence": 0.6, "box": [2, 0, 4, 2]}
    assert plain["rle"] == [0, 2, 1, 2, 0, 2, 1, 2, 0, 4] and json.dumps(plain)
    unsure = found.to_dict(min_confidence=0.5)
    assert unsure["classes"][1]["share"] == 0.166667 and unsure["rle"][:4] == [0, 2, 255, 2]
    assert found.to_text(min_confidence=1.0).startswith("sky 67 %")
    drawn = found.draw(np.zeros((3, 4, 3), np.uint8))
    assert drawn.mode == "RGB" and len(drawn.getcolors(2**20) or []) > 2
    with pytest.raises(ValueError, match="two equal maps"):
        MaskPrediction(classes, sure[:1], NAMES)


def test_runs_add_up_to_the_image() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (7, 9)).astype(np.uint8)
    runs = np.array(run_lengths(labels)).reshape(-1, 2)
    assert np.array_equal(np.repeat(runs[:, 0], runs[:, 1]).reshape(7, 9), labels)
    assert run_lengths(np.zeros((2, 2), np.uint8)) == [0, 4]


def findings(masks: list[MaskArray], splits: list[str] | None = None, size: tuple[int, int] = (4, 4)) -> dict:
    data = dataset(masks)
    parts = np.array(splits or ["train"] * len(masks))
    found = TASK.check_dataset(data, parts, np.tile(np.array(size, np.int32), (len(masks), 1)))
    return {one.code: (one.level, one.items) for one in found}


def test_what_check_finds(tmp_path: Path) -> None:
    good = [mask(np.arange(16).reshape(4, 4) % 3)] * 200
    assert findings(good) == {}
    assert findings(good[:7])["too_few"][0] == "error" and findings(good[:9])["too_few"][0] == "warning"
    assert findings([*good, mask(np.full((8, 8), 1))])["mask_size"] == ("warning", ("x[200]: 8x8 for 4x4 px",))
    assert findings([*good, mask(np.full((4, 8), 1))])["mask_shape"][0] == "error"
    assert findings([*good, mask(np.full((4, 4), 7), name="bad.png")])["bad_mask"] == (
        "error", ("x[200]: the mask holds the value 7, and there are 3 classes (bad.png)",)
    )  # fmt: skip
    found = findings([*good, mask(np.full((4, 4), 255))])
    assert found["empty_mask"] == ("warning", ("x[200]",)) and found["ignored"][0] == "note"
    assert findings([mask(np.zeros((4, 4)))] * 200)["one_class"][0] == "error"
    rare = [mask(np.arange(16).reshape(4, 4) % 2)] * 200
    assert findings([*rare, good[0]])["rare_class"] == ("note", ("tree (1)",))
    assert findings([*rare, good[0]], ["train"] * 200 + ["val"])["unseen_class"] == ("warning", ("tree (1)",))
    assert findings(rare)["empty_class"] == ("note", ("tree (0)",))


def test_an_unreadable_mask_stops_nothing(cli: Callable[..., Result], here: Path, quick_export: None) -> None:
    data = write_masked(here / "data", 40)
    (data / "masks" / "003.png").write_bytes(b"no image")
    found = {one["code"]: one for one in cli("check", data, "--json").json["findings"]}
    assert found["unreadable_mask"]["items"][0].startswith("images/003.png: the mask is damaged")
    model = sightline.train(str(data), epochs=1, batch=8, workers=0)
    assert 0 <= model.card["scores"]["val"]["metrics"]["miou"] <= 1


def test_values_that_mean_nothing_stop_a_training(cli: Callable[..., Result], here: Path) -> None:
    data = write_masked(here / "data", 20)
    (data / "classes.txt").write_text("none\ncircle\n")
    done = cli("train", data)
    assert done.code == 2 and "masks with values that mean nothing" in done.err and "Traceback" not in done.err


def test_images_that_hold_the_rarest_class_are_a_stratum() -> None:
    masks = [mask(values) for values in ([[0, 0]], [[0, 1]], [[1, 0]], [[0, 1, 2]], [[2, 0]], [[0, 0]], [[0, 0]])]
    assert TASK.strata(dataset(masks)).tolist() == [0, 1, 1, 2, 2, 0, 0]
    assert TASK.strata(dataset(masks[:4])).tolist() == [0, 0, 0, 0], "a stratum of one image is put with the largest"


def test_the_loss_ignores_what_is_ignored_and_rare_classes_count_for_more() -> None:
    import dataclasses

    import torch
    from torch import nn

    raw = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))

    class Fixed(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return raw

    def loss(mask: torch.Tensor, seen: list[int] | None = None, **options: float) -> float:
        spec = dataclasses.replace(SPEC, options=options, extra={"seen": seen or [1, 1, 1]})
        return float(TASK.learner().loss(Fixed(), {"image": torch.zeros(2, 3, 4, 4)}, {"mask": mask}, spec)["loss"])

    target = torch.randint(0, 3, (2, 4, 4), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    plain = float(nn.functional.cross_entropy(raw, target.long()))
    assert loss(target, rare=0, dice=0) == pytest.approx(plain, rel=1e-5)
    assert loss(target, rare=0, dice=1) > plain
    half = target.clone()
    half[:, 2:] = 255
    expected = float(nn.functional.cross_entropy(raw[:, :, :2], target[:, :2].long()))
    assert loss(half, rare=0, dice=0) == pytest.approx(expected, rel=1e-5)
    assert loss(torch.full_like(target, 255)) == pytest.approx(0.5, abs=0.51)
    one = torch.full_like(target, 2)
    assert loss(one, [90, 9, 1], rare=0.5, dice=0) > 2 * loss(one, [90, 9, 1], rare=0, dice=0)


def test_python_takes_masks_as_arrays(here: Path, quick_export: None) -> None:
    images, masks = masked(40)
    model = sightline.train(images, np.stack(masks), task="segment", epochs=1, batch=8, workers=0)
    assert model.spec.classes == ("0", "1", "2", "3") and model.spec.inputs["image"].shape == (32, 32, 3)
    with pytest.raises(SightlineError, match="wanted"):
        sightline.train(images, ["a"] * 40, task="segment")


def test_the_memory_of_a_bundle_and_its_report(trained: Callable[..., Path], here: Path) -> None:
    run = trained("auto", "segment")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Mean IoU" in page and "Pixels" in page
    image = save_image(here / "large.png", np.random.default_rng(0).integers(0, 255, (90, 70, 3)).astype(np.uint8))
    found = sightline.load(run).predict(str(image))
    assert found.classes.shape == (90, 70) and found.classes.dtype == np.uint8


def test_masks_that_are_far_off_are_suspected_and_slight_ones_are_not() -> None:
    wrong = np.array([[9, 1], [80, 10], [0, 0]])
    usual = [np.array([[50, 1], [2, 47], [0, 0]])] * 20
    errors = [0.05 + 0.001 * i for i in range(20)]
    assert suspects([*errors, 0.8], [*usual, wrong], SPEC) == [(20, "sky in place of road in 80 % of the image")]
    assert suspects([*errors, 0.2], [*usual, wrong], SPEC) == []
