"""How soon a new process answers: `sightline --help`, and `sightline predict` of one image.

Beside each, the same with torch imported first: what a tool pays that imports its training framework to predict.
The files are in the page cache; the processes are new.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import SIGHTLINE, in_turns, ratios, row, spread, timed, title

TORCH_FIRST = "import sys, torch; from sightline.cli import main; sys.exit(main(sys.argv[1:]))"
TARGETS = {"--help": 0.3, "predict": 0.7}


def main() -> None:
    """Prints seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--network", default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        run, image = Path(place) / "run", Path(place) / "one.png"
        timed([*SIGHTLINE, "train", "digits", "--network", options.network, "--epochs", "1", "--out", run])
        timed([sys.executable, "-c", f"from PIL import Image; Image.effect_noise((64, 64), 60).save({str(image)!r})"])
        command = {"--help": ["--help"], "predict": ["predict", str(run / "run.sightline"), str(image)]}
        contestants = {}
        for name, words in command.items():
            contestants[name] = lambda words=words: timed([*SIGHTLINE, *words])[0]
            slow = [sys.executable, "-c", TORCH_FIRST, *words]
            contestants[name + ", torch first"] = lambda slow=slow: timed(slow)[0]
        contestants["python -c pass"] = lambda: timed([sys.executable, "-c", "pass"])[0]
        found = in_turns(contestants, options.repeat)
    title("Cold start, seconds from process start to its end", ("numpy", "pillow", "onnxruntime", "torch"))
    for name, seconds in found.items():
        target = f"(must: < {TARGETS[name]} s)" if name in TARGETS else ""
        row(name, spread(seconds, "s"), target)
    for name in command:
        row(f"{name}: times sooner", spread(ratios(found[name + ", torch first"], found[name]), "x"))


if __name__ == "__main__":
    main()
