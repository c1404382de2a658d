"""Where weights come from: what fits, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.learn import start
from sightline.tasks.read.inputs import line_input
from sightline.tasks.read.learner import ReadLearner

SMALL = {"width": 4, "units": 4, "layers": 1}


def spec_of(height: int, classes: str) -> Spec:
    return Spec("read", "auto", tuple(classes), line_input(height), (127.5,), (64.0,), SMALL)


def test_weights_for_lines_of_another_height_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, old = ReadLearner(), spec_of(32, "abc")
    before = learner.network(old)
    weights = save({name: value.contiguous() for name, value in before.state_dict().items()})
    bundle = SimpleNamespace(spec=old, members={"model.safetensors": weights}, path=Path("old.sightline"))
    monkeypatch.setattr(start, "open_bundle", lambda path: bundle)
    new = dataclasses.replace(old, classes=tuple("abcd"))
    after = learner.network(new)
    assert start.start_from_bundle(after, bundle.path, new) == len(after.state_dict())
    assert torch.equal(after.state_dict()["head.weight"][:4], before.state_dict()["head.weight"])
    high = spec_of(64, "abc")
    with pytest.raises(SightlineError, match="32 px high") as caught:
        start.start_from_bundle(learner.network(high), bundle.path, high)
    assert caught.value.fix == "type: --imgsz 32"
