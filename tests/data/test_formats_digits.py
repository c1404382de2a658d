"""The embedded digits."""

from pathlib import Path

import numpy as np
import pytest

from sightline.core.errors import SightlineError
from sightline.data.formats import digits, open_data


def test_1797_digits_with_fixed_splits():
    data = open_data("digits")
    assert len(data) == 1797 and data.format == data.name == "digits" and data.target == "label"
    names, counts = np.unique(data.splits, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"test": 360, "train": 1078, "val": 359}
    for split in names:
        share = np.unique(data.targets[data.splits == split], return_counts=True)[1] / (data.splits == split).sum()
        assert len(share) == 10 and abs(share - 0.1).max() < 0.005


def test_the_same_as_scikit_learn_scaled_to_a_byte():
    datasets = pytest.importorskip("sklearn.datasets")
    reference = datasets.load_digits()
    data = digits.load(Path("digits"))
    assert data.targets.tolist() == [str(label) for label in reference.target]
    images = np.stack([data.images.load(i) for i in range(1797)])
    assert images.dtype == np.uint8 and images.max() == 255
    assert np.array_equal(images, np.floor(reference.images * 255 / 16 + 0.5))


def test_a_local_path_of_that_name_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert digits.sniff(Path("digits"))
    (tmp_path / "digits").mkdir()
    assert not digits.sniff(Path("digits"))
    with pytest.raises(SightlineError, match="no images"):
        open_data("digits")
    (tmp_path / "digits").rmdir()
    (tmp_path / "digits").write_text("x")
    assert not digits.sniff(Path("digits"))


def test_no_other_path():
    assert not digits.sniff(Path("digits/more")) and not digits.sniff(Path())
    with pytest.raises(SightlineError, match="reads no path"):
        open_data("photos", "digits")


def test_licence_lies_beside_it():
    text = (Path(digits.__file__).parents[1] / "digits" / "LICENSE").read_text()
    assert "Alpaydin" in text and "CC BY 4.0" in text
