"""Finding the lines of a page without any training: ink is smeared along the lines, and what hangs together is one.

The steps: ink by a local threshold, the page's skew by the sharpness of its row profile, the usual height of letters,
smearing along the rows (Wong, Casey and Wahl 1982), connected components, and a straight baseline through each.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sightline.data.image import Pixels, to_channels
from sightline.data.lines import Points, cut

WORKING_WIDTH = 1400
"""Pages are looked at in this width: enough to see letters."""
DARKER = 0.82
"""Ink is darker than this share of the paper around it."""
MOST_SKEW, SKEW_STEP = 5.0, 0.25
FEWEST = 3
"""Letters that tell how high letters are."""
FEWEST_LETTERS = 1.2
"""A line is at least so many letter heights long."""


@dataclass(frozen=True)
class Found:
    """A line on a page: its baseline, the polygon around it in the page's own pixels, and the height of its letters."""

    polygon: Points
    baseline: Points
    height: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """left, top, right, bottom."""
        low, high = np.floor(self.polygon.min(axis=0)), np.ceil(self.polygon.max(axis=0))
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def cut_from(self, page: Pixels) -> Pixels:
        """The pixels of the line, its baseline made level."""
        return cut(page, self.polygon, self.baseline)


def find_lines(page: Pixels) -> list[Found]:
    """The lines of a page in reading order: columns from left to right, each from top to bottom."""
    grey = to_channels(page, 1)[..., 0]
    scale = min(1.0, WORKING_WIDTH / grey.shape[1])
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR))
    ink = ink_of(small)
    angle = skew_of(ink)
    level = _turned(ink, angle)
    height = letter_height(level)
    if height is None:
        return []
    lines = [line for line in _bodies(level, height) if line.right - line.left >= FEWEST_LETTERS * height]
    lines = [_narrowed(line, level, height) for line in lines]
    page_size = grey.shape[1], grey.shape[0]
    return [_placed(line, height, level.shape, angle, scale, page_size) for line in in_reading_order(lines, height)]


def ink_of(grey: Pixels) -> NDArray[np.bool_]:
    """(height, width) what is darker than the paper around it; the paper is the light part of each neighbourhood."""
    image = Image.fromarray(grey)
    light = image.filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.BoxBlur(25))
    return np.asarray(grey, np.float32) < DARKER * np.asarray(light, np.float32)


def skew_of(ink: NDArray[np.bool_]) -> float:
    """The angle, in degrees, by which the page must be turned so that the sums of its rows differ most."""
    image = Image.fromarray(ink.astype(np.uint8) * 255)
    image = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.BOX)

    def sharpness(angle: float) -> float:
        rows = np.asarray(image.rotate(angle, Image.Resampling.NEAREST, fillcolor=0), np.float64).sum(axis=1)
        return float((np.diff(rows) ** 2).sum())

    angles: list[float] = np.arange(-MOST_SKEW, MOST_SKEW + SKEW_STEP / 2, SKEW_STEP).tolist()
    best = max(angles, key=sharpness)
    return best if sharpness(best) > 1.02 * sharpness(0.0) else 0.0


def _turned(ink: NDArray[np.bool_], angle: float) -> NDArray[np.bool_]:
    if not angle:
        return ink
    image = Image.fromarray(ink.astype(np.uint8) * 255).rotate(angle, Image.Resampling.BILINEAR, fillcolor=0)
    return np.asarray(image) > 127


def letter_height(ink: NDArray[np.bool_]) -> float | None:
    """The usual height of connected ink, specks and frames aside; None where there is none."""
    _, boxes = components(ink)
    heights, widths = boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]
    letters = np.zeros(len(boxes), bool)
    for share in (0.125, 0.9):  # a cutting with a line or two is all letters
        letters = (heights >= 4) & (heights < share * ink.shape[0]) & (widths < ink.shape[1] / 4)
        if letters.sum() >= FEWEST:
            break
    else:
        return None
    # Each counts as much as its area: paper and blots give thousands of specks.
    order = np.argsort(heights[letters], kind="stable")
    area = np.cumsum((heights * widths)[letters][order])
    return float(max(6, heights[letters][order][np.searchsorted(area, 0.4 * area[-1])]))


@dataclass(frozen=True)
class _Body:
    """A smeared line: its extent, and the middle of its ink as y = slope * x + level."""

    left: float
    top: float
    right: float
    bottom: float
    slope: float
    level: float

    @property
    def middle(self) -> float:
        return self.slope * (self.left + self.right) / 2 + self.level


def _bodies(ink: NDArray[np.bool_], height: float) -> list[_Body]:
    """Ink smeared along the rows and hardly across: what is darker than its surroundings and hangs together."""
    image = Image.fromarray(ink.astype(np.uint8) * 255)
    radius = (max(1, round(2.5 * height)), max(1, round(0.25 * height)))
    smeared = np.asarray(image.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius)), np.float32)
    # Where lines touch, the thin place between them is darker than paper and lighter than both of them.
    around = Image.fromarray(smeared.astype(np.uint8)).filter(ImageFilter.BoxBlur((radius[0], round(1.2 * height))))
    body = (smeared > 12) & (smeared > np.asarray(around, np.float32))
    labels, boxes = components(body)
    found: list[_Body] = []
    for number, (left, top, right, bottom) in enumerate(boxes.tolist(), 1):
        if bottom - top < 0.3 * height:
            continue
        inside = labels[top:bottom, left:right] == number
        weight = np.where(inside, smeared[top:bottom, left:right], 0).astype(np.float64)
        columns = weight.sum(axis=0)
        used = columns > 0
        x = np.flatnonzero(used).astype(np.float64)
        y: NDArray[np.float64] = (np.arange(bottom - top, dtype=np.float64) @ weight)[used] / columns[used]
        slope = float(np.polyfit(x, y, 1)[0]) if right - left > 6 * height else 0.0
        slope = float(np.clip(slope, -0.1, 0.1))
        found.append(_Body(left, top, right, bottom, slope, top + float((y - slope * x).mean()) - slope * left))
    return _joined(found, height)


