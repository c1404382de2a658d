"""What the benchmarks share: the data folder, timed commands, runs in turns, ratios with their spread."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIGHTLINE = [sys.executable, "-m", "sightline"]
DATA = "SIGHTLINE_DATA"
"""Environment variable: the folder with the real data sets."""


def data(name: str) -> Path:
    """A data set in $SIGHTLINE_DATA (default: ../shared/data beside the project). Ends the program where missing."""
    root = Path(os.environ.get(DATA) or HERE.parent.parent / "shared" / "data")
    place = root / name
    if not place.exists():
        sys.exit(f"this benchmark needs {name}, but {place} does not exist; name the folder that has it: {DATA}=FOLDER")
    return place.resolve()


def timed(command: Sequence[str | Path], cwd: Path | None = None) -> tuple[float, str]:
    """Seconds from the start of a process to its end, and its stdout. Ends the program where the command fails."""
    begun = time.perf_counter()
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=cwd, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        words = " ".join(map(str, command))
        sys.exit(f"failed ({done.returncode}): {words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return seconds, done.stdout


def last_json(text: str) -> dict[str, Any]:
    """The JSON document in the last line of a program's stdout."""
    return json.loads(text.strip().splitlines()[-1])


def in_turns(contestants: dict[str, Callable[[], float]], repeat: int) -> dict[str, list[float]]:
    """Calls every contestant once, `repeat` times over: A B C A B C …, so that a busy spell of the machine hits all."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(repeat):
        # Every other turn runs backwards, so that nobody always comes first.
        for name in list(contestants)[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(contestants[name]())
            print(f"  turn {turn + 1}/{repeat}  {name}: {found[name][-1]:.4g}", file=sys.stderr, flush=True)
    return found


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Turn by turn."""
    return [a / b for a, b in zip(above, below, strict=True)]


def spread(values: Sequence[float], unit: str = "", digits: int = 2) -> str:
    """`min..median..max unit`; one value stands alone."""
    three = (min(values), statistics.median(values), max(values))
    text = f"{values[0]:.{digits}f}" if len(values) == 1 else "..".join(f"{v:.{digits}f}" for v in three)
    return f"{text} {unit}".rstrip()


def title(text: str, packages: Sequence[str] = ("numpy", "pillow", "onnxruntime")) -> None:
    """The heading of a result: what, when, on what machine, with what versions."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"\n{text}\n  {time.strftime('%Y-%m-%d')}, {cores} cores, {_processor()}{load}")
    installed = ", ".join(f"{name} {version(name)}" for name in packages)
    policy = f"; OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']}" if "OMP_WAIT_POLICY" in os.environ else ""
    print(f"  python {platform.python_version()}, {installed}{policy}", flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    best = next((f.upper() for f in ("avx512f", "avx2") if f in flags), "no AVX2")
    return f"{name}, {best}"


def row(name: str, *cells: str) -> None:
    """One line of a result."""
    print("  " + "  ".join([name.ljust(44), *(cell.ljust(24) for cell in cells)]).rstrip(), flush=True)
