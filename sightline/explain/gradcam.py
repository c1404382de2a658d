"""Grad-CAM: where the last feature maps that speak for the answer are strong (Selvaraju et al. 2017)."""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate

from sightline.explain.subject import Heat, Subject
from sightline.explain.weights import evidence_of, feature_maps, images_of, layer_of


def explain(subject: Subject) -> Heat:
    """ReLU(sum_k a_k A_k), a_k the mean gradient of the log-odds in feature map A_k (eq. 1 and 2).

    Where that is nowhere positive, so that the map would say nothing: what speaks least against the answer.
    """
    images = images_of(subject).requires_grad_()
    name, layer = layer_of(subject)
    with feature_maps(layer, subject.layer) as maps:
        score = evidence_of(subject)(images)
    gradients = torch.autograd.grad(score.sum(), maps)
    # A network that looks at several views calls the layer once a view: each map is brought back to the image's side.
    views = subject.task.learner().views(subject.spec)
    total = torch.zeros((1, 1, *subject.sides))
    for view, values, gradient in zip(views, maps, gradients, strict=True):
        backing = (gradient.mean((2, 3), keepdim=True) * values).sum(1, keepdim=True)
        cam = torch.relu(backing) if bool((backing > 0).any()) else backing - backing.amin()
        total += interpolate(view(cam.detach()), subject.sides, mode="bilinear", align_corners=False) / len(views)
    return Heat(total[0, 0].numpy(), {"layer": name})
