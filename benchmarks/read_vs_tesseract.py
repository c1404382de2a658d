"""Lines of text: `sightline train LINES --time T` from scratch against Tesseract's own model, on the same val lines.

CER strict, and folded (long s, umlauts with a small e, double hyphens and quotes as their usual forms). The val part
chose our best epoch and whether the language model is asked; Tesseract saw neither part, nor was it trained on them.
Lines a second: whole processes, files decoded, ours as `sightline predict FOLDER --csv`, Tesseract as two processes
with file lists. Tesseract is Debian's (tesseract-ocr, tesseract-ocr-script-frak); where it is missing, ours runs alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import SIGHTLINE, data, last_json, row, spread, timed, title

from sightline.tasks.read.scores import compared, metrics, table
from sightline.tasks.read.text import normalise


def lines_in(folder: Path) -> list[tuple[Path, str]]:
    """The images of the val part and their texts."""
    found = []
    for file in sorted(folder.rglob("*.gt.txt")):
        image = next(file.parent.glob(file.name.removesuffix(".gt.txt") + ".[jp][pn]g"))
        found.append((image, normalise(file.read_text(encoding="utf-8"), "NFC")))
    return found


def scores(read: list[str], lines: list[tuple[Path, str]]) -> dict[str, float]:
    """The metrics of the task read over these texts."""
    counts = [compared(normalise(text, "NFC"), truth) for text, (_, truth) in zip(read, lines, strict=True)]
    return metrics(table(counts).sum(axis=0), len(counts))


def tesseract(lines: list[tuple[Path, str]], model: str, place: Path) -> tuple[list[str], float]:
    """What it reads, and seconds: two processes with a list of files each."""
    halves = [lines[0::2], lines[1::2]]
    running = []
    begun = time.perf_counter()
    for number, half in enumerate(halves):
        names = place / f"{number}.txt"
        names.write_text("\n".join(str(image) for image, _ in half))
        words = ["tesseract", names, place / f"read{number}", "--psm", "7", "-l", model, "-c", "page_separator=\f"]
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        running.append(subprocess.Popen([str(w) for w in words], env=environment, stderr=subprocess.DEVNULL))
    for process in running:
        process.wait()
    seconds = time.perf_counter() - begun
    texts = [(place / f"read{n}.txt").read_text(encoding="utf-8").split("\f") for n in (0, 1)]
    read = [""] * len(lines)
    for number in (0, 1):
        for position, text in zip(range(number, len(lines), 2), texts[number], strict=False):
            read[position] = " ".join(text.split())
    return read, seconds


def main() -> None:
    """Prints error rates and lines a second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="fraktur-lines", help="or handwriting-lines")
    parser.add_argument("--time", default="60m", help="of the training")
    parser.add_argument("--model", default="Fraktur", help="of Tesseract")
    parser.add_argument("--bundle", type=Path, help="a bundle that was trained before, instead of training one")
    parser.add_argument("--repeat", type=int, default=3, help="turns of the readings that are timed")
    options, extra = parser.parse_known_args()
    folder = data(options.data)
    lines = lines_in(folder / "val")
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        bundle = options.bundle
        if bundle is None:
            words = ["train", folder, "--time", options.time, "--out", place / "run", "--json", *extra]
            seconds, out = timed([*SIGHTLINE, *words])
            bundle = Path(last_json(out)["bundle"])
            print(f"  trained in {seconds:.0f} s, {last_json(out)['notes']}", file=sys.stderr)
        ours, theirs, read, their_read = [], [], [], []
        there = shutil.which("tesseract") is not None
        for _ in range(options.repeat):
            seconds, _ = timed([*SIGHTLINE, "predict", bundle, folder / "val", "--csv", place / "answers.csv"])
            ours.append(len(lines) / seconds)
            if there:
                their_read, seconds = tesseract(lines, options.model, place)
                theirs.append(len(lines) / seconds)
        answers = subprocess.run(
            [*SIGHTLINE, "predict", str(bundle), *(str(image) for image, _ in lines), "--json"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        read = [json.loads(line)["text"] for line in answers.splitlines()]
    title(f"{options.data}/val, {len(lines)} lines: CER, folded CER, WER, exact; lines a second", ("onnxruntime",))
    for name, texts, speeds in (("ours", read, ours), (f"Tesseract, {options.model}", their_read, theirs)):
        if texts:
            found = scores(texts, lines)
            figures = " ".join(f"{found[key]:.2%}" for key in ("cer", "cer_folded", "wer", "exact"))
            row(name, figures, spread(speeds, " lines/s", 0))
    if not there:
        print("  Tesseract is not installed: apt-get install tesseract-ocr tesseract-ocr-script-frak")


if __name__ == "__main__":
    main()
