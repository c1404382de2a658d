"""predict in Python: arrays are taken, and scaled, as training and evaluate do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import picture, pictures

import sightline
from sightline.core.errors import SightlineError

STANDARDISED = (np.stack([picture(name, 7, grey=True) for name in ("cross", "square", "circle")]) - 60.0) / 50


@pytest.fixture(scope="module")
def standardised(tmp_path_factory: pytest.TempPathFactory) -> sightline.Model:
    """Learned from grey images of mean 0 or so, which fit no fixed range of pixels."""
    images, labels = pictures(12, grey=True)
    out = tmp_path_factory.mktemp("standardised") / "run"
    x = ((images[..., 0] - 60.0) / 50).astype(np.float32)
    return sightline.train(x, labels, network="cnn", imgsz=16, epochs=6, batch=8, workers=0, out=out)


def test_a_batch_is_one_by_its_shape(bundle: Path) -> None:
    torch = pytest.importorskip("torch")
    model = sightline.load(bundle)
    batch = np.stack([picture("cross", i) for i in range(4)])
    wanted = [model.predict(image).to_dict() for image in batch]
    first = np.moveaxis(batch, 3, 1)
    for images in (batch, first, torch.from_numpy(first.copy()), list(first), batch / 255, torch.from_numpy(batch)):
        assert [found.to_dict() for found in model.predict(images)] == wanted
    assert model.predict(first[0]).to_dict() == wanted[0], "to a network that sees colour, (3, h, w) is one image"
    assert model.explain(first[0], "occlusion").answer == model.explain(batch[0], "occlusion").answer


def test_grey_images_need_no_axis_for_channels(standardised: sightline.Model) -> None:
    x = STANDARDISED[..., 0]
    wanted = [standardised.predict(image).to_dict() for image in x]
    for images in (x, x[:, None], x[..., None], list(x)):
        assert [found.to_dict() for found in standardised.predict(images)] == wanted
    assert len(standardised.predict(x[:1])) == 1 and standardised.predict(x[:0]) == []


def test_what_is_no_image_is_refused(bundle: Path) -> None:
    torch = pytest.importorskip("torch")
    model, batch = sightline.load(bundle), np.stack([picture("cross", i) for i in range(4)])
    for image in (np.zeros((2, 2, 3, 7)), batch[:, 0, 0, 0], None, torch.zeros(2, 2, requires_grad=True)):
        with pytest.raises(SightlineError):
            model.predict(image)
    with pytest.raises(SightlineError, match="one at a time is explained"):
        model.explain(batch)


def test_floats_are_scaled_as_those_learned_from(standardised: sightline.Model) -> None:
    images, labels = pictures(12, grey=True)
    x = ((images[..., 0] - 60.0) / 50).astype(np.float32)
    low, high = float(x.min()), float(x.max())
    assert standardised.spec.spans == {"f": [low, high]}
    dim = x[0] * 0.5
    as_bytes = np.rint((dim.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)
    assert as_bytes.max() < 200, "by its own range, it would be stretched to white"
    assert standardised.predict(dim).to_dict() == standardised.predict(as_bytes).to_dict()
    few, truth = x[5:14] * 0.5, labels[5:14]
    right = [found.label == label for found, label in zip(standardised.predict(few), truth, strict=True)]
    assert standardised.evaluate(few, truth)["metrics"]["accuracy"] == pytest.approx(np.mean(right))
    with pytest.raises(SightlineError, match="on another scale"):
        standardised.predict(images[0].astype(np.float32))
