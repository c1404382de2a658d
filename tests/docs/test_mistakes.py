"""What popular tutorials get wrong, shown to be wrong in numbers: the ones that the manual names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from manual import DOCS, run_blocks

from sightline.data import split

KINDS = 10


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The functions of the page's blocks, right ones and wrong ones."""
    names = run_blocks(DOCS / "formula-to-code.md", tmp_path_factory.mktemp("page"), "by hand", "wrong")
    return SimpleNamespace(**names)


def test_the_mean_of_all_logarithms_is_no_cross_entropy(page: SimpleNamespace) -> None:
    random = np.random.default_rng(0)
    uniform = np.full(KINDS, 1 / KINDS)
    assert page.mean_log(uniform, 3) == pytest.approx(np.log(KINDS))
    for _ in range(100):
        p = page.softmax(random.normal(size=KINDS) * 3)
        assert page.mean_log(p, 3) == page.mean_log(p, 7), "the label plays no part"
        assert page.mean_log(p, 3) > page.mean_log(uniform, 3), "knowing nothing is its best answer"


def test_without_the_minus_it_falls_as_the_answer_gets_worse(page: SimpleNamespace) -> None:
    better, worse = page.softmax(np.array([3.0, 0, 0])), page.softmax(np.array([-3.0, 0, 0]))
    assert page.sum_log(worse, 0) < page.sum_log(better, 0)
    z = np.array([0.3, -1, 2])
    assert page.sum_log(page.softmax(z), 0) == pytest.approx(-page.cross_entropy(z, 0))


def test_the_mean_over_classes_divides_by_their_number(page: SimpleNamespace) -> None:
    z, target = np.random.default_rng(1).normal(size=KINDS), np.eye(KINDS)[4]
    mean = -(target * np.log(page.softmax(z))).mean()
    assert mean * KINDS == pytest.approx(page.cross_entropy(z, 4))


def test_softmax_twice_never_falls_below_1_46(page: SimpleNamespace) -> None:
    sure = np.array([1000.0] + [0.0] * (KINDS - 1))
    assert page.twice(sure, 0) == pytest.approx(1.46, abs=0.005)
    assert page.twice(sure, 1) == pytest.approx(2.46, abs=0.005)
    assert page.cross_entropy(sure, 0) == pytest.approx(0, abs=1e-9)
    assert page.cross_entropy(sure, 1) == pytest.approx(1000)


def test_softmax_twice_loses_the_gradient_of_a_confident_mistake() -> None:
    import torch
    from torch.nn import functional

    gradients: list[float] = []
    for prepare in (lambda z: z, lambda z: torch.softmax(z, 0)):
        z = torch.tensor([12.0] + [0.0] * (KINDS - 1), requires_grad=True)
        functional.cross_entropy(prepare(z), torch.tensor(1)).backward()
        assert z.grad is not None
        gradients.append(float(z.grad.abs().max()))
    assert gradients[0] > 0.99
    assert gradients[1] < 1e-4


def test_flatten_before_a_recurrent_layer_reads_the_batch_as_time(page: SimpleNamespace) -> None:
    import torch

    torch.manual_seed(0)
    images = torch.rand(4, 3, 8, 8)
    changed = images.clone()
    changed[0] = 1 - changed[0]
    with torch.no_grad():
        before, after = page.flat(images)[0], page.flat(changed)[0]
    assert before.shape == (4, 16), "one state a time step: four images were taken for four steps"
    assert (before[3] - after[3]).abs().max() > 1e-6, "the last answer changes with the first image"
    with pytest.raises((RuntimeError, ValueError), match=r"2-?D or 3-?D"):
        page.flat[1](images)  # the map as it comes from a convolution has four axes: no


