"""Read: the text of a line. The numpy half: all that predicting and judging need."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.predictions import Letter, Prediction, TextPrediction
from sightline.core.spec import Spec
from sightline.core.task import Arrays, Comparison, Finding, Learner, Runner, Scores, Size, Tally
from sightline.data import bidi
from sightline.data.bidi import visual, visual_order
from sightline.data.dataset import Dataset, Probe
from sightline.data.find import Found, find_lines
from sightline.data.image import Pixels
from sightline.tasks.read import calibrate, check, inputs, language, lexicon, scores
from sightline.tasks.read.decode import LEXICON, MODEL, decode
from sightline.tasks.read.options import ReadOptions
from sightline.tasks.read.text import charset, normalise


class Read:
    """The characters of a line image, in logical order. `spec.classes` is the charset; output 0 is CTC's blank."""

    name = "read"
    target = "text"
    metric = "char_accuracy"
    told = "cer"
    columns = ("text", "confidence")
    content = "line"
    augment = "light"
    survives = frozenset({"exposure", "scale"})
    one_label = False
    Options = ReadOptions

    def spec(self, dataset: Dataset, probe: Probe, network: str, options: Mapping[str, Any]) -> Spec:
        """A grey line of 48 px (40 where letters are wide, or `imgsz`), scaled to the usual spread of the ink; the
        charset comes later."""
        form = str(options.get("normalize", "NFC"))
        texts = (normalise(str(text), form) for text in dataset.targets)
        height = int(options.get("imgsz") or inputs.usual_height((probe.width, probe.height), texts))
        spread = inputs.usual_spread(probe.some, height)
        extra: dict[str, Any] = {"normalize": form, "seen": {}, "search": None, "certainty": 1.0, "spread": spread}
        given = inputs.line_input(height)
        return Spec(self.name, network, tuple(dataset.classes), given, (127.5,), (64.0,), dict(options), extra=extra)

    def used_to(self, spec: Spec, before: Spec) -> Spec:
        """The height of another reader's lines, unless `imgsz` sets one, and the spread of their ink, where they are
        as high: its weights know letters of that size."""
        if "imgsz" in spec.options and spec.inputs != before.inputs:
            return spec
        extra = {**spec.extra, "spread": before.extra.get("spread", 0.0)}
        return dataclasses.replace(spec, inputs=before.inputs, extra=extra)

    def from_train(self, dataset: Dataset, spec: Spec) -> Spec:
        """The charset of the transcripts and how often each character occurs; language model and lexicon as assets.

        Raises SightlineError where all transcripts are empty, and for a lexicon or a text that cannot be used.
        """
        form = spec.extra["normalize"]
        texts = [visual(normalise(str(text), form)) for text in dataset.targets]
        # The characters that a network brings along from elsewhere keep their places; new ones follow.
        known = spec.classes
        classes = known + tuple(c for c in charset(texts) if c not in known)
        assets = dict(spec.assets)
        wanted, words = str(spec.options.get("lm", "auto")), spec.options.get("lexicon")
        if wanted != "none":
            more = [] if wanted == "auto" else language.read_lines(wanted, form)
            assets[MODEL] = language.learn([*texts, *more]).to_bytes()
        if words:
            assets[LEXICON] = "\n".join(lexicon.read_words(str(words), form, classes)).encode()
        extra = {**spec.extra, "seen": dict(Counter("".join(texts))), "bidi": bidi.table(classes)}
        return dataclasses.replace(spec, classes=classes, extra=extra, assets=assets)

    def check_dataset(self, dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
        """Too few lines, empty transcripts, rare characters, characters that train lacks, lines too short for their
        text, images that are no lines."""
        texts = [normalise(str(text), "NFC") for text in dataset.targets]
        return check.findings(dataset, splits) + check.of_lines(dataset, texts, sizes)

    def tally(self, dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
        """The most frequent characters."""
        return check.tally([normalise(str(text), "NFC") for text in dataset.targets], splits)

    def strata(self, dataset: Dataset) -> NDArray[np.int64]:
        """(n,) zeros: lines are all of one kind."""
        return np.zeros(len(dataset), np.int64)

    def kinds(self, dataset: Dataset) -> NDArray[np.int64]:
        """The strata."""
        return self.strata(dataset)

    def preprocess(self, image: Pixels, spec: Spec) -> Arrays:
        """{"image": uint8 (height, width, 1)}: dark ink on light paper, see `inputs.preprocess`."""
        return inputs.preprocess(image, spec)

    def encode(self, target: Any, size: Size, spec: Spec) -> Arrays:
        """{"text": int64 (characters + 1,)}: class numbers from left to right, and a blank that ends it.

        Raises SightlineError for a character that the spec does not have.
        """
        text = visual(normalise(str(target), spec.extra["normalize"]))
        places = {character: index for index, character in enumerate(spec.classes, 1)}
        unknown = sorted(set(text) - set(places))
        if unknown:
            raise SightlineError(f"the character {unknown[0]!r} is not among the model's characters")
        return {"text": np.array([*(places[character] for character in text), 0], np.int64)}

    def infer(self, runner: Runner, inputs: Arrays, spec: Spec) -> Arrays:
        """One call of the graph."""
        return runner(inputs)

    def postprocess(self, outputs: Arrays, size: Size, spec: Spec) -> TextPrediction:
        """From {"probabilities": float32 (steps, 1 + characters)}."""
        probabilities = np.asarray(outputs["probabilities"], np.float32)
        if probabilities.ndim != 2 or probabilities.shape[1] != 1 + len(spec.classes):
            raise SightlineError(
                f"the graph gives {probabilities.shape}, and the spec has {len(spec.classes)} characters"
            )
        if not np.isfinite(probabilities).all():
            raise SightlineError("the network's probabilities are not finite numbers", fix="train with a smaller --lr")
        width = len(probabilities) * check.COLUMN
        found = decode(probabilities, spec)
        letters = [
            Letter(
                spec.classes[one.index - 1],
                one.confidence,
                inputs.place_in_image(one.begin * check.COLUMN, size, width),
                inputs.place_in_image(one.end * check.COLUMN, size, width),
            )
            for one in found
        ]
        # The order of Unicode's algorithm is its own inverse: from the page's order to the one in which it is typed.
        seen = "".join(letter.text for letter in letters)
        typed = [
            dataclasses.replace(letters[i], text=c) for (i, _), c in zip(visual_order(seen), visual(seen), strict=True)
        ]
        return TextPrediction(tuple(typed), float(spec.extra.get("certainty", 1.0)))

    def compare(self, prediction: Prediction, target: Any, spec: Spec) -> Comparison:
        """The edits between both; ranked by edits, then by share of the line; right ones by how unsure they are."""
        assert isinstance(prediction, TextPrediction)
        counts = scores.compared(prediction.text, normalise(str(target), spec.extra["normalize"]))
        edits = counts["insert"] + counts["delete"] + counts["replace"]
        unsure = (1 - prediction.confidence) / 2 if edits == 0 else 0.0
        return Comparison(edits + edits / (1 + counts["characters"]) + unsure, counts)

    def summarize(self, comparisons: Sequence[Comparison], spec: Spec) -> Scores:
        """cer, wer, exact, cer_folded, the kinds of edits; a row a character; confused characters, error by length."""
        return scores.summarize([c.counts for c in comparisons], spec.extra.get("seen", {}))

    def intervals(self, comparisons: Sequence[Comparison], spec: Spec) -> dict[str, list[float]]:
        """Of every metric, where there are two lines or more."""
        return scores.intervals([c.counts for c in comparisons])

    def names(self, target: Any, spec: Spec) -> frozenset[str]:
        """The characters of the text."""
        return frozenset(visual(normalise(str(target), spec.extra["normalize"])))

    def truth_text(self, target: Any) -> str:
        """The transcript."""
        return str(target)

    def calibrate(
        self, outputs: Sequence[Arrays], targets: Sequence[Any], spec: Spec, sizes: NDArray[np.int32] | None = None
    ) -> Spec:
        """The temperature, how sure a line is, and whether the language model is asked: fitted on val."""
        texts = [normalise(str(target), spec.extra["normalize"]) for target in targets]
        return calibrate.calibrated([one["probabilities"] for one in outputs], texts, spec)

    def item(self, prediction: Prediction, spec: Spec, label: str | None, item: int | None) -> int:
        """The place of the character in the text, from 0; `label`: the first one that reads so."""
        assert isinstance(prediction, TextPrediction)
        text = [letter.text for letter in prediction.letters]
        if not text:
            raise SightlineError("nothing was read in this image, so there is no character to explain")
        if label is not None:
            if label not in text:
                raise SightlineError(f"there is no {label!r} in {prediction.text!r}", fix="name one of its characters")
            return text.index(label)
        place = 1 if item is None else item
        if not 1 <= place <= len(text):
            raise SightlineError(
                f"--item {place} is out of range: the text has {len(text)} characters", fix=f"give 1 to {len(text)}"
            )
        return place - 1

    def item_text(self, prediction: Prediction, item: int, spec: Spec) -> tuple[str, float | None]:
        """The character, where it stands, and its confidence."""
        assert isinstance(prediction, TextPrediction)
        letter = prediction.letters[item]
        return f"{letter.text} (character {item + 1} of {prediction.text})", letter.confidence

    def evidence(self, outputs: Arrays, reference: Arrays, item: int, spec: Spec) -> NDArray[np.float64]:
        """The largest probability of the character within its own steps."""
        one = letter_at(reference, item, spec)
        return outputs["probabilities"][:, one.begin : one.end, one.index].max(axis=1).astype(np.float64)

    def to_image(self, values: NDArray[np.float32], image: Pixels, size: Size, spec: Spec) -> NDArray[np.float32]:
        """The margins are cut off, and the line is scaled back."""
        return inputs.to_image(values, image, size, spec)

    def find(self, page: Pixels) -> list[Found]:
        """The lines of a page, in reading order: for `predict --page`."""
        return find_lines(page)

    def learner(self) -> Learner:
        """Imports torch."""
        from sightline.tasks.read.learner import ReadLearner

        return ReadLearner()


def letter_at(reference: Arrays, item: int, spec: Spec) -> Any:
    """The `item`-th character of the text as the decoder found it: its class and its steps."""
    found = decode(np.asarray(reference["probabilities"], np.float32), spec)
    seen = "".join(spec.classes[one.index - 1] for one in found)
    return found[visual_order(seen)[item][0]]
