"""What may be wrong with transcripts: empty ones, rare characters, lines too short for their text, odd shapes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.core.task import Finding, Size, Tally
from sightline.core.visible import visible
from sightline.data.dataset import Dataset
from sightline.tasks.read.inputs import MARGIN, MOST_WIDTH, scaled_width, usual_height
from sightline.tasks.read.text import normalise

TOO_FEW, FEW = 10, 200
"""Lines: below the first, training refuses; below the second, it warns."""
RARE = 5
COLUMN = 4
"""Pixels of the input that a network's step covers; CTC needs a step a character, and one between equal ones."""
SHOWN = 40
"""Characters that the table of a check shows."""


def findings(dataset: Dataset, splits: NDArray[np.str_]) -> list[Finding]:
    """Over the transcripts as a whole."""
    texts = [normalise(str(text), "NFC") for text in dataset.targets]
    written = [bool(text) for text in texts]
    found: list[Finding] = []
    if sum(written) < TOO_FEW:
        text = f"only {sum(written)} lines with a transcript: reading needs at least {TOO_FEW} to be learned"
        return [Finding("too_few", "error", text, count=sum(written))]
    if sum(written) < FEW:
        text = f"only {sum(written)} lines: expect many errors; a few hundred lines make a reader, thousands a good one"
        found.append(Finding("too_few", "warning", text, count=sum(written)))
    empty = np.flatnonzero(~np.array(written))
    if len(empty):
        found.append(_about(dataset, "empty_text", "warning", "lines with an empty transcript: {count}", empty))
    train = Counter("".join(text for text, split in zip(texts, splits, strict=True) if split == "train"))
    others = Counter("".join(text for text, split in zip(texts, splits, strict=True) if split != "train"))
    rare = sorted((c for c in train if train[c] < RARE), key=lambda c: (train[c], c))
    if rare:
        items = tuple(f"{visible(c)} ({train[c]})" for c in rare)
        named = " ".join(map(visible, rare))
        text = f"characters seen fewer than {RARE} times in train, which are hardly learned: {named}"
        found.append(Finding("rare_character", "note", text, items, len(items)))
    unseen = sorted(set(others) - set(train))
    if unseen:
        items = tuple(f"{visible(c)} ({others[c]})" for c in unseen)
        text = f"characters that only val or test hold, which will be read wrongly: {' '.join(map(visible, unseen))}"
        found.append(Finding("unseen_character", "warning", text, items, len(items)))
    return found


def of_lines(dataset: Dataset, texts: Sequence[str], sizes: NDArray[np.int32]) -> list[Finding]:
    """What only the images' sizes tell: lines too short for their text, or too long to be read, lines that are none."""
    height = _height_of(texts, sizes)
    short = [
        place
        for place, (text, size) in enumerate(zip(texts, sizes.tolist(), strict=True))
        if size[1] and steps_of((size[0], size[1]), height) < steps_needed(text)
    ]
    found: list[Finding] = []
    if short:
        text = (
            "lines too short for their transcript, which cannot be learned (is it the text of another line?): {count}"
        )
        found.append(_about(dataset, "too_short", "warning", text, np.array(short)))
    long = np.flatnonzero(sizes[:, 0].astype(np.int64) * height > sizes[:, 1].astype(np.int64) * MOST_WIDTH)
    if len(long):
        text = f"images more than {MOST_WIDTH // height} times as long as high, which train leaves out: {{count}}"
        found.append(_about(dataset, "too_long", "warning", text, long))
    upright = np.flatnonzero((sizes[:, 1] > 2 * sizes[:, 0]) & (np.array([len(t) for t in texts]) > 3))
    if len(upright):
        text = "images far higher than wide, which may hold several lines: {count}"
        found.append(_about(dataset, "odd_height", "warning", text, upright))
    return found


def _height_of(texts: Sequence[str], sizes: NDArray[np.int32]) -> int:
    """The height that `train` gives its input by default; images that cannot be read have a size of 0."""
    read = sizes[sizes[:, 1] > 0]
    width, height = np.median(read, axis=0).tolist() if len(read) else (0, 0)
    return usual_height((round(width), round(height)), texts)


def steps_of(size: Size, height: int) -> int:
    """The columns that a network makes of a line of this size."""
    return (scaled_width(size, height) + 2 * MARGIN) // COLUMN


def steps_needed(text: str) -> int:
    """One a character, and one more between two equal ones (Graves et al. 2006)."""
    return len(text) + sum(a == b for a, b in itertools.pairwise(text))


def tally(texts: Sequence[str], splits: NDArray[np.str_]) -> Tally:
    """The most frequent characters, and how often each split holds them."""
    counts: dict[str, Counter[str]] = {}
    for text, split in zip(texts, splits.tolist(), strict=True):
        for character, number in Counter(text).items():
            counts.setdefault(character, Counter())[split] += number
    often = sorted(counts, key=lambda c: (-counts[c].total(), c))[:SHOWN]
    return {visible(character): dict(counts[character]) for character in often}


def _about(dataset: Dataset, code: str, level: str, text: str, places: NDArray[np.int64]) -> Finding:
    items = tuple(dataset.images.name(int(i)) for i in places)
    rows = tuple({"images": [int(i)], "labels": [str(dataset.targets[i])]} for i in places)
    return Finding(code, level, text.format(count=f"{len(places):,}"), items, len(places), rows)
