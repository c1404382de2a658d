"""How a CIFAR-10 bundle holds out under corruption: error by kind, mean corruption error, on the held-out tenth.

The images are those that `cifar_vs_resnet18.py` holds out, corrupted by Sightline itself: CIFAR-10-C's own files are
not needed, and its figures, which stand beside ours as context, are of the published test part.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from cifar_vs_resnet18 import write_npz
from measure import SIGHTLINE, last_json, row, timed, title

PUBLISHED = {"AllConv": 30.8, "DenseNet": 30.7, "ResNeXt": 27.5, "WideResNet-40-2": 26.9}
"""Mean corruption error in % on CIFAR-10-C after 200 epochs of standard training (Hendrycks et al. 2020, AugMix)."""


def main() -> None:
    """Prints the error of each kind, the mean over its five strengths, and the mean of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="trained on CIFAR-10 without the held-out tenth")
    parser.add_argument("--npz", type=Path, help="the data as that script writes it (default: written anew)")
    parser.add_argument("--limit", type=int, default=1000, help="images of the held-out part (default: 1000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        npz = options.npz or Path(temporary) / "cifar10.npz"
        if not options.npz:
            write_npz(npz)
        words = ["evaluate", options.bundle, npz, "--robust", "--limit", str(options.limit), "--json"]
        begun = time.perf_counter()
        result = last_json(timed([*SIGHTLINE, *words])[1])
        seconds = time.perf_counter() - begun
    found = result["robust"]
    title(f"CIFAR-10 under corruption, {found['n']:,} images of {found['of']:,} held out, {seconds:.0f} s")
    row("error in %", "mean of 5 strengths", "strengths 1 to 5")
    row("as they are", f"{100 * found['clean_error']:.1f}")
    for kind, values in found["kinds"].items():
        errors = [100 * (1 - value) for value in values]
        row(f"  {kind}", f"{sum(errors) / 5:.1f}", " ".join(f"{error:.1f}" for error in errors))
    row("mean corruption error", f"{100 * found['mean_corruption_error']:.1f}")
    for name, value in PUBLISHED.items():
        row(f"  {name}, as published", f"{value:.1f}")


if __name__ == "__main__":
    main()
