"""What a training is told and what it is given: its options, and the prepared data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.options import duration, option, to_toml
from sightline.core.task import Finding
from sightline.data.dataset import Dataset
from sightline.data.image import MAX_PIXELS
from sightline.data.scan import Scan
from sightline.report.words import LANGUAGES
from sightline.tables import FORMATS, TASKS


@dataclass(frozen=True)
class TrainOptions:
    """Options of `train`; the task and the network add their own."""

    task: str | None = option(None, "the task (default: inferred from the data)", choices=TASKS)
    network: str = option("auto", "the network: see `sightline networks`")
    format: str | None = option(None, "the format of the data (default: sniffed)", choices=FORMATS)
    epochs: int | None = option(None, "passes over the training part (default: by its size)", low=1)
    time: float | None = option(None, "the best model within this time: 90s, 5m, 2h", above=0, parse=duration)
    out: Path | None = option(None, "folder of the run (default: runs/NAME)")
    overwrite: bool = option(False, "replace the run in --out")
    seed: int = option(0, "seed of everything random", low=0, high=2**63 - 1)
    imgsz: int | None = option(
        None, "side of the network's input in px (default: by network and data)", low=4, high=4096
    )
    batch: int | None = option(None, "images a step (default: by the size of the data)", low=1)
    lr: float | None = option(None, "highest learning rate (default: by network)", above=0)
    device: str = option("auto", "auto, cpu, cuda, or the number of a GPU: 0, 1 …")
    workers: int | None = option(None, "processes that read images (default: all processors)", low=0)
    patience: int | None = option(None, "stop after so many epochs without a better val score (default: never)", low=1)
    balance: str = option(
        "auto", "rare classes count for more in the loss (weights) or are drawn more often (sampler)",
        choices=("auto", "weights", "sampler", "none"),
    )  # fmt: skip
    folds: int | None = option(None, "also train and test on so many folds in turn: how good is it really?", low=2)
    seeds: int | None = option(None, "also train with so many seeds: is the result luck?", low=2)
    curve: bool = option(False, "also train on 10, 25 and 50 % of the images: would more images help?")
    baseline: str | None = option(
        None, "also fit scikit-learn on HOG features: what does the network buy? One label an image (classify)",
        choices=("svm", "tree", "forest"),
    )  # fmt: skip
    augment: str = option("auto", "changes to the training images", choices=("auto", "none", "light", "strong"))
    weights: Path | None = option(None, "start from these weights (safetensors)")
    init: Path | None = option(None, "start from the weights of this bundle; its classes may differ")
    teacher: Path | None = option(None, "learn from this bundle, too: a small network that comes close to a large one")
    freeze: bool = option(False, "train the last layer only")
    memory: bool = option(
        False,
        "keep features, names and labels of the training images in the bundle, for `explain --nearest`; no pixels are "
        "kept, but whoever has the bundle can tell which images it was trained on and what they are called",
    )
    max_bad: float = option(0.2, "share of unreadable images that is tolerated", low=0, high=1)
    max_pixels: int = option(MAX_PIXELS, "largest image that is decoded, in pixels", low=1)
    lang: str = option("en", "language of the report", choices=LANGUAGES)
    progress: str = option("auto", "what is shown while training", choices=("auto", "lines", "json", "none"))


@dataclass(frozen=True)
class Parts:
    """The readable examples, what the one pass over them and the check found, and which part each belongs to.

    whole: all examples, the unreadable ones too, whose places the findings count.
    """

    dataset: Dataset
    scan: Scan
    splits: NDArray[np.str_]
    whole: Dataset
    findings: tuple[Finding, ...] = ()

    def part(self, name: str) -> tuple[Dataset, Scan]:
        """The examples of one split; empty where there are none."""
        chosen = np.flatnonzero(self.splits == name)
        return self.dataset.take(chosen), self.scan.take(chosen)


@dataclass(frozen=True)
class Settings:
    """All effective options of a training."""

    train: TrainOptions
    task: Any
    network: Any

    def to_toml(self, data: str | None, val: str | None = None) -> str:
        """What `options.toml` holds, data and val first; paths are absolute: a run may be resumed from any folder."""
        paths = {name: value.absolute() for name, value in vars(self.train).items() if isinstance(value, Path)}
        task = self.task.absolute() if hasattr(self.task, "absolute") else self.task
        return to_toml([_Data(data, val), dataclasses.replace(self.train, **paths), task, self.network])

    def to_json(self) -> dict[str, Any]:
        """All of them as plain JSON values; None is left out."""
        every: dict[str, Any] = {**vars(self.train), **vars(self.task), **vars(self.network)}
        return {k: str(v) if isinstance(v, Path) else v for k, v in every.items() if v is not None}

    def for_spec(self) -> dict[str, Any]:
        """The options that shape the network, plain JSON; None is left out."""
        both: dict[str, Any] = {
            **vars(self.task),
            **vars(self.network),
            "imgsz": self.train.imgsz,
            "augment": self.train.augment,
        }
        return {name: value for name, value in both.items() if value is not None}


@dataclass(frozen=True)
class _Data:
    data: str | None
    val: str | None