def test_crnn_gives_each_image_its_own_answer() -> None:
    import torch

    from sightline.core.options import resolve
    from sightline.tasks.whole.networks.crnn import CRNN
    from sightline.tasks.whole.options import CRNNOptions

    torch.manual_seed(0)
    network = CRNN("crnn", 3, (16, 16), 4, resolve(CRNNOptions, {})).eval()
    images = torch.rand(4, 3, 16, 16)
    changed = images.clone()
    changed[0] = 1 - changed[0]
    with torch.no_grad():
        difference = (network(images) - network(changed)).abs().amax(1)
    assert difference[0] > 1e-4 and difference[1:].max() < 1e-6


def test_the_score_that_chose_the_epoch_flatters() -> None:
    random = np.random.default_rng(0)
    val = random.binomial(100, 0.8, (2000, 50)) / 100  # 2000 trainings of 50 equally good epochs, 100 val images
    test = random.binomial(100, 0.8, (2000, 50)) / 100
    best = val.argmax(axis=1)
    assert val.max(axis=1).mean() == pytest.approx(0.89, abs=0.006)
    assert test[np.arange(2000), best].mean() == pytest.approx(0.8, abs=0.005)


def test_scaling_the_test_data_by_its_own_statistics(page: SimpleNamespace) -> None:
    random = np.random.default_rng(0)
    train = np.concatenate([random.normal(60, 10, 500), random.normal(180, 10, 500)])  # brightness: night, day
    night = random.normal(60, 10, 500)
    mean, std = train.mean(), train.std()
    assert (((night - mean) / std) < 0).mean() == 1.0
    assert (page.own_scale(night) < 0).mean() == pytest.approx(0.5, abs=0.05)
    in_other_company = np.concatenate([night[:1], random.normal(20, 5, 50)])
    assert page.own_scale(night)[0] != pytest.approx(page.own_scale(in_other_company)[0], abs=0.5)


def nearest_neighbour(x: np.ndarray, y: np.ndarray, held: np.ndarray) -> float:
    """The accuracy on the rows `held` of a classifier that gives the label of the nearest other row."""
    known, known_labels = x[~held], y[~held]
    distances = ((x[held][:, None] - known[None]) ** 2).sum(axis=2)
    return float((known_labels[distances.argmin(axis=1)] == y[held]).mean())


def things() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten photos of each of 40 things, as numbers; labels drawn by lot for each thing; whose photo it is."""
    random = np.random.default_rng(4)
    thing = np.repeat(np.arange(40), 10)
    x = random.normal(size=(40, 16))[thing] + 0.1 * random.normal(size=(400, 16))
    return x, random.integers(0, 2, 40)[thing], thing


def test_shuffling_before_a_grouped_split_finds_what_is_not_there() -> None:
    x, y, _ = things()
    held = np.random.default_rng(0).random(len(x)) < 0.2
    assert nearest_neighbour(x, y, held) > 0.99


def test_sightlines_grouped_split_finds_nothing_there() -> None:
    x, y, thing = things()
    hashes = np.arange(len(x), dtype=np.uint64)
    scores: list[float] = []
    for seed in range(25):
        splits = split.assign(np.full(len(x), "", "<U5"), y.astype(np.int64), hashes, thing.astype(str), seed)
        held = splits == "test"
        assert not set(thing[held]) & set(thing[~held])
        scores.append(nearest_neighbour(x, y, held))
    assert np.mean(scores) == pytest.approx(0.5, abs=0.12)


def test_a_network_left_in_training_mode_answers_by_its_company() -> None:
    import torch

    from sightline.core.options import resolve
    from sightline.tasks.whole.networks.residual import Residual
    from sightline.tasks.whole.options import ResidualOptions

    def probabilities(network: Any, images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return torch.softmax(network(images), 1)

    torch.manual_seed(0)
    network = Residual("auto", 3, (16, 16), 4, resolve(ResidualOptions, {}))
    images = torch.rand(8, 3, 16, 16)
    one, two = images[[0, 1, 2]], images[[0, 5, 6]]
    assert (probabilities(network.train(), one)[0] - probabilities(network, two)[0]).abs().max() > 1e-3
    assert (probabilities(network.eval(), one)[0] - probabilities(network, two)[0]).abs().max() < 1e-5
