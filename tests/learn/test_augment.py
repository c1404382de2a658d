"""Augmentation: geometry that is what it says, targets that go along, and chance that repeats."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from sightline.learn.augment import POLICIES, Policy, affine, choose, warp

SIDE = 16


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_images(count: int = 8, channels: int = 3) -> torch.Tensor:
    return torch.rand((count, channels, SIDE, SIDE), generator=chance(9))


def apply(
    policy: Policy, images: torch.Tensor, seed: int = 0, **more: object
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    targets = {"label": torch.arange(len(images)) % 3, "other": torch.ones(len(images))}
    inputs, found = policy({"image": images, "mask": images[:, :1]}, targets, chance(seed), **more)  # type: ignore[arg-type]
    assert torch.equal(inputs["mask"], images[:, :1]) and torch.equal(found["other"], targets["other"])
    return inputs["image"], found


def test_the_policies_are_those_that_the_option_offers() -> None:
    from sightline.verbs.training_options import TrainOptions

    field = next(f for f in dataclasses.fields(TrainOptions) if f.name == "augment")
    assert set(field.metadata["choices"]) == set(POLICIES) and field.default in POLICIES


@pytest.mark.parametrize("channels", [1, 3])
def test_stronger_policies_do_more_and_none_does_nothing(channels: int) -> None:
    none, light, strong = (choose(name, channels) for name in ("none", "light", "strong"))
    assert none == Policy() != light != strong != none
    for field in dataclasses.fields(Policy):
        assert getattr(strong, field.name) >= getattr(light, field.name), field.name


def test_only_photos_are_mirrored() -> None:
    assert all(not choose(name, 1).flip for name in POLICIES)
    assert choose("strong", 3).flip


def test_nothing_asked_for_changes_nothing() -> None:
    images = some_images()
    found, _ = apply(Policy(), images)
    assert torch.allclose(found, images, atol=1e-5)


@pytest.mark.parametrize("name", ["light", "strong"])
@pytest.mark.parametrize("channels", [1, 3])
def test_chance_repeats_with_its_seed(name: str, channels: int) -> None:
    images = some_images(channels=channels)
    first, again, other = (apply(choose(name, channels), images, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.shape == images.shape and bool(torch.isfinite(first).all())
    assert not torch.equal(first, images)


def test_mirroring_mirrors_those_that_are_named() -> None:
    images = some_images()
    chosen = torch.arange(8) % 2 == 0
    found, _ = apply(Policy(flip=True), images, mirrored=chosen)
    assert torch.allclose(found[chosen], images[chosen].flip(3), atol=1e-5)
    assert torch.allclose(found[~chosen], images[~chosen], atol=1e-5)


def test_a_mere_shift_is_by_whole_pixels_and_blurs_nothing() -> None:
    images = some_images(count=20, channels=1)
    found, _ = apply(Policy(shift=0.2), images)
    inner = slice(4, SIDE - 4)
    for before, after in zip(images, found, strict=True):
        shifts = [
            (dy, dx)
            for dy in range(-4, 5)
            for dx in range(-4, 5)
            if torch.allclose(torch.roll(before, (dy, dx), (1, 2))[:, inner, inner], after[:, inner, inner], atol=1e-4)
        ]
        assert len(shifts) == 1 and max(map(abs, shifts[0])) <= round(0.2 * SIDE)
    assert len({tuple(image.flatten().tolist()) for image in found - images}) == 20


def test_geometry_stays_within_what_the_policy_allows() -> None:
    policy = Policy(turn=10, stretch=0.1, shift=0.05, shear=5)
    matrices = affine(500, policy, chance(), SIDE)
    assert matrices.shape == (500, 2, 3)
    areas = torch.linalg.det(matrices[:, :, :2])
    assert bool((areas > torch.exp(torch.tensor(-0.21))).all() and (areas < torch.exp(torch.tensor(0.21))).all())
    assert float(matrices[:, :, 2].abs().max()) <= 2 * 0.05 + 1e-6
    assert abs(float(matrices[:, 0, 1].mean())) < 0.02, "as often left as right"


def test_images_can_come_out_smaller() -> None:
    images = torch.ones((2, 3, SIDE, SIDE)) * torch.linspace(0, 1, SIDE)
    found, _ = apply(Policy(), images, side=8)
    assert found.shape == (2, 3, 8, 8)
    assert torch.allclose(found[0, 0, 0], images[0, 0, 0].reshape(8, 2).mean(1), atol=1e-4)


def test_beyond_the_border_the_edge_goes_on() -> None:
    images = torch.zeros((1, 1, 4, 4))
    images[..., 0] = 1
    shifted = warp(images, torch.tensor([[[1.0, 0, -1], [0, 1, 0]]]))
    assert torch.allclose(shifted[0, 0, 0], torch.tensor([1.0, 1, 1, 0]), atol=1e-5)


def test_mixed_images_carry_both_labels_and_their_share() -> None:
    images = some_images(count=12) * 0 + torch.arange(12.0)[:, None, None, None]
    seen: set[str] = set()
    for seed in range(20):
        found, targets = apply(Policy(mix=1.0), images, seed)
        share = float(targets["share"])
        assert 0.5 <= share <= 1 and targets["label"].tolist() == [i % 3 for i in range(12)]
        assert sorted(targets["mixed_label"].tolist()) == sorted(targets["label"].tolist())
        for place in range(12):
            values = found[place, 0]
            inside = values[(values - place).abs() > 1e-3]
            if len(inside) in (0, SIDE * SIDE):
                seen.add("mixup" if len(inside) else "same")
            else:
                seen.add("cutmix")
                assert len(inside) / SIDE**2 == pytest.approx(1 - share, abs=1e-5)
                assert len(set(inside.round().tolist())) == 1
    assert {"mixup", "cutmix"} <= seen
    assert set(apply(Policy(mix=0.0), images)[1]) == {"label", "other"}


def test_an_erased_part_is_a_rectangle_of_the_mean() -> None:
    found, _ = apply(Policy(erase=0.5), torch.ones((30, 1, SIDE, SIDE)))
    for image in found[:, 0]:
        erased = image == 0
        rows, columns = erased.any(1), erased.any(0)
        assert torch.equal(erased, rows[:, None] & columns[None]) and max(rows.sum(), columns.sum()) <= SIDE // 2 + 1
    assert 5 < int((found == 0).flatten(1).any(1).sum()) <= 30
