"""Archives made by hand, for the tests of reading."""

import io
import tarfile
import zipfile

from PIL import Image

KINDS = ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.xz", "a.tar.bz2"]


def encoded(value):
    file = io.BytesIO()
    Image.new("L", (3, 2), value).save(file, "PNG")
    return file.getvalue()


FILES = {f"{label}/{i}.png": encoded(10 * i + len(label)) for label in ("cat", "猫") for i in (1, 2, 10)}


def write(path, files=FILES, members=()):
    """An archive of `files`, and of (TarInfo or ZipInfo, bytes) members made by hand."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in files.items():
                file.writestr(name, data)
            for member, data in members:
                file.writestr(member, data)
    else:
        mode = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w")
        with tarfile.open(path, mode) as file:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                file.addfile(member, io.BytesIO(data))
            for member, data in members:
                file.addfile(member, io.BytesIO(data))
    return path
