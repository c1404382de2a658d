"""Does `--balance auto` pay on uneven data, and does it harm even data? Every way against none.

Data sets: digits (embedded), MNIST, CIFAR-10, each made uneven: class sizes fall exponentially from the largest to
the smallest (Cui et al. 2019), which class is rare being another one for every seed; the test images stay even. Each
way is tried at two strengths: a class that is r times rarer counts r ** 0.5 or r times as much. Reported: mean recall
(accuracy on even test images), the recall of the rarest third of the classes, and the accuracy that images as uneven
as the training's would give. Short trainings, no val part: the last weights count.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from measure import data, spread, title

from sightline.learn.machine import prepare

prepare()
import torch  # noqa: E402

from sightline.core.task import Scores  # noqa: E402
from sightline.data.formats import open_data  # noqa: E402
from sightline.data.image import read, to_channels  # noqa: E402
from sightline.data.scan import scan  # noqa: E402
from sightline.learn.augment import choose  # noqa: E402
from sightline.learn.balance import importance  # noqa: E402
from sightline.learn.batches import Batches, keyed  # noqa: E402
from sightline.learn.deploy import TorchRunner  # noqa: E402
from sightline.learn.loop import Trainer  # noqa: E402
from sightline.learn.optimizer import default_lr  # noqa: E402
from sightline.learn.plan import default_batch, make_plan  # noqa: E402
from sightline.verbs.common import task_named  # noqa: E402
from sightline.verbs.judge import judge  # noqa: E402

Arrays = tuple[np.ndarray, np.ndarray]
WAYS = {"none": ("none", 0.0), "weights^.5": ("weights", 0.5), "weights^1": ("weights", 1.0)}
WAYS |= {"sampler^.5": ("sampler", 0.5), "sampler^1": ("sampler", 1.0)}
SETTINGS = {"digits": ("auto", {"width": 8}, 140), "mnist": ("cnn", {}, 500), "cifar10": ("auto", {"width": 8}, 1000)}
"""Network, its options, images of the largest class."""


def source(name: str, path: Path | None, limit: int) -> tuple[Arrays, Arrays]:
    """(images, labels) for training and for the test, at most `limit` of the latter."""
    if name == "digits":
        found = open_data("digits")
        images = np.stack([to_channels(read(found.images.load(i)), 1) for i in range(len(found))])
        test = np.arange(len(found)) % 5 == 0
        return (images[~test], found.targets[~test]), (images[test], found.targets[test])
    found = open_data(str(path or data(name)))
    parts = []
    for part, most in (("train", 60_000), ("test", limit)):
        places = np.random.default_rng(0).permutation(np.flatnonzero(found.splits == part))[:most]
        images = np.stack([np.asarray(found.images.load(int(i))) for i in places])
        parts.append((images, found.targets[places]))
    return parts[0], parts[1]


def uneven(train: Arrays, most: int, ratio: float, seed: int) -> tuple[Arrays, np.ndarray]:
    """The images left, and the class sizes in the order of the class names."""
    random = np.random.default_rng(seed)
    names = np.unique(train[1])
    rank = random.permutation(len(names))
    sizes = np.maximum(2, np.round(most * ratio ** (-rank / (len(names) - 1)))).astype(int)
    chosen = [random.permutation(np.flatnonzero(train[1] == n))[:s] for n, s in zip(names, sizes, strict=True)]
    places = np.concatenate(chosen)
    return (train[0][places], train[1][places]), np.array([len(c) for c in chosen])


def trained(train: Arrays, test: Arrays, name: str, way: str, epochs: int, seed: int) -> Scores:
    """The scores on the test images of a short training."""
    network_name, options, _ = SETTINGS[name]
    task = task_named("classify")
    dataset = open_data(train)
    spec = task.spec(dataset, dataset.probe(), network_name, {**options, "augment": "auto"})
    seen = scan(dataset, lambda image: task.preprocess(image, spec), workers=0)
    labels = np.stack([task.encode(t, (1, 1), spec)["label"] for t in dataset.targets])
    kind, power = WAYS[way]
    counts = importance(task.strata(dataset), power)
    targets = {"label": labels, "weight": counts} if kind == "weights" else {"label": labels}
    size = default_batch(len(dataset))
    batches = Batches(seen.cache, seen.rows, targets, size, seed, counts if kind == "sampler" else None)
    torch.manual_seed(keyed(seed, "weights"))
    learner = task.learner()
    network = learner.network(spec)
    plan = make_plan(len(dataset), size, epochs, default_lr(network, size), 0)
    cpu = torch.device("cpu")
    trainer = Trainer(learner, network, spec, plan, cpu)
    for _ in trainer.fit(batches, choose("auto", spec.inputs["image"].shape[-1] or 3), 1e9):
        pass
    network.load_state_dict(trainer.average.tensors)
    held = open_data(test)
    looked = scan(held, lambda image: task.preprocess(image, spec), workers=0)
    return judge(task, TorchRunner(network, learner, spec, cpu), looked, held.targets, spec)


def main() -> None:
    """Prints, for each data set, ratio and way: mean recall, recall of the rarest third, accuracy on uneven images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits,mnist,cifar10")
    parser.add_argument("--cifar10", type=Path, help="CIFAR-10 as NPZ or any form that Sightline opens with its parts")
    parser.add_argument("--ratios", default="1,10,50,100")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--test", type=int, default=2000, help="test images")
    parser.add_argument("--raw", type=Path, help="append each training's figures to this JSONL file")
    options = parser.parse_args()
    title(f"--balance against none, {options.seeds} seeds, {options.epochs} epochs", ("numpy", "torch"))
    for name in options.data.split(","):
        train, test = source(name, options.cifar10 if name == "cifar10" else None, options.test)
        for ratio in map(float, options.ratios.split(",")):
            table: dict[str, list[tuple[float, float, float]]] = {way: [] for way in WAYS}
            for seed in range(options.seeds):
                part, sizes = uneven(train, SETTINGS[name][2], ratio, seed)
                rare = np.argsort(sizes, kind="stable")[: len(sizes) // 3]
                for way in WAYS:
                    scores = trained(part, test, name, way, options.epochs, seed)
                    recall = 100 * np.array([line["recall"] for line in scores.per_class])
                    table[way].append((recall.mean(), recall[rare].mean(), float(recall @ sizes / sizes.sum())))
                    if options.raw:
                        line = {"data": name, "ratio": ratio, "seed": seed, "way": way, "recall": recall.tolist()}
                        line["sizes"] = sizes.tolist()
                        with options.raw.open("a") as file:
                            file.write(json.dumps(line) + "\n")
                    print(f"  {name} {ratio:g}:1 seed {seed} {way}: {table[way][-1]}", file=sys.stderr, flush=True)
            for way, rows in table.items():
                columns = [spread(list(column)) for column in zip(*rows, strict=True)]
                gain = np.mean([a[0] - b[0] for a, b in zip(rows, table["none"], strict=True)])
                print(
                    f"{name:8} {ratio:4.0f}:1  {way:11} mean recall {columns[0]}  rarest third {columns[1]}  "
                    f"uneven accuracy {columns[2]}  gain {gain:+.1f}"
                )


if __name__ == "__main__":
    main()
