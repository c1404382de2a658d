"""Images and bundles that are not what they say: mutated by chance, with their sums made right again."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from hypothesis import strategies as st
from image_files import colours, turned
from PIL import Image

MODES = {"PNG": "RGB", "JPEG": "RGB", "WEBP": "RGB", "GIF": "P", "BMP": "RGB", "TIFF": "RGB"}


def _written(kind: str, mode: str) -> bytes:
    file = io.BytesIO()
    exif = {} if kind in ("GIF", "BMP") else {"exif": turned(6).tobytes()}
    Image.fromarray(colours()).convert(mode).save(file, kind, **exif)
    return file.getvalue()


WHOLE = {kind: _written(kind, mode) for kind, mode in MODES.items()}
HEAD = 160
"""Bytes at the begin in which most of what a decoder decides by stands."""


@st.composite
def images(draw: st.DrawFn) -> bytes:
    """A file of any format with bytes altered, put in, taken out or doubled; most of it near the begin."""
    data = bytearray(WHOLE[draw(st.sampled_from(sorted(WHOLE)))])
    for _ in range(draw(st.integers(1, 6))):
        most = len(data) if draw(st.booleans()) else min(HEAD, len(data))
        place = draw(st.integers(0, max(0, most - 1)))
        length = draw(st.integers(1, 8))
        way = draw(st.sampled_from(["alter", "insert", "remove", "repeat", "cut"]))
        if way == "alter":
            data[place : place + length] = draw(st.binary(min_size=length, max_size=length))
        elif way == "insert":
            data[place:place] = draw(st.binary(min_size=length, max_size=length))
        elif way == "remove":
            del data[place : place + length]
        elif way == "repeat":
            data[place:place] = data[place : place + 16 * length]
        else:
            del data[place:]
    return bytes(data)


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def documents(draw: st.DrawFn, text: bytes) -> bytes:
    """The JSON document `text` with one or two of its values replaced, taken out, or put elsewhere."""
    found = json.loads(text)
    for _ in range(draw(st.integers(1, 2))):
        if places := list(_places(found)):
            holder, key = draw(st.sampled_from(places))
            if draw(st.integers(0, 4)):
                holder[key] = draw(STRANGE)
            else:
                del holder[key]
    return json.dumps(found).encode()


def _places(value: Any) -> Any:
    """Every list or object in a document with each of its keys."""
    for key in range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ():
        yield value, key
        yield from _places(value[key])


def graph(data: bytes, seed: int) -> bytes:
    """An ONNX file with some bytes altered, mostly those of its nodes rather than its weights."""
    random, found = np.random.default_rng(seed), bytearray(data)
    region = len(found) if seed % 4 == 0 else min(4000, len(found))
    for place in random.integers(0, region, random.choice([1, 2, 4, 16])).tolist():
        found[place if random.random() < 0.5 else len(found) - 1 - place] = int(random.integers(0, 256))
    return bytes(found[: int(random.integers(0, len(found)))] if random.random() < 0.1 else found)
