"""Integrated gradients: what each pixel adds on the way from a stand-in (Sundararajan, Taly and Yan 2017)."""

from __future__ import annotations

import dataclasses

from sightline.core.errors import MissingExtra
from sightline.explain.subject import Heat, Subject
from sightline.explain.weights import evidence_of, images_of

STEPS = 32
BATCH = 8


def explain(subject: Subject) -> Heat:
    """(x - x') times the mean gradient of the log-odds between x' and x (eq. 1), summed over the channels.

    x' is the subject's stand-in: a black image would call black parts unimportant, whatever they show. The values add
    up to the difference in log-odds between both images; `facts` says how nearly.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise MissingExtra("captum", "explain", "--method integrated-gradients") from None
    images = images_of(subject)
    start = images_of(dataclasses.replace(subject, inputs={**subject.inputs, "image": subject.stand_in}))
    evidence = evidence_of(subject)
    found = IntegratedGradients(evidence).attribute(images, start, n_steps=STEPS, internal_batch_size=BATCH)
    gap = float((found.sum() - (evidence(images) - evidence(start)).sum()).detach())
    facts = {"steps": STEPS, "completeness_gap": round(gap, 4)}
    return Heat(found[0].sum(0).detach().numpy().astype("float32"), facts)
