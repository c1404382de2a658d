"""Heat maps for the report: what a few wrong and a few right answers rest on."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sightline.core.errors import SightlineError
from sightline.data.image import MAX_PIXELS
from sightline.explain import blend
from sightline.explain.explainer import Explainer
from sightline.report.facts import Shown
from sightline.report.pictures import LARGEST_SIDE, picture
from sightline.run.bundle import Bundle
from sightline.verbs.common import say, task_named
from sightline.verbs.evaluate import answer_row
from sightline.verbs.explain import explainer_for, look
from sightline.verbs.reporting import Gallery

METHOD = "occlusion"
"""Needs no torch and no weights."""
MOST = 3
"""Maps of wrong answers, and of right ones."""
TRIED = 12
"""Images that are asked in search of right answers."""
LIMIT = 2.0
"""Seconds after which no further map is begun."""


def heat_maps(
    bundle: Bundle, gallery: Gallery, worst: Sequence[Mapping[str, Any]], limit: float = LIMIT,
    max_pixels: int = MAX_PIXELS,
) -> tuple[Shown, ...]:  # fmt: skip
    """Images with their maps, about as many wrong answers as right ones.

    gallery: over the judged images; worst: rows of the worst answers of this bundle about them, the worst first.
    limit: seconds; of large images there are fewer maps. A map that cannot be made is left out, whatever the reason:
    the report is worth more than its maps.
    """
    begun = time.monotonic()
    found: list[Shown] = []
    try:
        explainer = explainer_for(bundle)
        for shown, place in _chosen(explainer, gallery, worst, max_pixels):
            lasted = time.monotonic() - begun
            if found and lasted + lasted / len(found) > limit:
                break
            try:
                pixels, size = look(explainer, gallery.dataset.images.load(place), max_pixels)
                mapped = blend(pixels, explainer.sketch(pixels, size), LARGEST_SIDE, LARGEST_SIDE)
            except SightlineError:
                continue
            found.append(dataclasses.replace(shown, overlay=picture(mapped)))
    except Exception as error:  # an extra: even a mistake of ours here must not cost the report
        say(f"! not all heat maps of the report could be made ({type(error).__name__}: {error})")
    return tuple(found)


def worst_shown(
    bundle: Bundle, gallery: Gallery, worst: Sequence[Mapping[str, Any]], limit: float = 2 * LIMIT,
    max_pixels: int = MAX_PIXELS,
) -> tuple[Shown, ...]:  # fmt: skip
    """Pictures of the worst answers; where the task paints what it learns on images, with truth and answer on them.

    limit: seconds after which no further one is asked about.
    """
    paint = getattr(task_named(bundle.spec.task), "paint", None)
    if paint is None:
        return gallery.answers(worst)
    explainer, begun = explainer_for(bundle), time.monotonic()
    found: list[Shown] = []
    for row in worst:
        place = gallery.place(str(row["image"]))
        if place is None or (found and time.monotonic() - begun > limit):
            continue
        try:
            pixels, size = look(explainer, gallery.dataset.images.load(place), max_pixels)
            answer = explainer.answer(pixels, size)[2]
            truth = paint(pixels, gallery.dataset.targets[place], bundle.spec)
            shown = gallery.answers([row])[0]
            over = picture(paint(pixels, answer, bundle.spec))
        except (SightlineError, IndexError):
            continue
        found.append(dataclasses.replace(shown, picture=picture(truth), overlay=over, painted=True))
    return tuple(found)


def legend_of(bundle: Bundle) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    """The names of what is painted, with their colours; empty where the task paints nothing."""
    colours = getattr(task_named(bundle.spec.task), "colours", None)
    return colours(bundle.spec) if colours else ()


def _chosen(
    explainer: Explainer, gallery: Gallery, worst: Sequence[Mapping[str, Any]], max_pixels: int
) -> Iterator[tuple[Shown, int]]:
    """Wrong and right answers in turn, each with its place, so that even two maps are one of each.

    An answer that names nothing (of several labels, none) rests on nothing that could be shown.
    """
    wrong = (one for row in worst for one in gallery.answers([row]) if one.label and not one.right)
    right = _right(explainer, gallery, max_pixels)
    for pair in itertools.zip_longest(itertools.islice(wrong, MOST), itertools.islice(right, MOST)):
        for shown in pair:
            place = None if shown is None else gallery.place(shown.name)
            if shown is not None and place is not None:
                yield shown, place


def _right(explainer: Explainer, gallery: Gallery, max_pixels: int) -> Iterator[Shown]:
    """Right answers from all over the data, each of another label."""
    count, seen = len(gallery.dataset), set[str]()
    for place in dict.fromkeys((2 * n + 1) * count // (2 * TRIED) for n in range(TRIED)):
        try:
            pixels, size = look(explainer, gallery.dataset.images.load(place), max_pixels)
        except SightlineError:
            continue
        row = answer_row(explainer.task, gallery.dataset, place, explainer.answer(pixels, size)[2])
        for shown in gallery.answers([row]):
            if shown.right and shown.label and shown.label not in seen:
                seen.add(shown.label)
                yield shown
