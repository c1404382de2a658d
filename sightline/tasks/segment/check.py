"""What may be wrong with masks: unreadable, of another size, of no class, empty; classes too rare to be learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.core.task import Finding, Tally
from sightline.data.dataset import Dataset
from sightline.data.masks import Held, Unreadable
from sightline.tasks.segment.targets import classes_of, table_of

TOO_FEW, FEW = 8, 200
RARE = 5
"""A class that fewer train images hold is hardly learned."""
OFF, SPREADS = 0.4, 4.0
"""A mask is suspected from this error on, if it also lies so many spreads beyond the usual one."""
SHAPE = 0.02
"""A mask whose shape differs from its image's by more than this share belongs to another image."""


def findings(dataset: Dataset, splits: NDArray[np.str_], sizes: NDArray[np.int32]) -> list[Finding]:
    """All that the masks say; sizes: (n, 2) width and height of the images."""
    if len(dataset) < TOO_FEW:
        text = f"only {len(dataset)} images: segmenting needs at least {TOO_FEW} to be learned"
        return [Finding("too_few", "error", text, count=len(dataset))]
    held, lost, wrong = _read(dataset)
    found: list[Finding] = []
    if len(dataset) < FEW:
        text = f"only {len(dataset)} images: expect rough regions; a few hundred make a segmenter"
        found.append(Finding("too_few", "warning", text, count=len(dataset)))
    if lost:
        text = f"masks that cannot be read, whose images teach nothing: {len(lost):,}"
        found.append(_about(dataset, "unreadable_mask", "warning", text, list(lost), list(lost.values())))
    if wrong:
        text = f"masks with values that mean nothing: {len(wrong):,}; the first: {next(iter(wrong.values()))}"
        found.append(_about(dataset, "bad_mask", "error", text, list(wrong), list(wrong.values())))
    return found + _of_sizes(dataset, held, sizes) + _of_classes(dataset, splits, held)


def _read(dataset: Dataset) -> tuple[dict[int, Held], dict[int, str], dict[int, str]]:
    """By place: what the masks hold; why some cannot be read; what is wrong with the values of others."""
    held: dict[int, Held] = {}
    lost: dict[int, str] = {}
    wrong: dict[int, str] = {}
    for place, target in enumerate(dataset.targets):
        try:
            held[place] = target.held
        except Unreadable as error:
            lost[place] = error.what
        except SightlineError as error:
            wrong[place] = f"{error.what} ({error.where})"
    return held, lost, wrong


def _of_sizes(dataset: Dataset, held: dict[int, Held], sizes: NDArray[np.int32]) -> list[Finding]:
    other: list[int] = []
    foreign: list[int] = []
    for place, one in held.items():
        width, height = sizes[place].tolist()
        if width and one.size != (width, height):
            ratio = one.size[0] * height / (one.size[1] * width)
            (other if abs(ratio - 1) <= SHAPE else foreign).append(place)
    found: list[Finding] = []
    for code, level, places, text in (
        ("mask_size", "warning", other, "masks of another size than their image, which are stretched"),
        ("mask_shape", "error", foreign, "masks of another shape than their image: do they belong together?"),
    ):
        if places:
            said = [f"{'x'.join(map(str, held[i].size))} for {'x'.join(map(str, sizes[i]))} px" for i in places]
            found.append(_about(dataset, code, level, f"{text} {len(places):,}", places, said))
    return found


def _of_classes(dataset: Dataset, splits: NDArray[np.str_], held: dict[int, Held]) -> list[Finding]:
    classes = classes_of(dataset)
    table = table_of(dataset.targets, classes)
    here = table[:, :-1] > 0
    found: list[Finding] = []
    if held and here.any(axis=0).sum() < 2:
        return [Finding("one_class", "error", "all masks hold one class alone: there is nothing to tell apart")]
    empty = [place for place in held if not here[place].any()]
    if empty:
        text = f"masks of which every pixel is ignored: {len(empty):,}"
        found.append(_about(dataset, "empty_mask", "warning", text, empty, [""] * len(empty)))
    train, others = here[splits == "train"].sum(axis=0), here[splits != "train"].sum(axis=0)
    groups = (
        ("unseen_class", "warning", (train == 0) & (others > 0), "classes that only val or test hold: never found"),
        ("empty_class", "note", (train == 0) & (others == 0), "classes that no mask holds"),
        ("rare_class", "note", (train > 0) & (train < RARE), f"classes in fewer than {RARE} train images"),
    )
    for code, level, which, text in groups:
        names = [f"{classes[i]} ({train[i] + others[i]})" for i in np.flatnonzero(which)]
        if names:
            found.append(Finding(code, level, f"{text}: {', '.join(names[:8])}", tuple(names), len(names)))
    share = table[:, -1].sum() / max(1, table.sum())
    if share > 0:
        text = f"pixels that count for nothing (255, what the table calls ignored, the value behind it): {share:.1%}"
        found.append(Finding("ignored", "note", text))
    return found


def tally(dataset: Dataset, splits: NDArray[np.str_]) -> Tally:
    """How many images of each split hold each class."""
    classes = classes_of(dataset)
    here = table_of(dataset.targets, classes)[:, :-1] > 0
    counts: Tally = {}
    for place, name in enumerate(classes):
        parts, numbers = np.unique(splits[here[:, place]], return_counts=True)
        if len(parts):
            counts[name] = dict(zip(parts.tolist(), numbers.tolist(), strict=True))
    return counts


def suspects(errors: Sequence[float], confusions: Sequence[NDArray[np.int64]], spec: Spec) -> list[tuple[int, str]]:
    """Places of masks that lie far off what networks that have not seen them say, and far further than usual.

    The text names the largest region that they call otherwise. A mask that is a little off is no error.
    """
    middle = float(np.median(errors))
    spread = 1.4826 * float(np.median(np.abs(np.array(errors) - middle)))
    found: list[tuple[int, str]] = []
    order: list[int] = np.argsort(-np.array(errors), kind="stable").tolist()
    for place in order:
        if errors[place] <= max(OFF, middle + SPREADS * spread):
            break
        wrong = confusions[place].copy()
        np.fill_diagonal(wrong, 0)
        truth, answer = divmod(int(wrong.argmax()), wrong.shape[1])
        given = (*spec.classes, "no class of the model")[truth]
        share = 100 * int(wrong.max()) / max(1, int(confusions[place].sum()))
        found.append((place, f"{spec.classes[answer]} in place of {given} in {share:.0f} % of the image"))
    return found


def _about(dataset: Dataset, code: str, level: str, text: str, places: Sequence[int], said: Sequence[str]) -> Finding:
    names = [dataset.images.name(i) for i in places]
    items = tuple(f"{name}: {why}" if why else name for name, why in zip(names, said, strict=True))
    rows = tuple({"images": [int(i)]} for i in places)
    return Finding(code, level, text, items, len(items), rows)
