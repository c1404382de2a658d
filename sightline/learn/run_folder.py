"""The run: the folder of one training, with all that resuming it needs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tomllib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.core.errors import SightlineError
from sightline.core.spec import Spec
from sightline.run.bundle import SUFFIX, open_bundle
from sightline.run.files import make_folder, write_text

OPTIONS, STATE, METRICS, LOCK = "options.toml", "state.json", "metrics.jsonl", ".lock"
REPLACED = ".replaced"
"""Where a run that is to be replaced lies until the new one begins."""
RUNS = Path("runs")


@dataclass(frozen=True)
class RunFolder:
    """Paths and small files of a run. `state.json` holds what was decided once: plan, data fingerprint, status."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The last state of the training."""
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """The best weights so far, by the val score."""
        return self.path / "best.safetensors"

    def bundle(self) -> Path:
        """The one that is there, as the run may have been renamed since; else where it goes: named after the run."""
        there = list(self.path.glob(f"*{SUFFIX}"))
        return there[0] if len(there) == 1 else self.path / f"{self.path.resolve().name}{SUFFIX}"

    def read_options(self) -> dict[str, Any]:
        """The effective options of the run. Raises SightlineError where they are missing or damaged."""
        path = self.path / OPTIONS
        try:
            return tomllib.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        except FileNotFoundError:
            raise SightlineError("this is no run folder: it holds no options.toml", str(self.path)) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise SightlineError(f"the run's options cannot be read ({error})", str(path)) from None

    def read_state(self) -> dict[str, Any]:
        """Empty where the run was killed before it wrote any."""
        try:
            return json.loads((self.path / STATE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, OSError) as error:
            raise SightlineError(f"the run's state cannot be read ({error})", str(self.path / STATE)) from None

    def spec_before(self, init: Path | None) -> Spec | None:
        """What the training begins with, without assets: its own spec where it goes on, which needs no bundle, or that
        of the bundle whose weights it starts from; None where there is neither."""
        state = self.read_state()
        if "spec" in state:
            return Spec.from_json(state["spec"], str(self.path / STATE))
        return open_bundle(init).spec if init else None

    def write_state(self, **changes: Any) -> None:
        """Merges into what is there."""
        write_text(self.path / STATE, json.dumps({**self.read_state(), **changes}, indent=1) + "\n")
        shutil.rmtree(self.path / REPLACED, ignore_errors=True)

    def remove_if_unused(self) -> None:
        """Removes a folder in which no training ever began: it ended in an error before its first step."""
        if not (self.path / STATE).exists():
            shutil.rmtree(self.path, ignore_errors=True)

    def restore(self) -> bool:
        """Brings back the run that was to be replaced, where no training began in its place; whether there was one."""
        aside = self.path / REPLACED
        if (self.path / STATE).exists() or not aside.exists():
            return False
        self._clear()
        for child in aside.iterdir():
            child.rename(self.path / child.name)
        aside.rmdir()
        return True

    def set_aside(self) -> None:
        """Moves the run that is to be replaced out of the way, until the new one begins (`write_state`)."""
        aside = self.path / REPLACED
        if aside.exists():  # what lies beside it never began
            self._clear()
            return
        aside.mkdir()
        for child in self.path.iterdir():
            if child.name not in (LOCK, REPLACED):
                child.rename(aside / child.name)

    def _clear(self) -> None:
        for child in self.path.iterdir():
            if child.name not in (LOCK, REPLACED):
                shutil.rmtree(child) if child.is_dir() else child.unlink()

    def write_metrics(self, history: list[dict[str, Any]]) -> None:
        """One JSON line an epoch; written whole, so that a resumed run has each epoch once."""
        write_text(self.path / METRICS, "".join(json.dumps(row) + "\n" for row in history))

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Holds the run; a second training into it is refused. The lock goes with the process, however it ends."""
        with (self.path / LOCK).open("a") as file:
            try:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except ImportError:  # no such locks on this system: go on without
                pass
            except OSError:
                raise SightlineError(
                    "another training is writing into this run",
                    str(self.path),
                    "wait for it, or name another: --out RUN",
                ) from None
            yield


def new_run(name: str, out: Path | None, overwrite: bool, options: str) -> RunFolder:
    """Makes the folder with its options in it: `out`, or the next free `runs/NAME`, `runs/NAME-2` …"""
    path = out or _free(name)
    if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
        if not overwrite or not (out / OPTIONS).exists():
            raise SightlineError(
                "the run folder exists",
                str(out),
                f"go on with it: --resume {out}; replace a run: --overwrite; or name another",
            )
        run = RunFolder(out)
        with run.locked():
            run.set_aside()
    make_folder(path)
    run = RunFolder(path)
    try:
        write_text(path / OPTIONS, options)
    except BaseException:
        run.restore()
        raise
    return run


def _free(name: str) -> Path:
    make_folder(RUNS)
    # Made here and now, so that two trainings started together get a folder each.
    for number in range(1, 10_000):
        path = RUNS / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise SightlineError(
                f"cannot make the run folder ({error.strerror})",
                str(path),
                "name a folder that may be written to: --out RUN",
            ) from None
    raise SightlineError(f"there are too many runs named {name}", str(RUNS), "name one: --out RUN")


def name_for(data: Mapping[str, Any] | str) -> str:
    """A run's name after its data: `photos/` and `photos.zip` give `photos`."""
    stem = Path(str(data)).name
    for suffix in (".gz", ".xz", ".bz2", ".tar", ".zip", ".tgz", ".csv", ".tsv", ".npz", ".parquet"):
        stem = stem.removesuffix(suffix)
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in stem).strip("-.")
    return kept or "run"


def process_age() -> float:
    """Seconds since this process started, imports and all; 0 where the system does not tell."""
    try:
        started = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        return float(Path("/proc/uptime").read_text().split()[0]) - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
