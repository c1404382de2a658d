"""`sightline train …` with a stopwatch on its batches. Prints one JSON document after what the command prints.

    python stopwatch.py train DATA …

The package is not changed: each call of `Trainer.train_step` is noted with the batch's size.
Steps that `--time` tries out to measure the speed are noted too: what they take counts as training, against us.
"begun" and "ended" are seconds since the process started.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_started = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
_age = float(Path("/proc/uptime").read_text().split()[0]) - _started / os.sysconf("SC_CLK_TCK")
OFFSET = _age - time.perf_counter()


def main() -> int:
    """Runs the command line."""
    from sightline.learn import machine

    machine.prepare()  # as `sightline train` does: it must come before torch, which `Trainer` imports
    from sightline.cli import main as command
    from sightline.learn.loop import Trainer

    begun: list[float] = []
    sizes: list[int] = []
    original = Trainer.train_step

    def noted(self: Trainer, batches: Any, *arguments: Any) -> Any:
        begun.append(time.perf_counter() + OFFSET)
        sizes.append(batches.size)
        return original(self, batches, *arguments)

    Trainer.train_step = noted
    code = command(sys.argv[1:])
    ended = time.perf_counter() + OFFSET
    if not begun:
        sys.exit("no call of Trainer.train_step was seen: the training loop has changed, and stopwatch.py must follow")
    print(json.dumps({"begun": begun, "size": sizes[-1], "ended": ended}))
    return code


if __name__ == "__main__":
    sys.exit(main())
