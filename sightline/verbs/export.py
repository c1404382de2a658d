"""export: a bundle for other hosts, with the proof that its whole answers are the same there."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.core.errors import SightlineError
from sightline.core.options import option, resolve
from sightline.export.parity import compared
from sightline.run.bundle import Bundle, open_bundle
from sightline.run.files import make_folder, write_text
from sightline.tables import EXPORTS
from sightline.verbs.about import versions
from sightline.verbs.common import task_named
from sightline.verbs.export_images import real_or_made
from sightline.verbs.predict import Predictor


@dataclass(frozen=True)
class ExportOptions:
    """Options of `export`."""

    to: str = option("onnx", "for which host", choices=EXPORTS)
    out: Path | None = option(None, "folder, empty or not there (default: exports/NAME-TO)")
    data: str | None = option(None, "images to compare answers on: data, a folder or a file (default: made ones)")
    images: int = option(100, "how many of them at most", low=1)
    runtime: Path | None = option(
        None, "for web: folder of the npm package onnxruntime-web (default: node_modules/onnxruntime-web)"
    )


def export(model: str | Path | Bundle, to: str = "onnx", **given: Any) -> dict[str, Any]:
    """Writes the folder; what was measured, as plain JSON (and as parity.json).

    out, to, files, and of the comparison: images, on, same, largest_difference, tolerance, passed, differing; where
    nothing here can run what was written, `passed` is None and there is `why` instead. Raises SightlineError where the
    bundle cannot be written for that host.
    """
    options = resolve(ExportOptions, {"to": to, **given})
    bundle = model if isinstance(model, Bundle) else open_bundle(model)
    entry = EXPORTS[options.to]
    task, way = task_named(bundle.spec.task), entry.load()
    if options.runtime and not entry.runtime:
        have = ", ".join(name for name, one in EXPORTS.items() if one.runtime)
        raise SightlineError(f"--runtime is not for {options.to}", fix=f"leave it out; it is for: --to {have}")
    folder = options.out or Path("exports") / f"{bundle.path.stem}-{options.to}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SightlineError("the folder is not empty", str(folder), "name another one: --out FOLDER")
    with tempfile.TemporaryDirectory() as temporary:
        images, on = real_or_made(bundle, task, options.data, options.images, Path(temporary))
        asked = [(a.source, a.prediction) for a in Predictor(bundle).answers(images, workers=0) if a.prediction]
        if not asked:
            raise SightlineError("none of the images can be read", on, "name others: --data DATA")
        make_folder(folder)
        try:
            way.write(bundle, task, folder, *([options.runtime] if entry.runtime else []))
        except SightlineError:
            with contextlib.suppress(OSError):  # what was begun stays, an empty folder does not
                folder.rmdir()
            raise
        if entry.program and shutil.which(entry.program) is None:
            found = {"passed": None, "why": f"{entry.program} is not installed"}
        else:
            ours = [prediction.to_dict() for _, prediction in asked]
            found = compared(ours, way.answers(bundle, task, folder, [source for source, _ in asked]))
    found = {"to": options.to, "model": bundle.path.name, "on": on, **found, "versions": versions()}
    write_text(folder / "parity.json", json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {"out": str(folder), **found, "files": files}


def command(target: list[str], given: Mapping[str, Any], as_json: bool) -> int:
    """`sightline export MODEL --to HOST`: what was written and how its answers compare; 1 where they differ."""
    from sightline.verbs.common import print_json, say

    if len(target) != 1:
        raise SightlineError("export takes one bundle", fix="type: sightline export MODEL.sightline --to python")
    found = export(target[0], **given)
    if as_json:
        print_json(found)
        return 1 if found["passed"] is False else 0
    names = sorted({name.partition("/")[0] + "/" * ("/" in name) for name in found["files"]})
    print(f"{found['out']}: {', '.join(names)}")
    if found["passed"] is None:
        say(f"! its answers were not compared with Sightline's own: {found['why']}")
        return 0
    text = (
        f"{found['same']} of {found['images']} whole answers agree with Sightline's own ({found['on']}); "
        f"largest difference of a number {found['largest_difference']:.2g}, allowed {found['tolerance']:g}"
    )
    if found["passed"]:
        print(text)
    else:
        say(f"! {text}\n  do not use this export; parity.json says more. Please report this as a bug")
    return 0 if found["passed"] else 1