def _joined(bodies: list[_Body], height: float) -> list[_Body]:
    """Neighbours on one level with little room between them are one line."""
    found: list[_Body] = []
    for body in sorted(bodies, key=lambda one: one.left):
        for place, other in enumerate(found):
            gap = body.left - other.right
            same = abs(body.slope * body.left + body.level - (other.slope * other.right + other.level)) < 0.5 * height
            if same and -height < gap < 3 * height:
                wider = other if other.right - other.left > body.right - body.left else body
                found[place] = _Body(
                    min(other.left, body.left), min(other.top, body.top), max(other.right, body.right),
                    max(other.bottom, body.bottom), wider.slope, wider.level,
                )  # fmt: skip
                break
        else:
            found.append(body)
    return found


def _narrowed(body: _Body, ink: NDArray[np.bool_], height: float) -> _Body:
    """From the smeared body, which reaches beyond its ink, to the ink and half a letter around it."""
    rows = ink[max(0, round(body.top)) : round(body.bottom), round(body.left) : round(body.right)]
    # Two pixels of a column are ink; one may be a speck.
    used = np.flatnonzero(rows.sum(axis=0) >= 2)
    if not len(used):
        return body
    left, right = body.left + float(used[0]) - height / 2, body.left + float(used[-1]) + 1 + height / 2
    return dataclasses.replace(body, left=max(body.left, left), right=min(body.right, right))


def in_reading_order(lines: list[_Body], height: float) -> list[_Body]:
    """Lines that overlap sideways are of one column; columns from left to right."""
    columns: list[list[_Body]] = []
    for line in sorted(lines, key=lambda one: one.left - one.right):  # the longest first: they make the columns
        for column in columns:
            left, right = min(one.left for one in column), max(one.right for one in column)
            if min(line.right, right) - max(line.left, left) > 0.5 * (line.right - line.left):
                column.append(line)
                break
        else:
            columns.append([line])
    columns.sort(key=lambda column: min(one.left for one in column))
    return [line for column in columns for line in sorted(column, key=lambda one: one.middle)]


def _placed(
    body: _Body, height: float, shape: tuple[int, ...], angle: float, scale: float, page: tuple[int, int]
) -> Found:
    """From the turned, small page to the page itself; page: its width and height."""
    left, right = body.left, body.right
    middle = np.array([[x, body.slope * x + body.level] for x in (left, right)])
    up, down = np.array([0, 1.25 * height]), np.array([0, 1.1 * height])
    polygon = np.concatenate([middle - up, np.flip(middle + down, axis=0)])
    centre = np.array([shape[1], shape[0]]) / 2
    turn = np.deg2rad(angle)
    # Pillow turns counter-clockwise, y down: the way back.
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    def back(points: Points) -> Points:
        return ((points - centre) @ matrix.T + centre) / scale

    polygon = np.clip(back(polygon), 0, page)
    return Found(polygon, back(middle + np.array([0, 0.5 * height])), height / scale)


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Connected parts of a mask (8 neighbours): numbers from 1, (height, width), and boxes (n, 4) left, top, right,
    bottom, the last two exclusive."""
    height, width = mask.shape
    edges: NDArray[np.int8] = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starting = np.nonzero(edges == 1)
    rows, begins = np.asarray(starting[0], np.int64), np.asarray(starting[1], np.int64)
    ends = np.asarray(np.nonzero(edges == -1)[1], np.int64)
    parent = list(range(len(rows)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    starts = cast("list[int]", np.searchsorted(rows, np.arange(height + 1, dtype=np.int64)).tolist())
    begin_list, end_list = cast("list[int]", begins.tolist()), cast("list[int]", ends.tolist())
    for row in range(1, height):
        above, last = starts[row - 1], starts[row]
        for run in range(starts[row], starts[row + 1]):
            while above < last and end_list[above] < begin_list[run]:
                above += 1
            other = above
            while other < last and begin_list[other] <= end_list[run]:
                first, second = root(other), root(run)
                parent[max(first, second)] = min(first, second)
                other += 1
    roots = np.array([root(place) for place in range(len(parent))], np.int64)
    numbers = np.unique(roots, return_inverse=True)[1] if len(roots) else roots
    count = int(numbers.max()) + 1 if len(numbers) else 0
    boxes = np.stack(
        [np.full(count, width), np.full(count, height), np.zeros(count, np.int64), np.zeros(count, np.int64)], axis=1
    ).astype(np.int64)
    np.minimum.at(boxes[:, 0], numbers, begins)
    np.minimum.at(boxes[:, 1], numbers, rows)
    np.maximum.at(boxes[:, 2], numbers, ends)
    np.maximum.at(boxes[:, 3], numbers, rows + 1)
    labels = np.zeros((height, width + 1), np.int32)
    np.add.at(labels, (rows, begins), numbers + 1)
    np.add.at(labels, (rows, ends), -(numbers + 1))
    return np.cumsum(labels, axis=1, dtype=np.int32)[:, :width], boxes
