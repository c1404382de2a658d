"""Read: what it makes of lines and texts, what it checks, how it decodes, and what it refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.data.bidi import visual
from sightline.data.dataset import ArrayImages, Dataset, no_splits
from sightline.tasks.read import calibrate, check, inputs
from sightline.tasks.read.decode import LEXICON, MODEL
from sightline.tasks.read.lexicon import Lexicon, read_words
from sightline.tasks.read.scores import compared, summarize
from sightline.tasks.read.task import Read

TASK = Read()
FIRST = 4
"""The step of the first character: those before it are margin."""


def dataset(texts: list[str], width: int = 400) -> Dataset:
    images = [np.full((40, width, 1), 230, np.uint8)] * len(texts)
    return Dataset(ArrayImages(images), "text", np.array(texts, np.str_), no_splits(len(texts)), None, "made", "arrays")


def spec_for(texts: list[str], **options: object) -> Spec:
    data = dataset(texts)
    return TASK.from_train(data, TASK.spec(data, data.probe(), "auto", {"imgsz": 48, **options}))


def sure(text: str, spec: Spec, steps: int = 60, of: float = 0.97) -> np.ndarray:
    """(steps, classes) of a network that is so sure of a text (from left to right), a blank after each character."""
    p = np.full((steps, 1 + len(spec.classes)), (1 - of) / len(spec.classes), np.float32)
    path = [0] * steps
    for place, character in enumerate(text):
        path[FIRST + 2 * place] = 1 + spec.classes.index(character)
    p[np.arange(steps), path] = of
    return p


def test_the_charset_comes_from_the_train_part_in_one_normal_form() -> None:
    assert spec_for(["o\u0364", "ſ⸗", "a  b"]).classes == (" ", "a", "b", "o", "ſ", "\u0364", "⸗")
    assert spec_for(["e\u0301"]).classes == ("é",)
    assert spec_for(["é"], normalize="NFD").classes == ("e", "\u0301")
    with pytest.raises(SightlineError, match="transcripts are all empty"):
        spec_for(["", " "])


def test_a_text_survives_encoding_and_reading_in_any_direction() -> None:
    for text in ("Vergoͤtterung der Natur⸗", "שלום (12) עולם", "مرحبا world", "春眠不覺曉"):
        spec = spec_for([text])
        encoded = TASK.encode(text, (0, 0), spec)["text"]
        assert encoded[-1] == 0 and encoded[:-1].min() >= 1
        seen = "".join(spec.classes[k - 1] for k in encoded[:-1])
        read = TASK.postprocess({"probabilities": sure(seen, spec)}, (400, 40), spec)
        assert read.text == text and len(read.letters) == len(text)
    hebrew = spec_for(["אב"])
    letters = TASK.postprocess({"probabilities": sure("בא", hebrew)}, (400, 40), hebrew).letters
    assert letters[0].text == "א" and letters[0].left > letters[1].right, "the first letter stands on the right"


def test_lines_keep_their_shape_and_dark_paper_is_inverted() -> None:
    spec = spec_for(["ab"])
    line = np.full((24, 100, 1), 200, np.uint8)
    line[8:16, 20:80:4] = 40
    seen = TASK.preprocess(line, spec)["image"]
    assert seen.shape[0] == 48 and seen.shape[1] % inputs.STEP == 0
    assert abs(seen.shape[1] - (200 + 2 * inputs.MARGIN)) <= inputs.STEP / 2
    assert np.abs(TASK.preprocess(255 - line, spec)["image"].astype(int) - seen).max() <= 2
    assert (TASK.preprocess(np.full((24, 100, 1), 90, np.uint8), spec)["image"] == inputs.PAPER).all()
    assert TASK.preprocess(line[:, :1], spec)["image"].shape[1] >= inputs.LEAST_WIDTH
    with pytest.raises(SightlineError, match="the line is 20,000 px long"):
        TASK.preprocess(np.zeros((40, 20_000, 1), np.uint8), spec)


def test_lines_of_wide_letters_are_lower() -> None:
    """400 x 40 px: at a height of 48 a letter of 40 takes 12 px, one of 20 takes 24."""

    def height(letters: int, **options: object) -> int:
        data = dataset(["x" * letters, "", "x" * letters])
        return TASK.spec(data, data.probe(), "auto", options).inputs["image"].shape[0] or 0

    assert height(40) == 48 and height(30) == 40 and height(20) == 40
    assert height(20, imgsz=64) == 64 and height(40, imgsz=32) == 32
    assert height(0) == 48, "no text at all"
    # Weights from elsewhere keep the height of the lines that they know, unless another is asked for.
    few, many = dataset(["x" * 20]), dataset(["x" * 40])
    known, new = (TASK.spec(data, data.probe(), "auto", {}) for data in (many, few))
    assert TASK.used_to(new, known).inputs == known.inputs != new.inputs
    asked = TASK.spec(few, few.probe(), "auto", {"imgsz": 40})
    assert TASK.used_to(asked, known) == asked


def test_small_and_large_letters_are_scaled_alike() -> None:
    """The same writing cut with much and with little paper above and below it."""
    random = np.random.default_rng(0)
    writing = np.full((20, 600, 1), 220, np.uint8)
    for x in range(10, 590, 6):
        writing[random.integers(2, 8) : random.integers(12, 18), x : x + 2] = 30
    tight, wide = writing, np.pad(writing, ((20, 20), (0, 0), (0, 0)), constant_values=220)
    usual = inputs.usual_spread([tight, wide, np.pad(writing, ((6, 6), (0, 0), (0, 0)), constant_values=220)], 48)
    spec = dataclasses.replace(spec_for(["ab"]), extra={"normalize": "NFC", "spread": usual})
    scaled = [TASK.preprocess(image, spec)["image"] for image in (tight, wide)]
    plain = [TASK.preprocess(image, spec_for(["ab"]))["image"] for image in (tight, wide)]

    def heights(lines: list[np.ndarray]) -> list[int]:
        return [int(np.ptp(np.flatnonzero((line < 128).any(axis=(1, 2))))) for line in lines]

    assert heights(plain)[0] > 2 * heights(plain)[1] and heights(scaled)[0] < 1.5 * heights(scaled)[1]
    read = TASK.postprocess({"probabilities": sure("ab", spec, scaled[0].shape[1] // 4)}, (600, 20), spec)
    assert 0 <= read.letters[0].left < read.letters[1].right <= 600


def test_a_map_over_the_input_comes_back_to_the_image() -> None:
    spec = spec_for(["ab"])
    values = np.zeros((48, 208), np.float32)
    values[:, inputs.MARGIN + 92 : inputs.MARGIN + 100] = 1
    back = TASK.to_image(values, np.full((24, 100, 1), 200, np.uint8), (100, 24), spec)
    assert back.shape == (24, 100) and abs(int(back.sum(axis=0).argmax()) - 50) <= 1


def test_check_names_what_is_wrong_with_transcripts() -> None:
    texts = ["abc"] * 20 + ["", "rare ♥", "x" * 300]
    data = dataset(texts)
    splits = np.array(["train"] * 21 + ["val", "train"])
    found = {f.code: f for f in TASK.check_dataset(data, splits, np.full((len(texts), 2), (400, 40), np.int32))}
    assert found["empty_text"].count == 1 and found["too_short"].items == ("[22]",)
    assert "♥ (1)" in found["unseen_character"].items and found["too_few"].level == "warning"
    sizes = np.full((len(texts), 2), (400, 40), np.int32)
    sizes[3] = (20_000, 40)
    assert {f.code: f for f in TASK.check_dataset(data, splits, sizes)}["too_long"].items == ("[3]",)
    assert check.steps_needed("abba") == 5 and check.steps_needed("") == 0
    few = TASK.check_dataset(dataset(["a"] * 3), np.array(["train"] * 3), np.full((3, 2), 40, np.int32))
    assert [(f.code, f.level) for f in few] == [("too_few", "error")]


def test_scores_count_edits_words_and_lines() -> None:
    rows = [compared("abd", "abc"), compared("", "a b"), compared("Waſſer", "Waſſer"), compared("Wasser", "Waſſer")]
    found = summarize(rows, {"a": 100, "b": 3})
    assert found.metrics["cer"] == pytest.approx((1 + 3 + 0 + 2) / (3 + 3 + 6 + 6))
    assert found.metrics["cer_folded"] == pytest.approx(4 / 18) and found.metrics["exact"] == 0.25
    assert found.metrics["wer"] == pytest.approx((1 + 2 + 0 + 1) / 5)
    total = sum(found.metrics[name] for name in ("insertions", "deletions", "substitutions"))
    assert total == pytest.approx(found.metrics["cer"]) == 1 - found.metrics["char_accuracy"]
    confused = found.curves["confused"]
    assert ("ſ", "s", 2) in zip(confused["truth"], confused["read"], confused["count"], strict=True)
    assert sum(found.curves["by_length"]["lines"]) == 4 and sum(found.curves["by_frequency"]["support"]) == 18


def test_cer_and_wer_agree_with_the_textbook_recursion() -> None:
    def distance(a: list[str], b: list[str]) -> int:
        row = list(range(len(b) + 1))
        for i, x in enumerate(a, 1):
            last, row[0] = row[0], i
            for j, y in enumerate(b, 1):
                last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
        return row[-1]

    random = np.random.default_rng(0)
    for _ in range(50):
        read, truth = ("".join(random.choice(list("ab c"), random.integers(0, 12))).strip() for _ in range(2))
        one = compared(read, truth)
        assert one["insert"] + one["delete"] + one["replace"] == distance(list(truth), list(read))
        assert one["word_errors"] == distance(truth.split(), read.split())


def test_the_language_model_is_used_only_where_it_pays() -> None:
    texts = ["abab abab abab"] * 30
    spec = spec_for(texts)
    doubtful = sure("abab abab abab", spec)
    b = 1 + spec.classes.index("b")
    doubtful[FIRST + 2] = 0.0  # the second letter: the network cannot tell a from b, and would say a
    doubtful[FIRST + 2, b], doubtful[FIRST + 2, 1 + spec.classes.index("a")] = 0.45, 0.55
    better = calibrate.calibrated([doubtful] * 20, texts[:20], spec)
    assert better.extra["search"] is not None and "used" in better.extra["notes"][0] and MODEL in better.assets
    assert TASK.postprocess({"probabilities": doubtful}, (400, 40), better).text == texts[0]
    clear = calibrate.calibrated([sure(texts[0], spec)] * 20, texts[:20], spec)
    assert clear.extra["search"] is None and "not used" in clear.extra["notes"][0] and MODEL not in clear.assets
    without = calibrate.calibrated([doubtful] * 20, texts[:20], spec_for(texts, lm="none"))
    assert without.extra["search"] is None and without.extra["notes"] == []


def test_a_lexicon_decides_between_words_and_one_that_excludes_everything_is_refused(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("cat\nhat\n")
    spec = spec_for(["cat hat bat"] * 12, lm="none", lexicon=str(words))
    assert LEXICON in spec.assets
    doubtful = sure("cat", spec)
    doubtful[FIRST] = 0.0
    doubtful[FIRST, 1 + spec.classes.index("b")], doubtful[FIRST, 1 + spec.classes.index("c")] = 0.6, 0.4
    fitted = calibrate.calibrated([doubtful] * 10, ["cat"] * 10, spec)
    assert TASK.postprocess({"probabilities": doubtful}, (400, 40), fitted).text == "cat"
    assert Lexicon(["cat"]).end("a Cat") == 0 and Lexicon(["cat"]).after("xyz", " ") < 0 == Lexicon(()).end("xyz")
    words.write_text("AB-1234 don't\nשָׁלוֹם\n")
    parted = Lexicon(read_words(str(words), "NFC", "AB-1234don'tשָׁלוֹם"))
    for text in ("AB-1234", "don't", visual("שָׁלוֹם")):
        assert parted.end(text) == 0 == min(parted.after(text[:n], text[n]) for n in range(len(text))), text
    words.write_text("1234 -\n")
    with pytest.raises(SightlineError, match="no word in the lexicon"):
        read_words(str(words), "NFC", "1234-")
    words.write_text("собака\n")
    with pytest.raises(SightlineError, match="none of the 1 words"):
        read_words(str(words), "NFC", "abc")
    with pytest.raises(SightlineError, match="lexicon cannot be read"):
        read_words(str(tmp_path / "nowhere.txt"), "NFC", "abc")


def test_confidences_are_calibrated_on_val() -> None:
    spec = spec_for(["ab" * 10] * 12, lm="none")
    random = np.random.default_rng(1)
    lines, texts = [], []
    for _ in range(60):  # a network that says 99.7 % and is right in 80 %
        truth = "".join(random.choice(list("ab"), 20))
        said = "".join(c if random.random() < 0.8 else "ab"[c == "a"] for c in truth)
        lines.append(sure(said, spec, of=0.997))
        texts.append(truth)
    fitted = calibrate.calibrated(lines, texts, spec)
    assert fitted.temperature > 1.5
    sharp = calibrate.sharpened(lines[0], fitted.temperature)
    letters = TASK.postprocess({"probabilities": sharp}, (400, 40), fitted).letters
    assert np.mean([letter.confidence for letter in letters]) == pytest.approx(0.8, abs=0.07)


def test_one_character_is_explained() -> None:
    spec = spec_for(["abc"])
    outputs = {"probabilities": sure("abc", spec)}
    prediction = TASK.postprocess(outputs, (400, 40), spec)
    assert TASK.item(prediction, spec, "c", None) == 2 and TASK.item(prediction, spec, None, 2) == 1
    assert TASK.item_text(prediction, 1, spec)[0].startswith("b ")
    batch = {"probabilities": np.stack([outputs["probabilities"], np.full_like(outputs["probabilities"], 0.25)])}
    assert TASK.evidence(batch, outputs, 1, spec) == pytest.approx([0.97, 0.25])
    for wrong in ({"label": "z", "item": None}, {"label": None, "item": 4}, {"label": None, "item": 0}):
        with pytest.raises(SightlineError):
            TASK.item(prediction, spec, **wrong)  # type: ignore[arg-type]
    nothing = dataclasses.replace(prediction, letters=())
    with pytest.raises(SightlineError, match="nothing was read"):
        TASK.item(nothing, spec, None, None)


def test_spaces_are_folded_as_in_transcripts() -> None:
    spec = spec_for(["ab c"])
    found = TASK.postprocess({"probabilities": sure(" ab   c ", spec)}, (400, 40), spec)
    assert found.text == "ab c" and [letter.text for letter in found.letters] == list("ab c")
    assert TASK.postprocess({"probabilities": sure("  ", spec)}, (400, 40), spec).text == ""
