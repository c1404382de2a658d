"""Facts: all that a page says, as plain data. Whoever has looked at data or model gathers them; the page only tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sightline.core.visible import visible
from sightline.report.pictures import Picture

Json = Mapping[str, Any]
NOTHING = "∅"
"""What stands for nothing among truths and answers."""
RANKING = ("iou", "recall", "f1", "ap", "precision", "accuracy")
"""The column that ranks classes is the first of these that the per-class table has."""


@dataclass(frozen=True)
class Shown:
    """An image of the data with what is known of it; `overlay` is the same image under its heat map.

    painted: the picture shows the truth on the image, and the overlay the answer.
    """

    picture: Picture
    name: str
    truth: str = ""
    label: str = ""
    confidence: float | None = None
    overlay: Picture | None = None
    painted: bool = False

    @property
    def right(self) -> bool:
        """Whether the answer is the truth; of several names (`a;b`), the order does not matter."""
        return sorted(self.truth.split(";")) == sorted(self.label.split(";"))


@dataclass(frozen=True)
class Found:
    """One finding of the data check; `groups`: pictures that belong together, as duplicates do."""

    code: str
    level: str
    message: str
    items: tuple[str, ...] = ()
    count: int = 0
    groups: tuple[tuple[Shown, ...], ...] = ()


@dataclass(frozen=True)
class Facts:
    """What there is to tell; what a task or a verb does not have stays empty, and its section is left out.

    verb: train, evaluate or check. data: the data's name as given. command: what was typed, or would repeat it.
    count, part: how many images were judged (or checked), and which part of the data they are.
    metric: the one that ranks. scores: `Scores.to_dict()`, with what evaluate adds (overlap, unknown, unreadable …).
    card: the bundle's card. spec: the bundle's spec. batch: augmented images as the network saw them.
    spots: for each of the weakest spots of `--robust` some corrupted images.
    legend: what the colours stand for in which truth and answers are painted: (name, (red, green, blue)).
    classes: target to {split: number of images}. parts: split to number of images.
    sizes: widths and heights of the data, as `check` gives them.
    """

    verb: str
    data: str
    command: str
    count: int
    part: str = ""
    metric: str = ""
    model: str = ""
    when: str = ""
    scores: Json = field(default_factory=dict[str, Any])
    card: Json = field(default_factory=dict[str, Any])
    spec: Json = field(default_factory=dict[str, Any])
    worst: tuple[Shown, ...] = ()
    maps: tuple[Shown, ...] = ()
    map_method: str = ""
    batch: tuple[Picture, ...] = ()
    findings: tuple[Found, ...] = ()
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, dict[str, int]])
    sizes: Json = field(default_factory=dict[str, Any])
    spots: tuple[tuple[Shown, ...], ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict[str, int])
    legend: tuple[tuple[str, tuple[int, int, int]], ...] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """The scalar scores; empty where nothing was judged."""
        return dict(self.scores.get("metrics", {}))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The per-class table; empty where the task has none."""
        return list(self.scores.get("per_class", []))

    @property
    def ranking(self) -> str:
        """The column that ranks classes; empty where there is none."""
        return next((key for key in RANKING if self.rows and key in self.rows[0]), "")

    @property
    def confusion(self) -> list[list[int]]:
        """Rows are the truth, columns the answers; empty unless it fits the classes of the table, perhaps with
        nothing at all as one more."""
        matrix: list[list[int]] = list(self.scores.get("confusion", []))
        return matrix if len(matrix) in (len(self.rows), len(self.rows) + 1) else []

    @property
    def names(self) -> list[str]:
        """The names of the rows of `confusion`: the classes, in the order of the table, and perhaps `NOTHING`."""
        return [*(str(row["class"]) for row in self.rows), *[NOTHING] * (len(self.confusion) - len(self.rows))]

    def interval(self, metric: str) -> tuple[float, float] | None:
        """The 95 % interval of a metric, if it is known; none of no width: a faultless part tells no bound."""
        found = self.scores.get("intervals", {}).get(metric)
        return (float(found[0]), float(found[1])) if found and found[0] < found[1] else None

    def curve(self, name: str) -> dict[str, Any]:
        """A curve of the scores; empty where there is none."""
        return dict(self.scores.get("curves", {}).get(name, {}))

    def confusions(self, most: int) -> list[tuple[int, str, str, int]]:
        """The most frequent mistakes as (how often, truth, answer, images of that truth), the commonest first."""
        confused = self.curve("confused")
        if confused:
            of = {str(row["class"]): int(row["support"]) for row in self.rows}
            columns = zip(confused["count"], confused["truth"], confused["read"], strict=True)
            return [(int(n), visible(truth), visible(read), of.get(truth, int(n))) for n, truth, read in columns][:most]
        names = self.names
        pairs = [
            (int(value), names[i], names[j], int(sum(row)))
            for i, row in enumerate(self.confusion)
            for j, value in enumerate(row)
            if i != j and value
        ]
        return sorted(pairs, key=lambda pair: -pair[0])[:most]
