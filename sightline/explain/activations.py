"""Activations: what a layer's feature maps show of the image, whatever the answer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sightline.explain.subject import Heat, Subject
from sightline.explain.weights import evidence_of, feature_maps, images_of, layer_of

MOST_TILES = 64


def explain(subject: Subject) -> Heat:
    """The length of the feature vector at each place; as tiles the feature maps, those that vary most first."""
    name, layer = layer_of(subject)
    with torch.no_grad(), feature_maps(layer, subject.layer) as seen:
        evidence_of(subject)(images_of(subject))
    maps = seen[0]  # the first view is the image itself
    length = maps.square().sum(1, keepdim=True).sqrt()
    values = interpolate(length, subject.sides, mode="bilinear", align_corners=False)
    order: Tensor = maps[0].flatten(1).std(dim=1, correction=0).argsort(descending=True, stable=True)[:MOST_TILES]
    shown: list[int] = [int(number) for number in order]
    size = [maps.shape[3], maps.shape[2]]
    facts = {"layer": name, "feature_maps": maps.shape[1], "map_size": size, "shown": shown}
    return Heat(values[0, 0].numpy(), facts, maps[0, order].float().numpy())
