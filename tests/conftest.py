"""Fixtures of all tests. Nothing here imports torch: what needs it asks for a trained bundle."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests' networks are tiny, and other tests run beside them
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a script's background jobs inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from browsers import browser, chromium
from hypothesis import HealthCheck, settings
from stopping import OPTIONS
from support import NETWORK_SIZES, ROOT, Result, members, write_folder
from tiny import TINY

__all__ = ["browser", "chromium"]

SHARED = ROOT.parent / "shared" / "data"
settings.register_profile(
    "house", deadline=None, database=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `data` say why they are skipped."""
    if not SHARED.is_dir():
        for item in items:
            if item.get_closest_marker("data"):
                item.add_marker(pytest.mark.skip(reason=f"the real data is not here: {SHARED}"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; only for tests marked `data`."""
    return SHARED


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Result]]:
    """`sightline` in this process, in an empty current folder: cli("train", folder, "--epochs", 1)."""
    from sightline.cli import main

    terminate = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse leaves this way after --help
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    yield run
    signal.signal(signal.SIGTERM, terminate)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 colour images of 16 x 16 in three class folders. Read only."""
    return write_folder(tmp_path_factory.mktemp("data") / "shapes")


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 other images of the same classes: in no training part. Read only."""
    return write_folder(tmp_path_factory.mktemp("data") / "strangers", per_class=4, first=1000)


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Other processes that want the same folder wait."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def trained(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """trained(network, task): the run folder of a short training on the task's tiny data (`shapes`, for classify),
    made once a session, by whichever worker asks first. Read only."""
    import sightline

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # all workers of this session

    def of(network: str, task: str = "classify") -> Path:
        if network.startswith("timm/") and importlib.util.find_spec("timm") is None:
            pytest.skip("the package timm is not installed")
        if network.startswith("smp/") and importlib.util.find_spec("segmentation_models_pytorch") is None:
            pytest.skip("the package segmentation_models_pytorch is not installed")
        place = shared / "trained" / task
        run = place / "runs" / network.replace("/", "-")
        with alone(place):
            if not run.exists():
                data = shapes if task == "classify" else TINY[task].write(place / "data" / run.name)
                options = {"network": network, "epochs": TINY[task].epochs, "imgsz": NETWORK_SIZES[network]}
                made = sightline.train(str(data), out=place / "made" / run.name, batch=8, workers=0, **options)
                run.parent.mkdir(exist_ok=True)
                Path(made.path).parent.rename(run)  # a training that failed left nothing there
        return run

    return of


@pytest.fixture(scope="session")
def bundle(trained: Callable[[str], Path]) -> Path:
    """A bundle of the network `cnn`, trained on `shapes`. Read only."""
    run = trained("cnn")
    return run / f"{run.name}.sightline"


@pytest.fixture
def quick_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings in this process skip the ONNX export, which takes seconds: their bundles hold no usable graph."""
    from sightline.verbs import finish

    runners: dict[bytes, object] = {}

    def export(network: object, learner: object, spec: object, features: bool = False) -> bytes:
        import torch

        graph = b"no graph %d" % len(runners)
        runners[graph] = finish.TorchRunner(network, learner, spec, torch.device("cpu"), features=features)  # type: ignore[arg-type]
        return graph

    monkeypatch.setattr(finish, "export_graph", export)
    monkeypatch.setattr(finish, "OnnxRunner", lambda graph, *_: runners[graph])
    # The report's heat maps would ask the graph; tests/verbs/test_report.py tests them with a real one.
    monkeypatch.setattr("sightline.verbs.reporting_training.heat_maps", lambda *_, **__: ())


@pytest.fixture(scope="session")
def whole(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The members of the bundle that an uninterrupted training gives."""
    from sightline.cli import main

    out = tmp_path_factory.mktemp("whole") / "run"
    assert main([str(a) for a in ("train", shapes, *OPTIONS, "--out", out, "--progress", "none")]) == 0
    return members(out / "run.sightline")
