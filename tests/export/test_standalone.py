"""The plain Python of an export: reads images as Sightline does, and runs where Sightline is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import Result

from sightline.data import image, standalone
from sightline.export.images import made_files
from sightline.tasks.read import ctc, standalone_search
from sightline.tasks.read import standalone as read_standalone
from sightline.tasks.read.language import learn

HIDE = """
import sys
class Refuse:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.split(".")[0] in ("sightline", "torch", "onnx"):
            raise ImportError(f"{name} is hidden")
sys.meta_path.insert(0, Refuse)
"""


def test_made_images_are_read_alike(tmp_path: Path) -> None:
    for path in made_files(tmp_path):
        pixels, size = standalone.read(str(path), (32, 32))
        wanted, whole = image.read_sized(path, (32, 32))
        assert size == whole and pixels.dtype == np.uint8 and np.array_equal(pixels, wanted), path.name


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F", "I;16"])
@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 8])
def test_every_mode_is_read_alike(tmp_path: Path, mode: str, orientation: int) -> None:
    grey = (np.arange(12 * 9).reshape(12, 9) * 2).astype(np.uint8)
    if mode in ("I", "F", "I;16"):
        kind = {"I": np.int32, "F": np.float32, "I;16": np.uint16}[mode]
        picture = Image.fromarray((grey.astype(np.float64) * 250).astype(kind))
    else:
        picture = Image.fromarray(np.stack([grey, grey[::-1], 255 - grey], 2)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    suffix = ".tiff" if mode in ("CMYK", "F", "I") else ".png"
    path = tmp_path / f"it{suffix}"
    picture.save(path, exif=exif.tobytes())
    pixels, size = standalone.read(str(path), (8, 8))
    wanted, whole = image.read_sized(path, (8, 8))
    assert size == whole and np.array_equal(pixels, wanted)


@pytest.mark.parametrize("lexicon", [[], ["abc", "cab", "bca"]])
def test_the_search_finds_what_the_reader_finds(lexicon: list[str]) -> None:
    from sightline.core.spec import Spec
    from sightline.tasks.read.decode import LEXICON, MODEL, searched
    from sightline.tasks.read.inputs import line_input

    random = np.random.default_rng(0)
    assets = {MODEL: learn(["abc cab", "abca bcab", "cab abc"] * 20).to_bytes()}
    assets |= {LEXICON: "\n".join(lexicon).encode()} if lexicon else {}
    search = {"width": 6, "weight": 0.5, "bonus": 0.9, "least": 1e-3, "sure": 0.999}
    spec = Spec("read", "auto", tuple(" abc"), line_input(16), (0.0,), (1.0,), extra={"search": search}, assets=assets)
    for _ in range(20):
        probabilities = random.dirichlet(np.ones(5) * 0.3, 30).astype(np.float32)
        first = [(c.index, c.confidence, c.begin, c.end) for c in ctc.greedy(probabilities)]
        plain = {"classes": list(spec.classes), "extra": spec.extra}
        found = standalone_search.searched(probabilities, first, plain, assets)
        wanted = searched(probabilities, spec, ctc.Search(**search))
        assert found == [(c.index, c.confidence, c.begin, c.end) for c in wanted]


def test_a_text_from_right_to_left_is_given_as_it_is_typed() -> None:
    from sightline.core.spec import Spec
    from sightline.data import bidi
    from sightline.tables import TASKS
    from sightline.tasks.read.inputs import line_input

    task, classes = TASKS["read"].load()(), tuple("אב 1(")
    spec = Spec("read", "auto", classes, line_input(16), (0.0,), (1.0,), extra={"bidi": bidi.table(classes)})
    random = np.random.default_rng(0)
    for _ in range(20):
        outputs = {"probabilities": random.dirichlet(np.ones(6) * 0.2, 30).astype(np.float32)}
        plain = {"classes": list(classes), "extra": spec.extra}
        found = read_standalone.postprocess(outputs, (120, 16), plain, {})
        wanted = task.postprocess(outputs, (120, 16), spec).to_dict()
        assert found["text"] == wanted["text"] and found["characters"] == wanted["characters"]


def test_the_folder_runs_where_sightline_is_not(
    cli: Callable[..., Result], bundle: Path, strangers: Path, tmp_path: Path
) -> None:
    assert cli("export", bundle, "--to", "python", "--data", strangers, "--out", "out").code == 0
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HIDE)
    path = next(strangers.rglob("*.png"))
    code = "import predict, sys; print(predict.Model().predict(sys.argv[1])); assert 'sightline' not in sys.modules"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for command in (["predict.py", str(path)], ["-c", code, str(path)]):
        done = subprocess.run(
            [sys.executable, *command], cwd=Path("out"), env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    hidden = subprocess.run(
        [sys.executable, "-c", "import sightline"], env=env, capture_output=True, text=True, check=False
    )
    assert "sightline is hidden" in hidden.stderr
    ours = cli("predict", bundle, path, "--json").json
    lines = subprocess.run(
        [sys.executable, "predict.py", str(path)], cwd="out", env=env, capture_output=True, text=True
    )
    assert json.loads(lines.stdout)["label"] == ours["label"]
